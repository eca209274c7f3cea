"""Machines with much memory boot, and programs can use it."""

import re

import pytest

from longlib import long

LARGE = "/usr/lib/minnow-tests/_large"
FREE = "awk '/MemTotal|MemFree/ {print $2}' /proc/meminfo"


@pytest.mark.parametrize("gib", [4, 16])
def test_large_memory_is_there_at_once(vm, gib):
    result = vm(
        ["sh", "-c", f"{FREE}; sed -n 's/^uptime_ns //p' /proc/minnow/system"], mem=gib * 1024
    )
    total, free, booted_ns = map(int, result.stdout.split())
    assert 0.97 * gib < total / (1 << 20) <= gib
    assert free > 0.6 * total
    assert booted_ns < 5_000_000_000


@long
def test_memory_above_the_hole_of_devices_is_used(vm):
    """A PC has a hole below 4 GiB; of 6 GiB some stand above it, and programs get more than what is below."""
    mib = 3200
    result = vm(["sh", "-c", f"{LARGE} {mib}; {FREE}"], mem=6 * 1024, timeout=300)
    said, _, free = result.stdout.decode().split("\n")[:3]
    assert re.fullmatch(rf"{mib * 256} pages, 0 wrong", said)
    assert int(free) > mib * 1024 // 2, "given back"


def test_files_can_be_opened_among_a_thousand_processes(vm):
    """The kernel's memory for descriptors does not depend on how much the processes' page tables need."""
    openers = "/usr/lib/minnow-tests/_openers"
    result = vm(["sh", "-c", f"mkdir /tmp/openers; {openers} 900; {openers} 900"], mem=1024)
    assert result.stdout.decode().splitlines() == ["900 made, 0 errors", "0 made, 0 errors"]
