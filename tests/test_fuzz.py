"""Random system calls (programs/fuzz.c) do no harm to the system, whatever they do to the program.

The quick set makes 60,000 calls. `make test-fuzz` makes ten million and takes a quarter of an hour on two processors;
FUZZ_CALLS says how many otherwise. What is found can be seen again by `fuzz SEED CALLS show`."""

import os

import pytest

SEEDS = [1, 2, 3, 4, 5]              # quick; the full run takes as many more as it needs, from 100 on
QUICK, FULL = 12_000, 250_000        # calls of one run
TOTAL = int(os.environ.get("FUZZ_CALLS", "0"))
ROUNDS = [(seed, QUICK) for seed in SEEDS] if not TOTAL else [(100 + n, FULL) for n in range(-(-TOTAL // FULL))]


def services(text):
    """/proc/minnow/services: name -> (state, how often it has died)"""
    rows = [row for row in (line.split() for line in text.splitlines()) if len(row) > 7 and row[0].isdigit()]
    return {row[1]: (row[2], int(row[3])) for row in rows}


@pytest.mark.parametrize("seed, calls", ROUNDS)
def test_random_calls_harm_nobody(vm, seed, calls):
    result = vm(["sh", "-c", f"/usr/lib/minnow-tests/fuzz {seed} {calls} >&2; echo $?; cat /proc/minnow/services; ls /"],
                timeout=60 + calls // 1000)
    assert result.status == 0, result.stderr
    status, *rest = result.stdout.decode().splitlines()
    assert status == "0", result.stderr
    found = services("\n".join(rest))
    assert {"posix", "pm", "vfs", "ext2", "pipe", "mem"} <= found.keys()
    for name, (state, deaths) in found.items():
        assert state == "running" and deaths == 0, name
    assert "proc" in rest and "fuzz" not in rest
