"""Other people's test suites, inside."""

import os

import portslib
import pytest
import vmlib

SUITE = "/ports/usr/lib/posixtestsuite"
PARTS = ("[a-l]*", "[m-o]*", "pthread_[a-c]*", "pthread_[d-z]*", "s[a-e]*", "s[f-z]*", "[rt-z]*")
SECONDS = 300  # for one program
HERE = os.path.dirname(os.path.abspath(__file__))


def listed():
    """{program: status} of those that are known not to pass."""
    with open(os.path.join(HERE, "open_posix.txt")) as file:
        lines = [line.split() for line in file if line.strip() and line[0] != "#"]
    return {name: int(status) for name, status in lines}


@pytest.mark.parametrize("part", PARTS)
def test_open_posix(part):
    if not os.path.isdir(os.path.join(portslib.BUILT, "posixtestsuite")):
        pytest.skip("the suite could not be fetched: is the network there?")
    script = (
        portslib.MOUNT
        + f"""
        mkdir /tmp/suite
        for program in {SUITE}/{part}; do
            (cd /tmp/suite && timeout -s KILL {SECONDS} $program >/dev/null 2>&1 </dev/null)
            echo "${{program##*/}} $?"
            rm -rf /tmp/suite/*
        done
        """
    )
    result = vmlib.run(
        ["sh", "-c", script], second=portslib.IMAGE, mem=portslib.MEMORY, timeout=3600
    )
    ended = dict(line.split() for line in result.stdout.decode().splitlines())
    known = listed()
    wrong = {
        name: int(status)
        for name, status in ended.items()
        if int(status) and int(status) != known.get(name)
    }
    assert len(ended) > 10, result.stderr
    assert not wrong
