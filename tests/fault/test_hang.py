"""Failures that no storm brings about: a service that spins or sleeps, one that dies while it restarts
or recovers, two that die together, the policy of scheduling and the manager itself dying again and
again."""

import re

import pytest

import elflib
import faultlib
import vmlib
from faultlib import FULL
from longlib import in_full, long

AT_ONCE = (
    ["vfs"]
    if not FULL
    else [
        "console",
        "devfs",
        "ext2",
        "fat",
        "local",
        "pipe",
        "pm",
        "posix",
        "pty",
        "tmpfs",
        "vfs",
        "mem",
        "procfs",
        "rtc",
        "virtio_blk",
    ]
)
LOADS = {
    "ext2": "disk",
    "vfs": "shell",
    "pm": "sequence",
    "posix": "sequence",
    "local": "local",
    "pipe": "pipe",
    "tmpfs": "tmpfs",
    "fat": "fat",
    "devfs": "devfs",
    "console": "console",
    "pty": "pty",
    "mem": "mem",
    "procfs": "procfs",
    "rtc": "rtc",
    "virtio_blk": "disk",
}


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_service_that_spins_is_found_and_goes_on(name):
    """The message loop is patched, since every service gets there soon. After the death the code is
    sound again."""
    place = (
        "message_receive" if name == "virtio_blk" else "message_reply_receive"
    )  # a disk's requests are answered later
    mutation = f"mutate {name} {elflib.address(name, place)} {elflib.SPIN.hex()}"
    weather = f"(usleep 5000; i=0; while test $i -lt {5 if FULL else 2}; do echo {mutation} >/dev/service; usleep 400000; i=$((i+1)); done) &"
    run = faultlib.Run(LOADS[name], weather, {"timeout": 240})
    good = faultlib.undisturbed(LOADS[name])
    assert run.result.status == 0 and run.output == good.output, run
    assert run.hangs[name] >= 1, run
    if FULL:
        faultlib.figure(
            f"hang {name}: spun {run.hangs[name]} times, nothing to be noticed but the time"
        )


@pytest.mark.parametrize(
    "name, read",
    [
        in_full("mem", "head -c 5 /dev/zero | wc -c"),  # started afresh, and asked again
        ("virtio_blk", "dd if=/dev/vda bs=512 count=1 2>/dev/null | tail -c 2 | od -An -tx1"),
    ],
)
def test_a_request_that_is_forgotten_is_made_again(vm, name, read):
    mutation = f"mutate {name} {elflib.address(name, 'do_read')} {elflib.LATER.hex()}"
    result = vm(
        ["sh", "-c", f"{read}; echo {mutation} >/dev/service; {read}; service list | grep ^{name}"],
        count=True,
    )
    before, after, row = result.stdout.decode().splitlines()
    assert before == after and row.split()[4] == "1", result


def test_a_request_that_is_forgotten_by_who_keeps_state_fails(vm):
    mutation = f"mutate tmpfs {elflib.address('tmpfs', 'fs_do_read')} {elflib.LATER.hex()}"
    result = vm(
        [
            "sh",
            "-c",
            f"echo there >/tmp/x; echo {mutation} >/dev/service; dd if=/tmp/x; cat /tmp/x; service log tmpfs",
        ],
        count=True,
    )
    assert (
        b"I/O error" in result.stderr
        and result.stdout.startswith(b"there\n")
        and b"does not answer" in result.stdout
    ), result


def test_hundreds_who_wait_for_one_file_are_told_when_its_server_is_lost(vm, tmp_path):
    bad = elflib.patched(
        "tmpfs",
        {"fs_do_read": elflib.LATER, "fs_do_write": elflib.UD2, "recover_thread": elflib.UD2},
        tmp_path,
    )
    result = vm(
        ["sh", "-c", ": >/tmp/x; /usr/lib/minnow-tests/_waiters /tmp/x; service status tmpfs"],
        count=True,
        service=[("tmpfs", bad)],
    )
    assert result.stdout.startswith(b"500 of 500\n") and b"given up" in result.stdout, result


