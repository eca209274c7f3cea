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


@pytest.mark.parametrize("port", JOBS)
def test_a_program_does_its_job_as_on_linux(port):
    portslib.skip_unfetched(port)
    portslib.check(JOBS[port])


@pytest.mark.parametrize("port", LIGHT)
def test_a_light_program_does_its_job_in_bochs(port):
    portslib.skip_unfetched(port)
    portslib.check(JOBS[port], emu="bochs", mem=256)
