"""A kill at every message of a short workload, a run each. The messages and their times come from the kernel's trace of an undisturbed run; as instructions are
counted and the disk is not waited for (the workload has been done before), every other run goes the same way until the kill, which falls half-way to the next
message: whoever is at work there dies."""

import functools
import re

import pytest

import faultlib
from faultlib import FULL

NEVER, DIGITS = 999_999_999_999, 12        # the command's length must not differ
NAMES = faultlib.KEPT + faultlib.AFRESH
CHUNKS, SAMPLE = (40, None) if FULL else (1, 3)


def strike(when):
    weather = (f"load_short >/dev/null; sync; service strike +{NEVER} vfs; echo clear >/proc/minnow/trace; echo on >/proc/minnow/trace; "
               f"service strike +{when:0{DIGITS}} {' '.join(NAMES)}; load_short; "
               "echo off >/proc/minnow/trace; echo ==== >&2; cat /proc/minnow/trace >&2; echo ==== >&2\n")
    return faultlib.Run("none", weather, {"timeout": 60})


@functools.lru_cache(None)
def recorded():
    """The undisturbed run, and the instants of the kills."""
    run = strike(NEVER)
    assert run.result.status == 0, run
    lines = re.findall(r"^ *(\d+) +(\d+)\.(\d{3}) ", run.said.split("====\n")[1], re.M)
    assert lines and int(lines[0][0]) == 0, "the ring of the trace was too small"
    times = [int(us) * 1000 + int(ns) for _, us, ns in lines]
    start = int(re.search(r"^ *\d+ +(\d+)\.\d{3} +rs .* alarm ", run.said, re.M)[1]) * 1000      # the strike has been ordered
    times = [t - start for t in times if t > start]
    return run, [(a + b) // 2 for a, b in zip(times, times[1:])]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_kill_at_every_message(chunk):
    good, instants = recorded()
    mine = instants[chunk::CHUNKS] if FULL else instants[20 + 37 * chunk::max(1, len(instants) // SAMPLE)][:SAMPLE]
    deaths, bad = 0, []
    for when in mine:
        run = strike(when)
        deaths += sum(run.deaths.values())
        same_state = all(run.state.get(n) == good.state[n] for n in ("tasks", "threads", "connections", "spaces"))
        if run.result.status != good.result.status or run.output != good.output or not same_state:
            bad.append((when, run.deaths, repr(run)[-3000:]))
    if FULL:
        faultlib.figure(f"strike {chunk:02}: {len(mine)} runs of {len(instants)} messages, {deaths} deaths, {len(bad)} to be noticed")
    assert not bad, bad[:3]
    assert deaths >= len(mine) // 4
