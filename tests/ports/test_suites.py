"""Other people's test suites, inside."""

import fnmatch
import os

import portslib
import pytest
import vmlib

SUITES = {
    # shows what differs from what bash is to say, numbers of processes left out; run-read is a race of
    # a tenth of a millisecond, and in run-trap two processes trace into one file
    "bash": """
job() {
    cp -R /ports/usr/share/bash-suite tests && cd tests || exit
    rm run-read run-trap
    THIS_SH=/ports/usr/bin/bash sh run-all >log 2>&1
    sed 's/([0-9]*): Not a tty/: Not a tty/; s/\\(line [0-9]*:\\) *[0-9]\\{3,\\} /\\1 /; s/^< *[0-9]\\{4,\\} /< /' log
    [ $(grep -c ^run- log) -gt 60 ]
}
""",
    # compares what gawk says with what it is to say; `_NAME` is what was wrong; one
    # asks for the network
    "gawk": """
job() {
    cp -R /ports/usr/share/gawk-suite test && ln -s /ports/usr/bin/gawk . && cd test || exit
    sed -i "/^nonfatal3:/!s/ nonfatal3 / /" Makefile
    make SHELL=/bin/sh check >log 2>&1
    echo $?
    sed '/^=====* _/,$d' log
    ls _*
    [ $(wc -l <log) -gt 300 ]
}
""",
    # leaves out what the file system cannot do, so only failures are compared
    "tar": """
job() {
    cp -R /ports/usr/share/tar-suite tests && cd tests || exit
    sh testsuite >log 2>&1
    grep 'FAILED\\|UNEXPECTED' log
    [ $(grep -c ' ok$' log) -gt 100 ]
}
""",
}

OPEN_POSIX = "/ports/usr/lib/posixtestsuite"
PARTS = ("[a-l]*", "[m-o]*", "pthread_[a-c]*", "pthread_[d-z]*", "s[a-e]*", "s[f-z]*", "[rt-z]*")
SECONDS = 300  # for one program
HERE = os.path.dirname(os.path.abspath(__file__))


def listed():
    """{program: status} of those that are known not to pass."""
    with open(os.path.join(HERE, "open_posix.txt")) as file:
        lines = [line.split() for line in file if line.strip() and line[0] != "#"]
    return {name: int(status) for name, status in lines}


@pytest.mark.parametrize("port", SUITES)
def test_a_programs_own_suite_ends_as_on_linux(port):
    portslib.skip_unfetched(port)
    portslib.check(SUITES[port], timeout=2400, success=True)


@pytest.mark.parametrize("part", PARTS)
def test_open_posix(part):
    portslib.skip_unfetched("posixtestsuite")
    script = (
        portslib.MOUNT
        + f"""
        mkdir /tmp/suite
        for program in {OPEN_POSIX}/{part}; do
            (cd /tmp/suite && timeout -s KILL {SECONDS} $program >/dev/null 2>&1 </dev/null)
            echo "${{program##*/}} $?"
            rm -rf /tmp/suite/*
        done
        """
        + portslib.SHOW_SERVICES
    )
    result = vmlib.run(
        ["sh", "-c", script], second=portslib.IMAGE, mem=portslib.MEMORY, timeout=3600
    )
    output, table = portslib.without_services(result.stdout)
    ended = dict(line.split() for line in output.decode().splitlines())
    known = listed()
    wrong = {
        name: int(status)
        for name, status in ended.items()
        if int(status) and int(status) != known.get(name)
    }
    programs = os.listdir(portslib.BUILT + "/posixtestsuite/usr/lib/posixtestsuite")
    assert len(programs) > 1600  # nearly all have been built
    assert set(ended) == set(fnmatch.filter(programs, part)), result.stderr
    assert not wrong
    portslib.check_services(table)
