"""Services die at arbitrary instructions, hundreds of times, and it has no effect that programs notice:
not on what runs meanwhile, not on the disk, and nothing is left behind. Short: each a few times.
Full: each at least 200 times, and all at once with many seeds."""

import pytest

import faultlib
from faultlib import FULL

# service: (the load that keeps it at work, mean time between deaths in ns)
EACH = {
    "ext2": ("disk", 150_000),
    "pipe": ("pipe", 150_000),
    "local": ("local", 150_000),
    "tmpfs": ("tmpfs", 60_000),
    "vfs": ("shell", 60_000),
    "pm": ("sequence", 150_000),
    "posix": ("sequence", 60_000),
    "fat": ("fat", 60_000),
    "devfs": ("devfs", 10_000),
    "console": ("console", 60_000),
    "serial": ("serial", 200_000),
    "pty": ("pty", 60_000),
    "host": ("host", 60_000),
    "mem": ("mem", 60_000),
    "rtc": ("rtc", 60_000),
    "procfs": ("procfs", 60_000),
    "virtio_blk": ("disk", 300_000),
    "ata": ("disk", 300_000),
}
SHORT = ["ext2"]
DEATHS = 200
SEEDS = 30  # at most, until there have been so many deaths


@pytest.mark.parametrize("name", EACH if FULL else SHORT)
def test_a_service_dies_and_nobody_notices(name):
    load, mean = EACH[name]
    deaths = 0
    for seed in range(1, SEEDS + 1 if FULL else 2):
        run = faultlib.storm(load, [name], seed, mean, disk="ata" if name == "ata" else None)
        faultlib.same(load, run)
        deaths += run.deaths[name]
        if deaths >= DEATHS:
            break
    assert deaths >= (DEATHS if FULL else 3)
    if FULL:
        faultlib.figure(
            f"storm {name}: {deaths} deaths in {seed} runs of `{load}`, nothing to be noticed"
        )


ALL = [name for name in EACH if name != "ata"]


@pytest.mark.parametrize("seed", range(1, 16 if FULL else 2))
@pytest.mark.parametrize("load", ["shell", "sequence", "disk"] if FULL else ["sequence"])
def test_all_of_them_die(load, seed):
    run = faultlib.storm(load, ALL, seed, 200_000)
    faultlib.same(load, run)
    assert sum(run.deaths.values()) >= 10
