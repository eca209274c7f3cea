"""A class on trial: some eighty submissions with known results, graded by `lab/admin grade-class`, killed in the middle
with everything that it has started, and taken up again. Every row of the gradebook must be right. And the autograder's zip, unpacked
and set up as Gradescope does it, grades the reference with neither root nor network nor terminal."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

from . import (
    LABS,
    NOT_BUILT,
    PARTIAL,
    REFUSED,
    hostile,
    local,
    make,
    record as records,
    run as runs,
)

LONGEST = 3600  # seconds for grading them all


def zipped(target, *files):
    with zipfile.ZipFile(target, "w") as archive:
        for source, name in files:
            archive.write(source, name)


def points(lab, fails):
    """(visible, hidden) of a program that fails these tests."""
    good = sum(test.points for test in runs.ready(lab, fails))
    return good, lab.points["hidden"] * good // lab.points["visible"]


def make_class(lab, folder, mutants):
    """Puts the submissions into the folder: {name: (state, visible points, hidden points)}."""
    full, nothing, refused = ("graded", *points(lab, set())), ("graded", 0, 0), ("refused", 0, 0)
    solution = os.path.join(lab.instructor, "solution", "main.c")
    expected = {}

    def student(name, verdict):
        expected[name] = verdict
        return os.path.join(folder, name)

    def in_folder(name, verdict, source=solution):
        path = student(name, verdict)
        os.makedirs(path)
        if source:
            shutil.copy(source, os.path.join(path, "main.c"))
        return path

    in_folder("reference", full)
    zipped(student("reference-zipped", full) + ".zip", (solution, "main.c"))
    with open(os.path.join(in_folder("reference-and-more", full), "Makefile"), "w") as file:
        file.write("all:\n\trm -rf /\n")
    in_folder("skeleton", nothing, os.path.join(lab.skeleton, "main.c"))
    in_folder("nothing", refused, None)
    zipped(student("in-a-subfolder", refused) + ".zip", (solution, "home/student/main.c"))
    zipped(student("cut-short", refused) + ".zip", (solution, "main.c"))
    with open(os.path.join(folder, "cut-short.zip"), "r+b") as file:
        file.truncate(os.path.getsize(file.name) - 30)
    shutil.copy(solution, student("not-a-zip", refused) + ".zip")
    os.symlink("reference", student("link-to-neighbour", refused))
    for mutant in mutants:
        for name, data in mutant.files.items():
            path = student(f"mutant-{mutant.name}", ("graded", *points(lab, mutant.fails)))
            os.makedirs(path, exist_ok=True)
            with open(os.path.join(path, name), "wb") as file:
                file.write(data)
    with tempfile.TemporaryDirectory(prefix="minnow-hostile-") as making:
        for name, path, status in hostile.submissions(making):
            target = student(
                f"hostile-{name}",
                {REFUSED: refused, NOT_BUILT: ("does not build", 0, 0), PARTIAL: nothing}[status],
            )
            shutil.move(path, target + (".zip" if path.endswith(".zip") else ""))
    return expected


def command(*words, environment=os.environ):
    """grade-class in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-B", os.path.join(LABS, "admin"), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=dict(environment, MINNOW_BUILT="1"),
    )


