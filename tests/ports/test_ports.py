"""Each program of commands/ports does its job as on Linux."""

import os

import portslib
import pytest

JOBS = {
    port: job
    for port in sorted(os.listdir(portslib.RECIPES))
    if "." not in port and (job := portslib.job_of(port))
}
LIGHT = ("bash-static", "lua", "sqlite3", "tcc")  # for Bochs, which takes ten times as long


def fetched(port):
    if not os.path.isdir(os.path.join(portslib.BUILT, port)):
        pytest.skip(f"{port} could not be fetched: is the network there?")


@pytest.mark.parametrize("port", JOBS)
def test_a_program_does_its_job_as_on_linux(port):
    fetched(port)
    portslib.check(JOBS[port])


@pytest.mark.parametrize("port", LIGHT)
def test_a_light_program_does_its_job_in_bochs(port):
    fetched(port)
    portslib.check(JOBS[port], emu="bochs", mem=256)