def test_who_waits_for_others_is_no_hang(vm):
    result = vm(
        [
            "sh",
            "-c",
            "sleep 2 | cat; (sleep 1; echo line) | (read x; echo $x); vfork() { sh -c 'sleep 1'; }; vfork; service list | awk '$5 > 0'",
        ],
        count=True,
    )
    assert len(result.stdout.splitlines()) == 2, result  # the line, and the head of the list


def test_the_manager_spins_and_is_found(vm, tmp_path):
    bad = elflib.patched("rs", {"do_read": elflib.SPIN}, tmp_path)
    result = vm(
        [
            "sh",
            "-c",
            "cat /dev/service; echo $?; service kill mem && head -c 3 /dev/zero | wc -c; cat /proc/minnow/log",
        ],
        count=True,
        shift=3,
        service=[("rs", bad)],
    )
    lines = result.stdout.decode().splitlines()
    assert b"I/O error" in result.stderr and lines[:2] == ["1", "3"], result
    assert any("service rs" in line and "does not come back" in line for line in lines), result


def test_without_its_manager_the_machine_stops_with_clean_disks(vm, tmp_path):
    bad = elflib.patched("rs", {"do_read": elflib.UD2, "recover_thread": elflib.UD2}, tmp_path)
    result = vm(
        [
            "sh",
            "-c",
            "echo written >/root/x; cat /dev/service; cat /root/x; cat /proc/minnow/log; sleep 100",
        ],
        count=True,
        service=[("rs", bad)],
    )
    assert b"written" in result.stdout and b"the service manager is lost" in result.stdout, result
    assert result.status == vmlib.PANICKED and b"the machine stopped" in result.stderr, result
    assert (
        b"the service manager is lost" in result.stderr
        and b"the service manager is lost" in result.log
    )  # it says why


LOOP = "(while :; do {}; done) & killer=$!;"


def killed_in_a_loop(load, commands):
    run = faultlib.Run(load, LOOP.format("; ".join(commands)), {"timeout": 240})
    good = faultlib.undisturbed(load)
    assert run.result.status == 0 and run.output == good.output, run
    return run


@long
@pytest.mark.parametrize("name", ["rs", "sched"])
def test_who_looks_after_the_others_dies_again_and_again(name):
    deaths = 0
    for pause in range(1000, 8000, 300) if FULL else [2000]:
        deaths += killed_in_a_loop(name, [f"service kill {name}", f"usleep {pause}"]).deaths[name]
        if deaths >= 200:
            break
    assert deaths >= (200 if FULL else 20)
    if FULL:
        faultlib.figure(f"storm {name}: {deaths} deaths by command, nothing to be noticed")


def test_the_manager_dies_at_any_instruction():
    """The kernel kills the manager, by an option, since the manager kills all others; wherever the clock
    finds it at work."""
    run = faultlib.Run(
        "rs", "load_rs >/dev/null; " * (3 if FULL else 0), {"options": "strike", "timeout": 240}
    )
    faultlib.same("rs", run)
    killed = max(
        [int(n) for n in re.findall(r"the manager has been killed (\d+) times", run.log)], default=0
    )
    assert killed >= (200 if FULL else 50)
    if FULL:
        faultlib.figure(f"storm rs: {killed} deaths at any instruction, nothing to be noticed")


@pytest.mark.skipif(not FULL, reason="in the full run")
def test_the_manager_dies_with_others():
    run = killed_in_a_loop("shell", ["service kill vfs", "service kill rs", "service kill ext2"])
    assert min(run.deaths[n] for n in ("rs", "vfs", "ext2")) >= 10, run


@long
@pytest.mark.parametrize(
    "pair", [("posix", "pm"), ("ext2", "virtio_blk"), ("vfs", "ext2")][: 3 if FULL else 1]
)
def test_two_die_so_fast_that_recoveries_meet(pair):
    """A mean of 20 us is shorter than a recovery or a driver's start: deaths fall into both."""
    run = faultlib.storm("sequence", pair, 5, 20_000, timeout=240)
    faultlib.same("sequence", run)
    assert sum(run.deaths.values()) >= 50, run
    if FULL:
        faultlib.figure(
            f"together {pair[0]} {pair[1]}: {run.deaths[pair[0]]} and {run.deaths[pair[1]]} deaths, nothing to be noticed"
        )
