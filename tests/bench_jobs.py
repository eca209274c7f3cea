#!/usr/bin/python3
"""make bench-jobs: whole jobs (joblist.py), the same programs on Minnow and on Debian's
Linux.

Both systems run in the same QEMU, with one processor and 512 MiB of memory (with which Linux does
not use huge pages by itself), from the same disk image, in /tmp, a tmpfs. linuxlib.py has Linux's
settings. For each job, done once before:

    instructions   that the guest executed, counted by a plugin of QEMU (jobs/count.c) under
                   -icount, so that the guest's clock counts them too: the same at each run
    CR3 loads      changes of address space, by the same plugin
    time           processor time of the emulator, plain TCG without plugin: the median of several
                   runs, the two systems in turn. It has what instructions do not show:
                   translations of addresses that must be found anew

The results that a job prints must be the same on both systems.

usage: bench_jobs.py [--runs N] [--record] [NAME...]
    NAME        only these jobs; --list prints the names
    --runs N    how often time is taken (default 3)
    --record    keep Linux's figures in tests/linux-figures.json, for machines that cannot fetch
                Debian's kernel
"""
import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass

sys.dont_write_bytecode = True
import joblist
import linuxlib
import vmlib

MEMORY = linuxlib.MOST_MEMORY
PORTS = [
    os.path.join(vmlib.ROOT, "build", "userland", "ports", name)
    for name in ("lua", "sqlite3", "tcc")
]
RUNNER = "/usr/lib/minnow-tests/_jobs"
TIMEOUT = 1200  # seconds, for one boot with all jobs


@dataclass
class Figures:
    """What one boot told of one job."""

    status: int = None
    result: str = ""
    instructions: int = None
    loads: int = None
    time: float = None  # seconds


# ---- The image ----


def add_tree(image, tree):
    """Copy all that is in a folder of the host to the root of an image's second partition."""
    offset = vmlib.Image(image).partitions[1][0]
    commands = []
    for folder, folders, files in os.walk(tree):
        inside = "/" + os.path.relpath(folder, tree).lstrip(".")
        commands += [f'mkdir "{os.path.join(inside, name)}"' for name in sorted(folders)]
        for name in sorted(files):
            host, guest = os.path.join(folder, name), os.path.join(inside, name)
            mode = os.stat(host).st_mode
            commands += [f'write "{host}" "{guest}"', f'sif "{guest}" mode 0{mode:o}']
            commands += [f'sif "{guest}" {owner} 0' for owner in ("uid", "gid")]
    with tempfile.NamedTemporaryFile("w") as script:
        script.write("\n".join(commands) + "\n")
        script.flush()
        vmlib.call("debugfs", "-w", "-f", script.name, f"{image}?offset={offset}")


# ---- One boot ----


def processor_time(pid):
    """Seconds of processor time that a process has used so far."""
    return time.clock_gettime(~pid << 3 | 2)  # the clock's number as clock_getcpuclockid() makes it


