"""Services killed when they have hardly begun: at the first instruction of each of their threads,
before any has waited once. GDB does to them what the kernel does to a service that is killed there
(tests/gdb/beginning.py)."""

import os
import re
import subprocess
import threading
import time

import vmlib

WORK = "find /bin /etc | md5sum; seq 3000 | sort -rn | md5sum; service list | grep -c 'running *1 *0 *0 booted'"


def test_a_thread_killed_at_its_beginning_begins_again(tmp_path):
    undisturbed = vmlib.run(["sh", "-c", WORK])
    channel = str(tmp_path / "gdb")
    said = []
    run = vmlib.Run(
        ["sh", "-c", WORK],
        said.append,
        lambda _: None,
        lambda _: None,
        timeout=300,
        options="nokaslr",
        extra=["-S", "-gdb", f"unix:{channel},server=on,wait=off"],
    )
    machine = threading.Thread(target=run.run)
    machine.start()
    while not os.path.exists(channel) and machine.is_alive():
        time.sleep(0.01)
    helpers = os.path.join(vmlib.ROOT, "tests", "gdb")
    gdb = subprocess.run(
        [
            "gdb",
            "-q",
            "-batch",
            os.path.join(vmlib.BUILD, "kernel.elf"),
            "-x",
            f"{helpers}/minnow.py",
            "-ex",
            f"target remote {channel}",
            "-ex",
            "tbreak service_load_first",
            "-ex",
            "continue",
            "-ex",
            f"minnow symbols {vmlib.BUILD}/services",
            "-x",
            f"{helpers}/beginning.py",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    machine.join()
    stopped = re.findall(r"^stopped (\w+) \d+ (\w+)$", gdb.stdout, re.M)
    names = {service for service, _ in stopped}
    assert {
        "rs",
        "pm",
        "vfs",
        "posix",
        "ext2",
        "pipe",
        "tmpfs",
    } <= names and "too early" not in gdb.stdout, (
        gdb.stdout + gdb.stderr
    )
    assert sum(function == "thread_main" for _, function in stopped) > 20
    assert b"".join(said) == undisturbed.stdout