def members(group):
    """Processes of a group that are not dead."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                state, _, its_group = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state not in "ZX":
            found.append(int(pid))
    return found


def finished(out, names):
    return {name for name in names if local.finished(os.path.join(out, name))}


def kill_in_the_middle(process, out, names):
    """Says what is wrong with the results that a killed class has left."""
    while process.poll() is None and len(finished(out, names)) < len(names) // 2:
        time.sleep(0.1)
    if process.poll() is not None:
        return (
            "it ended before it could be killed: "
            + process.stderr.read().decode(errors="replace")[-500:]
        )
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(50):
        if not members(process.pid):
            break
        time.sleep(0.1)
    else:
        return f"still running: {members(process.pid)}"
    for name in finished(out, names):
        if local.finished(os.path.join(out, name))["status"] != REFUSED:
            records.load(os.path.join(out, name))  # whole, or this fails
    return ""


def compare(out, expected):
    """Says where the gradebook is not as it must be."""
    with open(os.path.join(out, "grades.csv"), newline="") as file:
        rows = {
            row["student"]: (row["state"], row["visible"], row["hidden"], row["total"])
            for row in csv.DictReader(file)
        }
    wrong = [
        f"{name} has {rows.get(name)} and not {verdict}"
        for name, verdict in expected.items()
        if rows.get(name)
        != (verdict[0], str(verdict[1]), str(verdict[2]), str(verdict[1] + verdict[2]))
    ]
    return "; ".join(
        wrong + [f"{name} is not of the class" for name in rows.keys() - expected.keys()]
    )


# ---- the autograder ----

# What Gradescope allows in results.json, and in each test of it.
RESULT_KEYS = {
    "score",
    "execution_time",
    "output",
    "output_format",
    "test_output_format",
    "test_name_format",
    "visibility",
    "stdout_visibility",
    "extra_data",
    "tests",
    "leaderboard",
}
TEST_KEYS = {
    "score",
    "max_score",
    "status",
    "name",
    "name_format",
    "number",
    "output",
    "output_format",
    "tags",
    "visibility",
    "extra_data",
}


def unprivileged(*words):
    """The command without network, where that is possible."""
    return (
        ["unshare", "-n", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *words]
        if os.geteuid() == 0
        else words
    )


def autograder(lab):
    """What is wrong."""
    with tempfile.TemporaryDirectory(prefix="minnow-autograder-") as folder:
        os.chmod(folder, 0o755)
        source, results, temporary, bin = (
            os.path.join(folder, name) for name in ("source", "results", "tmp", "bin")
        )
        for path in (source, results, temporary, bin):
            os.mkdir(path)
        make.pack_gradescope(lab, os.path.join(folder, "zip"))
        with zipfile.ZipFile(os.path.join(folder, "zip")) as archive:
            archive.extractall(source)
        shutil.copytree(
            os.path.join(lab.instructor, "solution"), os.path.join(folder, "submission")
        )
        os.symlink("/bin/true", os.path.join(bin, "apt-get"))  # what it would install is here
        environment = {
            "PATH": bin + ":" + os.environ["PATH"],
            "HOME": "/",
            "TMPDIR": temporary,
            "AUTOGRADER": folder,
        }
        done = subprocess.run(
            ["bash", os.path.join(source, "setup.sh")],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
        )
        if done.returncode:
            return f"setup.sh: {done.stderr[-500:]}"
        for path in (results, temporary):
            os.chmod(path, 0o777)
        done = subprocess.run(
            unprivileged("bash", os.path.join(source, "run_autograder")),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            start_new_session=True,
        )
        if done.returncode:
            return f"run_autograder: {done.stdout[-500:]}{done.stderr[-500:]}"
        with open(os.path.join(results, "results.json")) as file:
            result = json.load(file)
    unknown = (
        set(result) - RESULT_KEYS | {key for test in result["tests"] for key in test} - TEST_KEYS
    )
    total, wanted = (
        sum(test.get("score", 0) for test in result["tests"]),
        lab.points["visible"] + lab.points["hidden"],
    )
    return (
        f"unknown fields {sorted(unknown)}"
        if unknown
        else f"{total} points and not {wanted}"
        if total != wanted
        else ""
    )


# ---- all of it ----


def run(lab, mutants, jobs):
    """(what, what is wrong or nothing, seconds) of each step."""
    start = time.monotonic()
    yield "the autograder's zip", autograder(lab), time.monotonic() - start
    with tempfile.TemporaryDirectory(prefix="minnow-trial-") as folder:
        there, out = os.path.join(folder, "submissions"), os.path.join(folder, "results")
        os.mkdir(there)
        expected = make_class(lab, there, mutants)
        words = ["grade-class", lab.id, there, out, "-j", str(jobs)]
        start = time.monotonic()
        wrong = kill_in_the_middle(command(*words), out, expected)
        yield f"{len(expected)} submissions, killed in the middle", wrong, time.monotonic() - start
        before = finished(out, expected)
        times = {
            name: os.stat(os.path.join(out, name, "status.json")).st_mtime_ns for name in before
        }
        start = time.monotonic()
        _, said = command(*words, "--resume").communicate(timeout=LONGEST)
        yield "the gradebook after --resume", compare(out, expected) if os.path.exists(
            os.path.join(out, "grades.csv")
        ) else said.decode(errors="replace")[-500:], time.monotonic() - start
        again = [
            name
            for name in before
            if os.stat(os.path.join(out, name, "status.json")).st_mtime_ns != times[name]
        ]
        yield f"what was done, {len(before)}, was not done again", ", ".join(again), 0
