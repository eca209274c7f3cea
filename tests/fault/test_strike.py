"""A kill at every message of a short workload, one in each run of it. An undisturbed run's trace tells
how many messages there are, and how much time passes after each. In the other runs the kernel counts
the messages; when the one whose turn it is has been made and half of that time has passed, the
service that is at work dies. Some twenty runs share a boot."""

import functools
import re

import pytest

import faultlib
from faultlib import FULL

NEVER = (999_999, 0)
NAMES = faultlib.KEPT + faultlib.AFRESH
CHUNKS, BATCH, SAMPLE = (10, 20, None) if FULL else (1, 5, 10)
RUN = (
    f"run() {{ echo clear >/proc/minnow/trace; echo on >/proc/minnow/trace; service strike-after $1 $2 {' '.join(NAMES)}; load_short; "
    "echo off >/proc/minnow/trace; }; load_short >/dev/null; sync; "
)


def strike(places, after=""):
    """places: (record of the trace, nanoseconds after it) each."""
    return faultlib.Run(
        "none",
        RUN + "".join(f"run {record:06} {ns:06}; " for record, ns in places) + after + "\n",
        {"timeout": 300},
    )


@functools.lru_cache(None)
def recorded():
    """The output of an undisturbed run, and the places of the kills: the messages behind the one that
    marks the beginning."""
    run = strike([NEVER], "echo ==== >&2; cat /proc/minnow/trace >&2; echo ==== >&2")
    assert run.result.status == 0, run
    lines = re.findall(r"^ *(\d+) +(\d+)\.(\d{3}) (.*)", run.said.split("====\n")[1], re.M)
    assert lines and int(lines[0][0]) == 0, "the ring of the trace was too small"
    times = [int(us) * 1000 + int(ns) for _, us, ns, _ in lines]
    first = next(i for i, line in enumerate(lines) if re.search(r" rs +write FS_WRITE ", line[3]))
    return run.output, [
        (i, (times[i + 1] - times[i]) // 2) for i in range(first + 1, len(lines) - 1)
    ]


@functools.lru_cache(None)
def undisturbed(count):
    return strike([NEVER] * count)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_kill_at_every_message(chunk):
    output, places = recorded()
    mine = places[chunk::CHUNKS] if FULL else places[20 :: max(1, len(places) // SAMPLE)][:SAMPLE]
    deaths, bad = 0, []
    for at in range(0, len(mine), BATCH):
        batch = mine[at : at + BATCH]
        run, good = strike(batch), undisturbed(len(batch))
        deaths += sum(run.deaths.values())
        same_state = all(
            run.state.get(n) == good.state[n] for n in ("tasks", "threads", "connections", "spaces")
        )
        if run.result.status != 0 or run.output != output * len(batch) or not same_state:
            bad.append((batch, run.deaths, repr(run)[-3000:]))
    if FULL:
        faultlib.figure(
            f"strike {chunk:02}: {len(mine)} runs of {len(places)} messages, {deaths} deaths, {len(bad)} to be noticed"
        )
    assert not bad, bad[:3]
    assert deaths >= len(mine) // 4