class Listener:
    """Takes what _jobs prints, and looks at the emulator's clock at each mark."""

    def __init__(self, clock):
        self.clock, self.rest, self.figures, self.name, self.start = clock, b"", {}, None, 0

    def __call__(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace"))

    def line(self, line):
        word, *arguments = line.split(" ")
        if word == "begin" and len(arguments) == 1:
            self.name, self.start = arguments[0], self.clock()
            self.figures[self.name] = Figures()
        elif word == "end" and len(arguments) == 2 and arguments[0] == self.name:
            figures = self.figures[self.name]
            figures.time, figures.status = self.clock() - self.start, int(arguments[1])
        elif self.name:
            self.figures[self.name].result += line + "\n"


def minnow(command, image, stdout, **options):
    """A run of Minnow that has not begun; as linux() below."""
    return vmlib.Run(command, stdout, stdout, lambda data: None, image=image, mem=MEMORY, **options)


def linux(command, image, stdout, **options):
    return linuxlib.Run(command, stdout, image=image, mem=MEMORY, **options)


def run_jobs(system, jobs, image, count=False, small=False):
    """Boot a system, `minnow` or `linux`, with these jobs: {name: Figures}. HarnessError if it does
    not come to their end."""
    command = [RUNNER, *(word for job in jobs for word in job.arguments(small))]
    with linuxlib.Counter() if count else contextlib.nullcontext() as counter:
        listener = Listener(lambda: processor_time(run.emulator.pid))
        extra = counter.arguments if count else ()
        run = system(command, image, listener, count=count, extra=extra, timeout=TIMEOUT)
        status = run.run()
        if status or set(listener.figures) != {job.name for job in jobs}:
            raise vmlib.HarnessError(f"{system.__name__}: the jobs ended with status {status}")
        if count:
            add_counts(listener.figures, counter.told("mark"))
    return listener.figures


def add_counts(figures, marks):
    """Two marks, (instructions, loads), belong to each job, in the jobs' order."""
    if len(marks) != 2 * len(figures):
        raise vmlib.HarnessError(f"{len(marks)} marks of {len(figures)} jobs were counted")
    for job, begin, end in zip(figures.values(), marks[::2], marks[1::2]):
        job.instructions, job.loads = (after - before for before, after in zip(begin, end))


def say(text):
    """Progress, for a person who waits."""
    if sys.stderr.isatty():
        print(f"bench-jobs: {text}", file=sys.stderr)


def measure(systems, jobs, image, runs):
    """{system: {job's name: Figures}}: counted once, and timed `runs` times in turn."""
    figures = {}
    for system in systems:
        say(f"{system.__name__} is counted")
        figures[system] = run_jobs(system, jobs, image, count=True)
    times = {(system, job.name): [] for system in systems for job in jobs}
    for turn in range(runs):
        for system in systems:
            say(f"{system.__name__} is timed, {turn + 1} of {runs}")
            for name, timed in run_jobs(system, jobs, image).items():
                counted = figures[system][name]
                if (timed.status, timed.result) != (counted.status, counted.result):
                    raise vmlib.HarnessError(
                        f"{system.__name__}: {name} had another result when timed"
                    )
                times[system, name].append(timed.time)
    for (system, job), taken in times.items():
        figures[system][job].time = statistics.median(taken)
    return figures


# ---- The table ----


def ratio(ours, theirs):
    return ours / theirs if ours is not None and theirs else None


def cell(value, form, width):
    return f"{'' if value is None else format(value, form):>{width}}"


def row(job, ours, theirs):
    """One line of the table; `theirs` may lack figures, which leaves blanks."""
    instructions = ratio(ours.instructions, theirs.instructions)
    duration = ratio(ours.time, theirs.time)
    millions = [None if f.instructions is None else f.instructions / 1e6 for f in (ours, theirs)]
    columns = [
        *(cell(n, ",.1f", 9) for n in millions),
        cell(instructions, ".2f", 6),
        *(cell(f.loads, ",", 9) for f in (ours, theirs)),
        *(cell(f.time, ".2f", 8) for f in (ours, theirs)),
        cell(duration, ".2f", 6),
        cell(job.aim, "g", 5),
        "  *" if duration and duration > job.aim else "",
    ]
    return f"{job.title:33}{''.join(columns)}".rstrip()


HEAD = (
    f"{'':33}{'instructions, million':>24}{'CR3 loads':>18}{'time, seconds':>22}\n"
    f"{'job':33}{'Minnow':>9}{'Linux':>9}{'ratio':>6}{'Minnow':>9}{'Linux':>9}"
    f"{'Minnow':>8}{'Linux':>8}{'ratio':>6}{'aim':>5}"
)


def table(jobs, ours, theirs):
    """The lines of the table and of its means; ours and theirs: {name: Figures}."""
    theirs = {job.name: theirs.get(job.name, Figures()) for job in jobs}
    lines = [HEAD, *(row(job, ours[job.name], theirs[job.name]) for job in jobs), ""]
    for what in ("instructions", "time"):
        found = linuxlib.means(
            [ratio(getattr(ours[job.name], what), getattr(theirs[job.name], what)) for job in jobs]
        )
        if found:
            lines.append(
                f"{what}: geometric mean {found[0]:.2f}, arithmetic mean {found[1]:.2f}, "
                f"largest {found[2]:.2f}"
            )
    above = [
        job for job in jobs if (ratio(ours[job.name].time, theirs[job.name].time) or 0) > job.aim
    ]
    lines.append(f"* {len(above)} above the aim" + (":" if above else ""))
    return lines + [f"  {job.title}: {job.note}" for job in above]


def faults(jobs, figures):
    """What is wrong with the results: lines of text. figures: {system: {name: Figures}}."""
    found = []
    for job in jobs:
        of = {system.__name__: by_name[job.name] for system, by_name in figures.items()}
        found += [f"{job.name}: status {f.status} on {name}" for name, f in of.items() if f.status]
        if len({f.result for f in of.values()}) > 1:
            found.append(f"{job.name}: different results: {({n: f.result for n, f in of.items()})}")
    return found


# ---- The command ----


def recorded():
    """{name: Figures} of Linux as they were recorded, without times: those are the machine's."""
    return {
        name: Figures(instructions=instructions, loads=loads)
        for name, (instructions, loads) in linuxlib.recorded().get("jobs", {}).items()
    }


def arguments():
    parser = argparse.ArgumentParser(prog="bench_jobs.py", description="whole jobs, beside Linux's")
    parser.add_argument("--runs", type=int, default=3, help="how often time is taken (default 3)")
    parser.add_argument("--record", action="store_true", help="keep Linux's figures in the tree")
    parser.add_argument("--list", action="store_true", help="print the names of the jobs")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these jobs")
    options = parser.parse_args()
    known = [job.name for job in joblist.JOBS]
    if unknown := set(options.names) - set(known):
        parser.error(f"no job {', '.join(sorted(unknown))}: there are {', '.join(known)}")
    if options.runs < 1:
        parser.error("--runs is at least 1")
    return options


def main():
    options = arguments()
    jobs = [job for job in joblist.JOBS if not options.names or job.name in options.names]
    if options.list:
        print("\n".join(f"{job.name:14}{job.title}" for job in jobs))
        return 0
    if not all(map(os.path.isdir, PORTS)) and not all(job.basic for job in jobs):
        raise vmlib.HarnessError("the jobs' programs are not built: make bench-jobs builds them")
    systems = [minnow, linux] if linuxlib.fetch() else [minnow]
    with tempfile.TemporaryDirectory(prefix="minnow-jobs-") as folder:
        image = vmlib.Image.copy(vmlib.DISK_IMAGE, os.path.join(folder, "disk.img")).path
        for tree in filter(os.path.isdir, PORTS):
            add_tree(image, tree)
        figures = measure(systems, jobs, image, options.runs)
    wrong = faults(jobs, figures)
    if linux in systems and options.record and not wrong:
        linuxlib.record("jobs", {n: (f.instructions, f.loads) for n, f in figures[linux].items()})
    print(*table(jobs, figures[minnow], figures.get(linux) or recorded()), sep="\n")
    print(linuxlib.source(linux in systems))
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except vmlib.HarnessError as error:
        sys.exit(f"bench-jobs: {error}")
