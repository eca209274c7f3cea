"""What no storm brings about: a service that spins, one that dies while it restarts or recovers, two that die together, the policy of scheduling and the
manager itself dying again and again."""

import os
import re
import subprocess

import pytest

import faultlib
import vmlib
from faultlib import FULL

AT_ONCE = ["vfs"] if not FULL else ["console", "devfs", "ext2", "fat", "pipe", "pm", "posix", "tmpfs", "vfs", "mem", "procfs", "rtc", "virtio_blk"]
SPIN = "ebfe"         # jmp to itself
LOADS = {"ext2": "disk", "vfs": "shell", "pm": "sequence", "posix": "sequence", "pipe": "pipe", "tmpfs": "tmpfs", "fat": "fat", "devfs": "devfs",
         "console": "console", "mem": "mem", "procfs": "procfs", "rtc": "rtc", "virtio_blk": "disk"}


def address(service, function):
    """Where a function of a service begins."""
    text = subprocess.run(["nm", os.path.join(vmlib.BUILD, "services", service)], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^([0-9a-f]+) [tT] {function}$", text, re.M)[1], 16)


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_service_that_spins_is_found_and_goes_on(name):
    """The message loop is the place: whoever serves gets there soon. After the death the code is as it should be."""
    place = address(name, "message_reply_receive")
    weather = f"(sleep 0.005; i=0; while test $i -lt {5 if FULL else 2}; do echo mutate {name} {place} {SPIN} >/dev/service; sleep 0.4; i=$((i+1)); done) &"
    run = faultlib.Run(LOADS[name], weather, {"timeout": 240})
    good = faultlib.undisturbed(LOADS[name])
    assert run.result.status == 0 and run.output == good.output, run
    assert run.hangs[name] >= 1, run
    if FULL:
        faultlib.figure(f"hang {name}: spun {run.hangs[name]} times, nothing to be noticed but the time")


LOOP = "(while :; do {}; done) & killer=$!;"


def killed_in_a_loop(load, commands):
    weather = LOOP.format("; ".join(commands))
    run = faultlib.Run(load, weather, {"timeout": 240})
    good = faultlib.undisturbed(load)
    assert run.result.status == 0 and run.output == good.output, run
    return run


def test_the_manager_dies_again_and_again():
    run = killed_in_a_loop("rs", ["service kill rs", "usleep 3000"])
    assert run.deaths["rs"] >= (200 if FULL else 20), run
    if FULL:
        faultlib.figure(f"manager: {run.deaths['rs']} deaths, nothing to be noticed")


@pytest.mark.skipif(not FULL, reason="in the full run")
def test_the_manager_dies_with_others():
    run = killed_in_a_loop("shell", ["service kill vfs", "service kill rs", "service kill ext2"])
    assert min(run.deaths[n] for n in ("rs", "vfs", "ext2")) >= 10, run


def test_the_policy_of_scheduling_dies():
    run = killed_in_a_loop("sched", ["service kill sched", "usleep 5000"])
    assert run.deaths["sched"] >= (200 if FULL else 10), run
    if FULL:
        faultlib.figure(f"sched: {run.deaths['sched']} deaths, nothing to be noticed")


@pytest.mark.parametrize("pair", [("posix", "pm"), ("ext2", "virtio_blk"), ("vfs", "ext2")][:3 if FULL else 1])
def test_two_die_so_fast_that_recoveries_meet(pair):
    """A mean of 20 us is shorter than a recovery or a driver's start: deaths fall into both."""
    run = faultlib.storm("sequence", pair, 5, 20_000, timeout=240)
    faultlib.same("sequence", run)
    assert sum(run.deaths.values()) >= 50, run
    if FULL:
        faultlib.figure(f"together {pair[0]} {pair[1]}: {run.deaths[pair[0]]} and {run.deaths[pair[1]]} deaths, nothing to be noticed")
