#!/usr/bin/python3
"""make bench: guest instructions per operation, beside those of Linux and seL4.

The program is tests/programs/bench.c, run by `tests/vm --count`: one processor, every instruction
one nanosecond, so the figures are the same on every host. Linux' figures are counted at the same
time, on the same machine with the same program (linuxlib.py says with which settings): each is the
median of several runs of the program, since Linux has work of its own that falls into one row or
another. Where Debian's kernel cannot be fetched, recorded figures stand beside Minnow's, and the
last line says so. seL4's figure is its fast path, call and reply between two address spaces.

bench.py --help tells the options.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile

import linuxlib
import nativelib
import vmlib

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = "/usr/lib/minnow-tests/bench"
CROWD = "/usr/lib/minnow-tests/_crowd"  # rows of AMONG that need many processes, or much memory
CROWD_MEMORY = 1024  # MiB
MEMORY = 128  # MiB, as tests/vm has it
LINUX_RUNS = 5

AIM = 1.2
AMONG = re.compile(r"(.+) among ([\d,]+) (.+)")  # rows of another table: there are two of each kind
GROWTH_AIM = 2

# Where the instructions of the rows above the aim go.
NOTES = {
    "poll 10": "a reflected call; the array in and out of the caller's memory; a look at each connection. A service is asked only "
    "about what may have changed",
    "select 10": "as poll, and the sets of bits",
    **dict.fromkeys(
        ("epoll_wait, 1 watched", "epoll_wait, 1 of 1,000 ready"),
        "a call to another address space and back, where Linux stays in the caller's; the events go with the reply",
    ),
    **dict.fromkeys(
        ("eventfd write + read", "SysV semaphore up + down", "mq_send + mq_receive of 64 bytes"),
        "two calls to another address space and back, each with a copy out of the caller's memory or into it",
    ),
}


def rows_of(text):
    """[(name, instructions, changes of address space or None)] as the program printed them."""
    rows = []
    for line in text.splitlines():
        if line.count("\t") != 2:  # a shell's word about a program that was stopped
            continue
        name, count, switches = line.split("\t")
        rows.append((name, int(count), None if switches == "-" else float(switches)))
    return rows


def measure(rows, program=PROGRAM, memory=MEMORY):
    """What rows_of() makes of a run of the program in the system."""
    options = ["--count", "--mem", str(memory), "--timeout", "600"]
    command = [os.path.join(HERE, "vm"), *options, "--", program, *rows]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"bench: {program} ended with status {run.returncode}")
    return rows_of(run.stdout)


def crowds(*things):
    """The rows "X among N things" of _crowd.c, all or of these things, as rows_of() makes them."""
    return measure(things, CROWD, CROWD_MEMORY)


def pairs_of(rows):
    """{(what, things): [(n, instructions), (10 n, instructions)]} of those rows that are "X among N
    things"."""
    costs = {}
    for name, count, _ in rows:
        if found := AMONG.fullmatch(name):
            what, number, things = found.groups()
            costs.setdefault((what, things), []).append((int(number.replace(",", "")), count))
    return {kind: pair for kind, pair in costs.items() if len(pair) == 2}


def measure_linux(rows):
    """{name: instructions} of Debian's Linux: medians, and what a boot executes up to the program."""
    again = f'for i in $(seq {LINUX_RUNS}); do {PROGRAM} "$@" || exit; done'
    printed = []
    with linuxlib.Counter() as counter:
        run = linuxlib.Run(
            ["sh", "-c", again, "sh", *rows],
            printed.append,
            mem=MEMORY,
            count=True,
            extra=counter.arguments,
        )
        if status := run.run():  # the rows that it came to are good
            print(f"bench: on Linux the program ended with status {status}", file=sys.stderr)
        (entry, _), (booted, _) = (counter.told(word)[0] for word in ("entry", "booted"))
    counts = {}
    for name, count, _ in rows_of(b"".join(printed).decode()):
        counts.setdefault(name, []).append(count)
    return {
        "boot": booted - entry,
        **{name: round(statistics.median(taken)) for name, taken in counts.items()},
    }


