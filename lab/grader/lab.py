"""What a lab is: its folder, read. lab/README.md explains the fields of lab.toml and of tests/*.toml."""

import glob
import os
import re
from dataclasses import dataclass, field

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11
    import tomli as tomllib

from . import LABS, USAGE, Stop, broken


@dataclass
class Test:
    id: str
    title: str
    req: list  # ["R1", ...]: the requirements of the hand-out that it checks
    points: int
    run: str  # program of tests/ and its arguments; the seed is added
    needs: list = field(default_factory=list)
    virtual_timeout_ms: int = (
        2000  # of guest time at one instruction a nanosecond: millions of instructions
    )
    oracle: str = ""  # "linux": its output is compared with what the same program printed there
    order: int = 0

    @property
    def program(self):
        return self.run.split()[0]

    def command(self, seed):
        return [f"/usr/lib/minnow-lab/{self.program}", *self.run.split()[1:], str(seed)]


@dataclass
class Disk:
    """A partition that the lab's server works on."""

    size_kib: int
    type: int  # in the partition table
    make: list  # the host's command that makes the file system; {image} is the file
    check: list  # and the one that checks it; status 0: all is well
    # one that puts files on it before each boot; {lab} is the lab's folder, {python} this Python
    fill: list = field(default_factory=list)


@dataclass
class Leaderboard:
    """A number that the tests report by labtest.h's lab_measure()."""

    name: str
    order: str = "desc"  # "asc": the smallest is the best

    def worst(self, numbers):
        return max(numbers) if self.order == "asc" else min(numbers)


@dataclass
class Lab:
    id: str
    title: str
    server: str  # the service that the student's program is
    submit: list  # the files that are the student's
    folder: str
    points: dict  # visible, hidden, human
    seeds: list
    hidden_seeds: list
    shifts: list  # virtual speeds: an instruction lasts 2**shift ns
    services: dict  # further services of the lab's image, {name: folder in lab/}
    libraries: list  # of the server, beside libservice
    calls: dict  # service: which services it may call besides, in the lab's image
    disk: Disk
    leaderboard: Leaderboard
    tests: list
    emulators: list  # in which the selftest proves the lab; it is graded in QEMU
    picture: str  # what a report shows first of a failure's messages: a view of commands/sequence
    base: str  # the tree's folder of a server of which only some files are the student's, or ""
    uses: list  # the functions that the student's files may use; empty: all

    @property
    def source(self):
        """The folder of the student's files."""
        return os.path.join(self.folder, "src")

    @property
    def skeleton(self):
        return os.path.join(self.folder, "skeleton")

    @property
    def instructor(self):
        return os.path.join(self.folder, "instructor")

    @property
    def manifest(self):
        return os.path.join(self.folder, f"{self.server}.manifest")

    def test(self, name):
        for test in self.tests:
            if test.id == name:
                return test
        raise Stop(
            USAGE, f"{self.id} has no test {name}: there are {', '.join(t.id for t in self.tests)}"
        )

    def shift_of(self, index):
        """The speed for a seed: speeds take turns over the seeds."""
        return self.shifts[index % len(self.shifts)]

    def runs(self, hidden=False):
        return [
            (seed, self.shift_of(i))
            for i, seed in enumerate(self.hidden_seeds if hidden else self.seeds)
        ]

    def requirements(self):
        """{"R1": its first sentence} as the hand-out says it."""
        with open(os.path.join(self.folder, "HANDOUT.md")) as file:
            text = file.read()
        return {
            r: " ".join(said.split())
            for r, said in re.findall(
                r"^\*\*(R\d+)\.\*\*\s+(.*?)(?=\n\s*\n|\n\*\*R|\Z)", text, re.M | re.S
            )
        }


def names():
    return sorted(
        os.path.basename(os.path.dirname(path))
        for path in glob.glob(os.path.join(LABS, "*", "lab.toml"))
    )


def read_toml(path):
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise broken(f"{os.path.relpath(path, LABS)}: {error}") from None


def read_tests(folder):
    tests = []
    for path in glob.glob(os.path.join(folder, "tests", "*.toml")):
        try:
            tests.append(Test(**read_toml(path)))
        except TypeError as error:
            raise broken(f"{os.path.relpath(path, LABS)}: {error}") from None
    tests.sort(key=lambda t: (t.order, t.id))
    known = {t.id for t in tests}
    for test in tests:
        for need in test.needs:
            if need not in known:
                raise broken(f"test {test.id} needs {need}, which there is not")
    return tests


def load(name):
    """The lab of that name, or the only one whose name has this part."""
    found = [n for n in names() if n == name] or [n for n in names() if name and name in n]
    if len(found) != 1:
        raise Stop(
            USAGE,
            f"there is no lab {name}: there are {', '.join(names())}"
            if not found
            else f"{name} may be {' or '.join(found)}",
        )
    folder = os.path.join(LABS, found[0])
    d = read_toml(os.path.join(folder, "lab.toml"))
    try:
        disk = Disk(**d["disk"]) if "disk" in d else None
        leaderboard = Leaderboard(**d["leaderboard"]) if "leaderboard" in d else None
        lab = Lab(
            id=d["id"],
            title=d["title"],
            server=d["server"],
            submit=d["submit"],
            folder=folder,
            points=d["points"],
            seeds=d["seeds"],
            hidden_seeds=read_toml(os.path.join(folder, "instructor", "hidden.toml")).get(
                "seeds", []
            ),
            shifts=d.get("shifts", [0, 3]),
            services={s.rpartition("/")[2]: s.partition("/")[0] for s in d.get("services", [])},
            libraries=d.get("libraries", []),
            calls=d.get("calls", {}),
            disk=disk,
            leaderboard=leaderboard,
            tests=read_tests(folder),
            emulators=d.get("emulators", ["qemu"]),
            picture=d.get("picture", ""),
            base=d.get("base", ""),
            uses=d.get("uses", []),
        )
    except (KeyError, TypeError) as error:
        raise broken(f"{found[0]}/lab.toml: {error}") from None
    if leaderboard and leaderboard.order not in ("asc", "desc"):
        raise broken(f"{lab.id}: the order of its leaderboard is asc or desc")
    total = sum(test.points for test in lab.tests)
    if total != lab.points["visible"]:
        raise broken(
            f"{lab.id}: its tests have {total} points together, its lab.toml says {lab.points['visible']}"
        )
    return lab
