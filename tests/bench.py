#!/usr/bin/python3
"""make bench: guest instructions per operation, beside those of Linux 6.1 and seL4.

The program is tests/programs/bench.c, run by `tests/vm --count`: one processor, every instruction one nanosecond, so the
figures are the same on every host. Linux' figures were counted in the same way with the same kind of program on Debian's
kernel 6.1.0; seL4's is its fast path, call and reply between two address spaces.

usage: bench.py [ROW...]    only these rows
"""
import os
import subprocess
import sys
import tempfile

import nativelib

HERE = os.path.dirname(os.path.abspath(__file__))

LINUX = {
    "getppid": 360,
    "clock_gettime raw": 461,
    "clock_gettime vDSO": 79,
    "read 1 byte of /dev/zero": 683,
    "write 1 byte to /dev/null": 606,
    "open + close (tmpfs)": 6084,
    "stat": 3646,
    "fstat": 1127,
    "pipe write + read, one process": 2368,
    "pipe round trip, two processes": 11915,
    "read 4 KiB, cached": 1901,
    "read 64 KiB, cached": 17067,
    "write 4 KiB, cached": 4937,
    "write 64 KiB, cached": 62500,
    "create (tmpfs)": 16900,
    "unlink (tmpfs)": 9900,
    "create (ext2)": 39600,
    "unlink (ext2)": 26500,
    "readdir of 1,000 entries": 408000,
    "64 KiB through a pipe": 50000,
    "poll 10": 1914,
    "select 10": 2756,
    "fork + exit + wait": 113800,
    "fork + execve + wait": 205000,
    "vfork + execve + wait": 131000,
    "pthread_create + join": 67300,
    "futex ping-pong": 8813,
    "signal to self, handled": 3843,
    "anonymous page touched": 3299,
    "copy-on-write fault after fork": 4522,
    "boot": 1470000000,
}
AIM = 1.25

# Where the instructions of the rows above the aim go.
NOTES = {
    "stat": "VFS walks the path and calls the file server, which fills the window: two messages; a fifth of it is the undo log and the saved stack",
    "read 1 byte of /dev/zero": "one message, as write to /dev/null, and one kernel call of the driver to copy into the window: "
    "in and out of the kernel, two walks of page tables",
    "poll 10": "a reflected call; the array in and out of the caller's memory; a look at each connection. A service is asked only "
    "about what may have changed",
    "select 10": "as poll, and the sets of bits",
    "signal to self, handled": "four calls answered by POSIX (two masks, the signal, the return); each reads or writes the caller's memory "
    "and registers by kernel calls, and the floating point state goes out and back in",
}


def measure(rows):
    """[(name, instructions, changes of address space or None)] of the system, as the program printed them."""
    command = [
        os.path.join(HERE, "vm"),
        "--count",
        "--timeout",
        "600",
        "--",
        "/usr/lib/minnow-tests/bench",
        *rows,
    ]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"bench: the program ended with status {run.returncode}")
    result = []
    for line in run.stdout.splitlines():
        name, count, switches = line.split("\t")
        result.append((name, int(count), None if switches == "-" else float(switches)))
    return result


def main():
    print(f"{'operation':34} {'Minnow':>12} {'CR3 loads':>10} {'Linux 6.1':>12} {'ratio':>7}")
    over = []
    for name, count, switches in measure(sys.argv[1:]):
        linux = LINUX.get(name)
        ratio = count / linux if linux else None
        if ratio and ratio > AIM:
            over.append(name)
        print(
            f"{name:34} {count:12,} {'' if switches is None else f'{switches:.1f}':>10} "
            f"{f'{linux:,}' if linux else '':>12} {f'{ratio:.2f}' if ratio else '':>7}{'  *' if ratio and ratio > AIM else ''}"
        )
    print(f"\n* {len(over)} rows above {AIM} x Linux" + (":" if over else ""))
    for name in over:
        print(f"  {name}: {NOTES.get(name, 'not looked into')}")
    if len(sys.argv) == 1:
        with tempfile.TemporaryDirectory() as folder:
            kernel, library = nativelib.call_and_reply(folder)
        print(
            f"\ncall and reply between two address spaces: {kernel} (seL4's fast path: 395, ratio {kernel / 395:.2f}); "
            f"through libservice: {library}"
        )


if __name__ == "__main__":
    main()
