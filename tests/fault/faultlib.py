"""Runs loads (loads.sh) in the system while services die, and compares with a run in which none does.

    result = faultlib.storm("shell", ["vfs", "pm"], seed=1, mean=200_000)
    result.deaths["vfs"]        how often
    faultlib.same(result)       asserts that no effect of the deaths can be noticed

Every run counts instructions, so a run that goes wrong can be repeated: its command stands in the
message."""

import functools
import os
import re

import vmlib

HERE = os.path.dirname(os.path.abspath(__file__))
FULL = os.environ.get("FAULT") == "full"
FIGURES = os.path.join(vmlib.BUILD, "fault-figures.txt")

KEPT = [
    "console",
    "devfs",
    "ext2",
    "fat",
    "host",
    "local",
    "pipe",
    "pm",
    "posix",
    "pty",
    "serial",
    "tmpfs",
    "vfs",
]  # rolled back
AFRESH = ["mem", "procfs", "rtc", "sched", "virtio_blk"]  # started anew
LEAK = 256  # KiB that caches may have taken more


def figure(text):
    """A line that `make test-fault` prints at its end."""
    with open(FIGURES, "a") as file:
        file.write(text + "\n")


class Run:
    """One load: its output, the deaths by service, and what is still in use afterwards."""

    def __init__(self, load, weather, options):
        self.disk = options.get("disk")
        self.command = [
            "sh",
            "-c",
            f". /tmp/loads.sh; watchdog 5000; {weather}\n load_{load}; service storm 1 0; kill $watchdog; "
            "wait $watchdog 2>/dev/null; echo ---- >&2; state; service list >&2; cat /proc/minnow/log >&2",
        ]
        self.result = vmlib.run(
            self.command,
            add=[(os.path.join(HERE, "loads.sh"), "/tmp/loads.sh")],
            count=True,
            check=True,
            **options,
        )
        self.output = self.result.stdout.decode(errors="replace")
        self.said, _, rest = self.result.stderr.decode(errors="replace").partition("----\n")
        self.state = {
            name: int(n)
            for name, n in re.findall(
                r"^(tasks|threads|connections|spaces|free) (?:\s*)(\d+)", rest, re.M
            )
        }
        rows = re.findall(
            r"^(\w+) +(?:running|given up|waiting|stopped|refused) +(\d+) +(\d+) +(\d+) ",
            rest,
            re.M,
        )
        self.deaths = {name: int(deaths) for name, _, deaths, _ in rows}
        self.hangs = {name: int(hangs) for name, _, _, hangs in rows}
        self.log = rest

    def __repr__(self):
        return f"{self.command}\nstatus {self.result.status}\n{self.output[-1000:]}\n{self.said[-3000:]}\n{self.log[-3000:]}"


@functools.lru_cache(None)
def undisturbed(load, disk=None):
    run = Run(load, "", {"disk": disk})
    assert run.result.status == 0, run
    return run


def storm(load, names, seed, mean, timeout=300, **options):
    return Run(
        load, f"service storm {seed} {mean} {' '.join(names)}", dict(options, timeout=timeout)
    )


def faults(load, run):
    """Differences that this program, or the next one, could notice: a list of words, empty when all is
    well."""
    good, bad = undisturbed(load, run.disk), []
    if run.result.status != good.result.status:
        bad.append(f"status {run.result.status}")
    if run.output != good.output:
        bad.append("output differs")
    if run.said != good.said:
        bad.append(f"said {run.said[-300:]!r}")
    for name in ("tasks", "threads", "connections", "spaces"):
        if run.state.get(name) != good.state[name]:
            bad.append(f"{name}: {run.state.get(name)} instead of {good.state[name]}")
    if good.state["free"] - run.state.get("free", 0) > LEAK:
        bad.append(f"free memory: {run.state.get('free')} KiB instead of {good.state['free']}")
    return bad


def same(load, run):
    bad = faults(load, run)
    assert not bad, f"{bad}\n{run!r}"
