"""A kill at every message of a short workload, each time it is done one. The messages and their times come from the kernel's trace of an undisturbed run; as
instructions are counted and the disk is not waited for (the workload has been done before), every other run goes the same way until the kill, which falls
half-way to the next message: whoever is at work there dies. Some twenty runs share a boot."""

import functools
import re

import pytest

import faultlib
from faultlib import FULL

NEVER, DIGITS = 999_999_999_999, 12        # the command's length must not differ
NAMES = faultlib.KEPT + faultlib.AFRESH
CHUNKS, BATCH, SAMPLE = (10, 20, None) if FULL else (1, 5, 10)
RUN = (f"run() {{ echo clear >/proc/minnow/trace; echo on >/proc/minnow/trace; service strike +$1 {' '.join(NAMES)}; load_short; "
       "echo off >/proc/minnow/trace; }; load_short >/dev/null; sync; ")


def strike(instants, after=""):
    return faultlib.Run("none", RUN + "".join(f"run {when:0{DIGITS}}; " for when in instants) + after + "\n", {"timeout": 300})


@functools.lru_cache(None)
def recorded():
    """What one undisturbed run prints, and the instants of the kills."""
    run = strike([NEVER], "echo ==== >&2; cat /proc/minnow/trace >&2; echo ==== >&2")
    assert run.result.status == 0, run
    lines = re.findall(r"^ *(\d+) +(\d+)\.(\d{3}) ", run.said.split("====\n")[1], re.M)
    assert lines and int(lines[0][0]) == 0, "the ring of the trace was too small"
    times = [int(us) * 1000 + int(ns) for _, us, ns in lines]
    ordered = re.search(r" rs +syscall \d+ FS_WRITE .*?^ *\d+ +(\d+)\.\d{3} +rs +- +alarm ", run.said, re.M | re.S)      # the manager has set its alarm
    start = int(ordered[1]) * 1000
    times = [t - start for t in times if t > start]
    return run.output, [(a + b) // 2 for a, b in zip(times, times[1:])]


@functools.lru_cache(None)
def undisturbed(count):
    return strike([NEVER] * count)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_kill_at_every_message(chunk):
    output, instants = recorded()
    mine = instants[chunk::CHUNKS] if FULL else instants[20::max(1, len(instants) // SAMPLE)][:SAMPLE]
    deaths, bad = 0, []
    for at in range(0, len(mine), BATCH):
        batch = mine[at:at + BATCH]
        run, good = strike(batch), undisturbed(len(batch))
        deaths += sum(run.deaths.values())
        same_state = all(run.state.get(n) == good.state[n] for n in ("tasks", "threads", "connections", "spaces"))
        if run.result.status != 0 or run.output != output * len(batch) or not same_state:
            bad.append((batch, run.deaths, repr(run)[-3000:]))
    if FULL:
        faultlib.figure(f"strike {chunk:02}: {len(mine)} runs of {len(instants)} messages, {deaths} deaths, {len(bad)} to be noticed")
    assert not bad, bad[:3]
    assert deaths >= len(mine) // 4
