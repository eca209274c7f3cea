"""No request is so long that others wait for it noticeably, or that the manager takes its service
for one that hangs (pm/rs/BOUNDS.md). An instruction is a nanosecond here, so the times are exact."""

import os
import re

import pytest

import vmlib
from longlib import long, with_few

WORST = "/usr/lib/minnow-tests/_worst"
# Until the policy has seen that one program computes and the other mostly sleeps, both have the same
# priority, and a quantum is 10 ms. Steps are about 1 ms; those of several services may coincide.
LONGEST_US = 15_000

CASES = {
    "exit": 270,
    "exit-regions": 270,
    "regions": 40,
    "munmap": 200,
    "madvise": 200,
    "populate": 200,
    "mprotect": 200,
    "mremap": 150,
    "fork": 100,
    "exec": 200,
    "tables": 20_000,
    "mincore": 512,
    "robust": 200,
    "zero": 16,
    "random": 4,
    "tty": 2,
    "kill": 1,
    "word": 1,
    "reprint": 1,
    "tab": 128,
    "tmpfs-read": 16,
    "tmpfs-write": 16,
    "tmpfs-cut": 30,
    "ext2-read": 16,
    "ext2-write": 16,
    "ext2-cut": 30,
    "ext2-names": 300,
    "fat-write": 8,
    "fat-names": 300,
    "timers": 16,
    "close-range": 4,
}
FEW = {"exec", "exit", "populate", "ext2-write", "fat-names"}


def untouched(table):
    """`service list`: no service has died or was taken for one that hangs."""
    rows = [
        line.split()
        for line in table.splitlines()
        if line.split()[2:3] and line.split()[2].isdigit()
    ]
    return len(rows) > 10 and all(row[1] == "running" and row[3:5] == ["0", "0"] for row in rows)


@pytest.mark.parametrize("what", with_few(CASES, FEW))
def test_others_are_served_meanwhile(vm, what):
    result = vm(
        ["sh", "-c", f"{WORST} {what} {CASES[what]}; service list"],
        count=True,
        mem=512,
        timeout=120,
        options="poll" if what.startswith(("ext2", "fat")) else "",
    )  # else the clock jumps while the host's disk works, and the driver is taken for one that hangs
    said, table = result.stdout.decode().split("\n", 1)
    found = re.fullmatch(rf"{what}: status (-?\d+), (\d+) us at most, of many rounds", said)
    assert found and found[1] == "0", result
    assert int(found[2]) <= LONGEST_US, said
    assert untouched(table), table


def test_who_advances_is_not_taken_for_hanging_and_who_only_says_so_is(vm):
    script = "for n in 1 2 3; do dd if=/dev/zero bs=$n count=1 2>/dev/null | wc -c; service list | grep ^mem; done"
    result = vm(
        ["sh", "-c", script],
        count=True,
        timeout=120,
        service=[("mem", os.path.join(vmlib.BUILD, "services", "advance"))],
    )
    lines = [line.split() for line in result.stdout.decode().splitlines()]
    assert lines[0] == ["1"] and lines[1][3:5] == ["0", "0"], result
    hangs = [int(lines[n][4]) for n in (1, 3, 5)]
    assert lines[2] == lines[4] == ["0"] and hangs[0] < hangs[1] < hangs[2], result


def beside_advance(vm, script):
    """The script's result where `advance` serves in the place of mem."""
    return vm(
        ["sh", "-c", script],
        count=True,
        timeout=240,
        service=[("mem", os.path.join(vmlib.BUILD, "services", "advance"))],
    )


@long
def test_a_call_that_is_thrown_back_for_ever_takes_no_more_than_its_turn(vm):
    script = "dd if=/dev/zero bs=4 count=1 2>/dev/null & sleep 1; cat /proc/version | wc -l; kill -9 $!; wait; echo gone"
    result = beside_advance(vm, script)
    assert result.stdout == b"1\ngone\n", result


@long
def test_calls_that_are_thrown_back_for_ever_use_up_their_quanta(vm):
    """Two such callers and a program that computes: neither caller ever runs itself, so what it
    costs must be charged to it when its call is made again."""
    script = (
        "for n in 1 2; do dd if=/dev/zero bs=4 count=1 2>/dev/null & done; "
        "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; "
        "kill -9 $(jobs -p); wait; echo gone"
    )
    result = beside_advance(vm, script)
    assert result.stdout == b"gone\n", result


def test_who_waits_in_poll_does_not_make_the_wake_ups_of_others_slow(vm):
    result = vm(["/usr/lib/minnow-tests/_pollers"], count=True, timeout=120)
    alone, hindered, waiting, woken = map(int, result.stdout.split())
    assert waiting >= 10 and woken == waiting, result
    assert 0 < hindered <= alone * 11 // 10, result
