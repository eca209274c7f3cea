"""Which submissions are alike: Dick Grune's sim_c compares the programs as rows of tokens, in which
all names, numbers and strings are equal. What was handed out is taken out first. Equal pieces show
that two programs have one origin; how that came is for people to find out."""

import os
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict

from . import Stop, broken, classroom, shown, submission

RUN = 24  # tokens in a row that make an equal piece; sim_c's own
BASE_RUN = 12  # of the skeleton's: its pieces are short
LEAST = 100  # tokens of a student's own, below which nothing is said


def sim(folder, *words):
    done = subprocess.run(
        ["sim_c", *words], cwd=folder, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        raise broken(f"sim_c ended with status {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout


def tokens(folder, name):
    """How many sim_c sees."""
    return int(re.search(r"(\d+) tokens", sim(folder, "-n", name))[1])


def without_base(folder, name):
    """Empties the lines of a program that the skeleton has, too."""
    said = sim(folder, "-SnT", f"-r{BASE_RUN}", name, "/", "base")
    with open(os.path.join(folder, name)) as file:
        lines = file.read().split("\n")
    for first, last in re.findall(rf"^{name}: line (\d+)-(\d+)", said, re.M):
        for number in range(int(first), int(last) + 1):
            lines[number - 1] = ""
    with open(os.path.join(folder, name), "w") as file:
        file.write("\n".join(lines))


def joined(files):
    """The files of a submission as one text; a split into other files hides nothing."""
    return "\n".join(data.decode(errors="replace") for _, data in sorted(files.items())) + "\n"


def compare(lab, todo):
    """({(name, other): percent of the first that is in the second too}, {name: why it is not
    compared})"""
    if not shutil.which("sim_c"):
        raise broken("sim_c is not installed: install similarity-tester")
    skipped, names = {}, {}
    with tempfile.TemporaryDirectory(prefix="minnow-similar-") as folder:

        def write(name, files):
            with open(os.path.join(folder, name), "w") as file:
                file.write(joined(files))

        write("base", submission.collect(lab, lab.skeleton)[0])
        for number, (name, path) in enumerate(todo.items()):
            program = f"{number}.c"
            try:
                write(program, submission.collect(lab, path)[0])
            except Stop as stop:
                skipped[name] = str(stop)
                continue
            without_base(folder, program)
            if tokens(folder, program) < LEAST:
                skipped[name] = "hardly more than was handed out"
            else:
                names[program] = name
        with open(os.path.join(folder, "list"), "w") as file:
            file.write("".join(f"{program}\n" for program in names))
        with open(os.path.join(folder, "list")) as file:
            done = subprocess.run(
                ["sim_c", "-aepTi", f"-r{RUN}"],
                cwd=folder,
                stdin=file,
                capture_output=True,
                text=True,
            )
    if done.returncode:
        raise broken(f"sim_c ended with status {done.returncode}: {done.stderr.strip()[-200:]}")
    found = re.findall(r"^(\S+) consists for (\d+) % of (\S+) material", done.stdout, re.M)
    return {(names[one], names[other]): int(percent) for one, percent, other in found}, skipped


def groups(pairs):
    """Sets of names, of which each is in a pair with another of its set."""
    group = {}
    for one, other in pairs:
        together = group.get(one, {one}) | group.get(other, {other})
        group.update(dict.fromkeys(together, together))
    return sorted({tuple(sorted(names)) for names in group.values()})


def report(lab, folder, threshold):
    """The text: pairs, most alike first, then groups."""
    found, skipped = compare(lab, classroom.submissions(folder))
    most = defaultdict(int)
    for pair, percent in found.items():
        most[tuple(sorted(pair))] = max(most[tuple(sorted(pair))], percent)
    alike = {pair: percent for pair, percent in most.items() if percent >= threshold}
    lines = [
        f"{percent:>3} %  {shown.line(one, 40):<24} {shown.line(other, 40):<24}"
        f" ({found.get((one, other), 0)} % of the first,"
        f" {found.get((other, one), 0)} % of the second)"
        for (one, other), percent in sorted(alike.items(), key=lambda item: (-item[1], item[0]))
    ]
    for names in groups(alike):
        lines.append("group: " + " ".join(shown.line(name, 40) for name in names))
    for name, why in skipped.items():
        lines.append(f"not compared: {shown.line(name, 40)}: {why}")
    return "\n".join([*lines, f"{len(alike)} pairs of {threshold} % or more"])
