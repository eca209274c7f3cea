"""A class: a folder of submissions, each graded by a worker command of its own with files in and files out, so that one broken
submission never stops the rest and a batch system can run the same command."""

import contextlib
import csv
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import vmlib

from . import (
    FULL,
    LABS,
    NOT_BUILT,
    PARTIAL,
    REFUSED,
    Stop,
    USAGE,
    record as records,
    report,
    shown,
    submission,
    write_file,
)

WORDS = {FULL: "graded", PARTIAL: "graded", NOT_BUILT: "does not build", REFUSED: "refused"}


def grade_one(lab, path, out, hidden=True):
    """The worker: grades one submission, writes its reports, and returns the exit status."""
    if os.path.islink(path):
        raise submission.refuse("it is a symbolic link")
    files, others = submission.collect(lab, path)
    record = records.grade(lab, files, hidden=hidden, others=others)
    report.write(record, out)
    return records.status(record)


def submissions(folder):
    """{name: path} of the submissions in a folder: a folder or a zip a student."""
    if not os.path.isdir(folder):
        raise Stop(USAGE, f"{folder} is not a folder")
    found = {}
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if os.path.isdir(path) and not entry.startswith("."):
            found[entry] = path
        elif entry.endswith(".zip"):
            found[entry[:-4]] = path
    if not found:
        raise Stop(USAGE, f"{folder} holds no submissions: a folder or a .zip a student")
    return found


def finished(out):
    """The result of a worker that has completed, or None. After status 3, or when the worker was killed, the submission is tried again."""
    try:
        with open(os.path.join(out, "status.json")) as file:
            result = json.load(file)
        if result["status"] != REFUSED:
            records.load(out)
        return result if result["status"] in WORDS else None
    except (OSError, ValueError, KeyError):
        return None


class Progress:
    """Shows progress: a bar on a terminal, otherwise a line for each submission."""

    def __init__(self, total):
        self.total, self.done, self.lock = total, 0, threading.Lock()

    def step(self, text):
        with self.lock:
            self.done += 1
            if sys.stderr.isatty():
                filled = 30 * self.done // self.total
                print(
                    f"\r\033[K[{'#' * filled}{'.' * (30 - filled)}] {self.done}/{self.total} {text}",
                    end="\n" if self.done == self.total else "",
                    file=sys.stderr,
                    flush=True,
                )
            else:
                print(f"{self.done}/{self.total} {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def scratch(out):
    """The workers' folder for temporary files. Its name follows from that of the results, so that what a killed class has left there is
    removed by the one that takes it up again."""
    folder = os.path.join(
        tempfile.gettempdir(),
        "minnow-class-" + hashlib.sha256(os.path.realpath(out).encode()).hexdigest()[:12],
    )
    with contextlib.suppress(FileNotFoundError):
        about = os.lstat(folder)
        if about.st_uid != os.geteuid() or not stat.S_ISDIR(about.st_mode):
            raise Stop(USAGE, f"{folder} is somebody else's: it has to go first")
        shutil.rmtree(folder)
    os.mkdir(folder, 0o711)  # the compiler, who may be nobody, has a folder below it
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def work(lab, name, path, out, temporary):
    """Runs the worker for one submission; its result. status.json comes last of all: without it nothing has been done."""
    os.makedirs(out, exist_ok=True)
    report.clear(out)
    done = subprocess.run(
        [
            sys.executable,
            "-B",
            os.path.join(LABS, "admin"),
            "grade-one",
            lab.id,
            os.path.abspath(path),
            os.path.abspath(out),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=dict(os.environ, MINNOW_BUILT="1", TMPDIR=temporary),
        preexec_fn=vmlib.die_with_parent,
    )
    result = {
        "name": name,
        "status": done.returncode,
        "said": shown.text(done.stderr.strip()[-2000:]),
    }
    write_file(os.path.join(out, "status.json"), json.dumps(result) + "\n")
    return result


def grade_class(lab, folder, out, jobs, resume):
    """Grades all; the table."""
    todo = submissions(folder)
    left = {
        name: path
        for name, path in todo.items()
        if not (resume and finished(os.path.join(out, name)))
    }
    grade_these(lab, left, out, jobs)
    return table(lab, out)


def grade_these(lab, todo, out, jobs):
    """Grades {name: path}, and writes the gradebook of all that have been graded."""
    progress = Progress(len(todo))
    with scratch(out) as temporary, ThreadPoolExecutor(jobs) as pool:

        def one(item):
            name, path = item
            result = work(lab, name, path, os.path.join(out, name), temporary)
            progress.step(f"{shown.line(name, 40)}: {WORDS.get(result['status'], 'NOT GRADED')}")

        list(pool.map(one, todo.items()))
    write_csv(lab, out, os.path.join(out, "grades.csv"))


def rows(lab, out):
    """The rows of the gradebook; results of another lab end the command."""
    for name in sorted(os.listdir(out)):
        path = os.path.join(out, name, "status.json")
        if not os.path.exists(path):
            continue
        result = finished(os.path.join(out, name))
        row = {
            "student": name,
            "state": "NOT GRADED",
            "visible": "",
            "hidden": "",
            "total": "",
            "remark": "",
        }
        if result:
            row["state"] = WORDS[result["status"]]
            row["visible"] = row["hidden"] = row["total"] = 0
            if result["status"] == REFUSED:
                row["remark"] = result["said"].removeprefix("admin: ")
            else:
                record = records.load(os.path.join(out, name))
                if record["lab"] != lab.id:
                    raise Stop(USAGE, f"{out} has results of {record['lab']}, not of {lab.id}")
                row["visible"], row["hidden"] = record["score"]["visible"], records.hidden_score(
                    record
                )
                row["total"] = row["visible"] + row["hidden"]
                row["remark"] = " ".join(
                    t["id"] for t in record["tests"] if t["status"] == "failed"
                )
        else:
            with open(path) as file:
                row["remark"] = json.load(file).get("said", "").splitlines()[-1:]
                row["remark"] = row["remark"][0] if row["remark"] else ""
        yield row


def table(lab, out):
    lines = [f"{'student':<24} {'state':<15} {'visible':>7} {'hidden':>6} {'total':>5}  failed"]
    lines += [
        f"{shown.line(r['student'], 40):<24} {r['state']:<15} {r['visible']:>7} {r['hidden']:>6} {r['total']:>5}  {r['remark']}"
        for r in rows(lab, out)
    ]
    return "\n".join(lines)


def write_csv(lab, out, path):
    """Writes the gradebook. A student whose work could not be graded has no number there, not a zero."""
    found = list(rows(lab, out))
    with open(path + ".new", "w", newline="") as file:
        writer = csv.DictWriter(
            file, ["student", "state", "visible", "hidden", "total", "of", "remark"]
        )
        writer.writeheader()
        for row in found:
            writer.writerow(
                {key: shown.cell(value) for key, value in row.items()}
                | {"of": lab.points["visible"] + lab.points["hidden"]}
            )
    os.replace(path + ".new", path)
