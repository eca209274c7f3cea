"""A hostile driver and a hostile file server harm only programs that use them: work beside them gives
the same results, nothing leaks, the kernel stays up, and the log names them for what they tried. The
services that rule over programs do not rule over the kernel."""

import os
import re

import pytest

import vmlib
from longlib import in_full, with_few

HOSTILE, WILD, CORNERS, GRASPING = (
    os.path.join(vmlib.BUILD, "services", name)
    for name in ("hostile", "wild", "corners", "grasping")
)
WORK = (
    "find /bin /etc /lib | sort | md5sum; cat /bin/* | md5sum; seq 3000 | sort -rn | md5sum; "
    "cp /bin/busybox /root/b; cmp /root/b /bin/busybox; "
    "/usr/lib/minnow-tests/signals | md5sum; "
)
ASK = {  # calls the hostile service, over and over
    "procfs": [
        "cat /proc/meminfo",
        "ls /proc",
        "ls -l /proc/self",
        "cat /proc/minnow/log",
        "stat /proc/1",
    ],
    "rtc": ["cat /dev/rtc0", "hwclock", "date -r /dev/rtc0"],
    "ata": ["cat /dev/hda", "echo x >/dev/hda1", "stat /dev/hda", "mount -t ext2 /dev/hda2 /mnt"],
}


@pytest.mark.parametrize("service", with_few(sorted(ASK), {"procfs"}))
def test_a_hostile_service_harms_nobody_else(service):
    undisturbed = vmlib.run(["sh", "-c", WORK + "echo end"])
    ask = "".join(
        f"({command}) >/root/out 2>&1 & p=$!; sleep 1; kill -9 $p; wait $p; "
        for command in ASK[service]
    )
    script = f"service replace {service} /root/hostile; (while :; do {ask} touch /root/asked; done) 2>/root/err & {WORK} while [ ! -e /root/asked ]; do sleep 1; done; echo end; service status {service} >&2; service log >&2 || :"
    result = vmlib.run(["sh", "-c", script], add=[(HOSTILE, "/root/hostile")], timeout=100)
    assert result.status == 0, result
    assert result.stdout == undisturbed.stdout and result.stdout.endswith(b"end\n")


def boot_with(service, program, tmp_path, command=("true",)):
    """A boot with the program in the place of a service: (the run, its output). The kernel refuses what
    the manifest does not allow, and no more."""
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    manifest = f"/services/{service}.manifest"
    image.write_text(image.read(manifest) + b"violations: refused\n", manifest)
    broken = tmp_path / "broken"  # so that there is a slot whose service never comes up
    broken.write_bytes(b"no program")
    said = []
    run = vmlib.Run(
        [*command],
        said.append,
        said.append,
        said.append,
        count=True,
        shift=3,
        timeout=15,
        image=image.path,
        service=[(service, program), ("rtc", str(broken))],
    )
    run.run()
    return run, b"".join(said)


@pytest.mark.parametrize("service", ["pm", in_full("vfs"), "posix"])
def test_the_kernel_stands_whatever_the_mightiest_ask_of_it(service, tmp_path):
    """With their rights these services can end every program, but not the kernel. How far the system
    comes does not matter."""
    run, said = boot_with(service, WILD, tmp_path)
    assert not run.panicked_at and (run.why != "ended" or run.switched_off), said[-3000:]


def test_memory_of_the_kernel_is_not_for_programs(tmp_path):
    """Not even if PM asks for it: frames that PM has given back, the clock's page, those of services
    that are not there."""
    run, said = boot_with("pm", CORNERS, tmp_path)
    assert (
        not run.panicked_at
        and b"pm: has done its worst" in said
        and b"the clock cannot be written" in said
    ), said[-3000:]


@pytest.mark.parametrize("service, mounts", [("ext2", [2]), in_full("fat", [1])])
def test_a_file_server_reads_the_partition_that_it_shall_mount_and_no_other(
    service, mounts, tmp_path
):
    run, said = boot_with(service, GRASPING, tmp_path)
    assert not run.panicked_at
    check_grasping(service, mounts, said)


def test_a_partition_is_lent_to_its_file_server_until_it_is_unmounted(tmp_path):
    """A file server of type minix, which nothing needs, in the place of the clock, and with what fat may do."""
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    for path in ("/services/boot.services", vmlib.GRUB_CONFIG):
        image.write_text(re.sub(rb"\brtc\b", b"minix", image.read(path)), path)
    for path in (f"/services/{name}.manifest" for name in ("vfs", "pm", "posix")):
        image.write_text(image.read(path).replace(b"calls: ", b"calls: minix "), path)
    image.write_text(
        image.read("/services/fat.manifest") + b"violations: refused\n", "/services/minix.manifest"
    )
    image.write(GRASPING, "/services/minix")
    script = (
        "for i in $(seq 10); do mount -t minix /dev/vda /mnt && umount /mnt; done; mknod /root/x b 4 1; mount -t minix /root/x /mnt; "
        "mount -t minix /dev/vda3 /mnt; cat /mnt/x; service log minix"
    )
    result = vmlib.run(["sh", "-c", script], image=image.path, timeout=60)
    assert result.status == 0, result
    check_grasping("minix", [0] * 10 + [3], result.stdout)
    assert b"/root/x on /mnt failed: Permission denied" in result.stderr, "the console is no disk"


def check_grasping(service, mounts, said):
    lines = [
        line.partition(f"{service}: ")[2] for line in said.decode(errors="replace").splitlines()
    ]
    assert [int(line.split()[-1]) for line in lines if line.startswith("mounts ")] == mounts, said[
        -3000:
    ]
    assert not [line for line in lines if "TAKES" in line], lines
    assert [line for line in lines if "its own: " in line] and "has tried all" in lines, lines
