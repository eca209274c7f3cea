"""System calls at random (programs/fuzz.c), and each call on each file (programs/_everyfile.c), do no
harm to the system, whatever they do to the program.

The quick set makes 60,000 calls. `make test-fuzz` makes ten million, in a quarter of an hour on two
processors; FUZZ_CALLS sets another number. `fuzz SEED CALLS show` repeats a failure and shows it."""

import os

import pytest

SEEDS = [1, 2, 3, 4, 5]  # quick; the full run takes as many more as it needs, from 100 on
QUICK, FULL = 12_000, 250_000  # calls of one run
TOTAL = int(os.environ.get("FUZZ_CALLS", "0"))
ROUNDS = (
    [(seed, QUICK) for seed in SEEDS]
    if not TOTAL
    else [(100 + n, FULL) for n in range(-(-TOTAL // FULL))]
)


def services(text):
    """/proc/minnow/services: name -> (state, how often it has died)"""
    rows = [
        row
        for row in (line.split() for line in text.splitlines())
        if len(row) > 7 and row[0].isdigit()
    ]
    return {row[1]: (row[2], int(row[3])) for row in rows}


@pytest.mark.parametrize("seed, calls", ROUNDS)
def test_random_calls_harm_nobody(vm, seed, calls):
    result = vm(
        [
            "sh",
            "-c",
            f"/usr/lib/minnow-tests/fuzz {seed} {calls} >&2; echo $?; cat /proc/minnow/services; ls /",
        ],
        timeout=60 + calls // 1000,
    )
    assert result.status == 0, result.stderr
    status, *rest = result.stdout.decode().splitlines()
    assert status == "0", result.stderr
    found = services("\n".join(rest))
    assert {"posix", "pm", "vfs", "ext2", "pipe", "local", "mem"} <= found.keys()
    for name, (state, deaths) in found.items():
        assert state == "running" and deaths == 0, name
    assert "proc" in rest and "fuzz" not in rest


EVERYFILE = """
cd /tmp; mkfifo fifo; mknod odd b 99 1; mknod terminal b 4 1; mknod disk c 254 2; ln -s x loop
all="/dev/* /dev/*/* /proc/* /proc/self/* /proc/self/fd/* /proc/minnow/* /proc/sys/* /proc/sys/*/* /tmp/* /boot/* /etc/passwd / /bin/busybox"
su student -c "/usr/lib/minnow-tests/_everyfile $all" >&2 || exit
/usr/lib/minnow-tests/_everyfile $(ls -d $all | grep -v -x -e /dev/ttyS0 -e /dev/console -e /dev/tty) >&2 || exit
cat /proc/minnow/services
"""


def test_no_call_on_any_file_ends_a_service(vm):
    """A descriptor may belong to a service that the server of the call has no right to call (PM, when
    a terminal is mapped)."""
    result = vm(["sh", "-c", EVERYFILE], timeout=120)
    assert result.status == 0 and result.stderr.count(b" files") == 2, result.stderr
    found = services(result.stdout.decode())
    assert found and not {name: row for name, row in found.items() if row != ("running", 0)}