def linux_column(rows, record):
    """({name: instructions}, whether they were measured now)"""
    if not linuxlib.fetch():
        return linuxlib.recorded().get("bench", {}), False
    figures = measure_linux(rows)
    if record:
        linuxlib.record("bench", figures)
    return figures, True


def print_growth(rows, linux):
    """Prints what the rows "X among N things" cost among n and among 10 n."""
    pairs = pairs_of(rows)
    on_linux = pairs_of([(name, linux[name], None) for name, _, _ in rows if name in linux])
    if pairs:
        print(
            "\nthese, but for those with Linux's, in a machine of their own of "
            f"{CROWD_MEMORY} MiB\n{'cost at n and 10 n':50} {'n':>8} {'at n':>10} {'at 10 n':>10} {'times':>6} {'Linux':>6}"
        )
    for (what, things), ((n, few), (_, many)) in pairs.items():
        (_, few_linux), (_, many_linux) = on_linux.get((what, things), [(0, 0), (0, 0)])
        linux_times = f"{many_linux / few_linux:.2f}" if few_linux else ""
        print(
            f"{f'{what} among n {things}':50} {n:8,} {few:10,} {many:10,} {many / few:6.2f} {linux_times:>6}"
            f"{'  *' if many / few > GROWTH_AIM else ''}"
        )


def arguments():
    parser = argparse.ArgumentParser(prog="bench.py", description="instructions per operation")
    parser.add_argument("--record", action="store_true", help="keep Linux's figures in the tree")
    parser.add_argument("rows", nargs="*", metavar="ROW", help='only these rows, such as "stat"')
    return parser.parse_args()


def main():
    options = arguments()
    measured_rows = measure(options.rows)
    names = [name for name, _, _ in measured_rows]
    if unknown := set(options.rows) - set(names):
        raise vmlib.HarnessError(
            f"no row {', '.join(sorted(unknown))}: without names all rows are printed"
        )
    column, measured = linux_column(options.rows, options.record)
    print(f"guest instructions per operation, one processor, {MEMORY} MiB; ratio: Minnow / Linux\n")
    print(f"{'operation':34} {'Minnow':>12} {'CR3 loads':>10} {'Linux':>12} {'ratio':>7}")
    over, ratios = [], []
    for name, count, switches in measured_rows:
        if AMONG.fullmatch(name):
            continue
        linux = column.get(name)
        # a boot is no operation
        ratio = count / linux if linux and name != "boot" else None
        if ratio:
            ratios.append(ratio)
        if ratio and ratio > AIM:
            over.append(name)
        print(
            f"{name:34} {count:12,} {'' if switches is None else f'{switches:.1f}':>10} "
            f"{f'{linux:,}' if linux else '':>12} {f'{ratio:.2f}' if ratio else '':>7}{'  *' if ratio and ratio > AIM else ''}"
        )
    print()
    if found := linuxlib.means(ratios):
        print(f"geometric mean of the operations {found[0]:.2f}, largest {found[2]:.2f}")
    print(f"* {len(over)} rows above {AIM} x Linux" + (":" if over else ""))
    for name in over:
        print(f"  {name}: {NOTES.get(name, 'not looked into')}")
    print_growth(measured_rows if options.rows else measured_rows + crowds(), column)
    if not options.rows:
        with tempfile.TemporaryDirectory() as folder:
            kernel, library = nativelib.call_and_reply(folder)
        print(
            f"\ncall and reply between two address spaces: {kernel} (seL4's fast path: 395, ratio {kernel / 395:.2f}); "
            f"through libservice: {library}"
        )
    print(linuxlib.source(measured))


if __name__ == "__main__":
    try:
        main()
    except vmlib.HarnessError as error:
        sys.exit(f"bench: {error}")
