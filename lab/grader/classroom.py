"""A class: a folder of submissions, each graded by a worker command of its own with files in and
files out, so that one broken submission never stops the rest. An engine (local.py, slurm.py) says
where the workers run."""

import csv
import os
import sys
import threading
from collections import Counter

from . import REFUSED, USAGE, Stop, record as records, report, shown, submission
from .local import WORDS, finished, result_of


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
        if entry.startswith("."):
            continue
        if os.path.isdir(path):
            found[entry] = path
        elif entry.endswith(".zip"):
            found[entry[:-4]] = path
    if not found:
        raise Stop(USAGE, f"{folder} holds no submissions: a folder or a .zip a student")
    return found


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


def grade_class(lab, folder, out, engine, resume):
    """Grades all, with an engine as local.py explains it; what grade_these() says."""
    todo = submissions(folder)
    left = {
        name: path
        for name, path in todo.items()
        if not (resume and finished(os.path.join(out, name)))
    }
    return grade_these(lab, left, out, engine)


def grade_these(lab, todo, out, engine):
    """Grades {name: path}, and writes the gradebook of all that have been graded. Says in a line
    why some are not."""
    progress, reasons = Progress(len(todo)), []

    def done(name, result):
        word = WORDS.get(result["status"])
        if not word:
            reasons.append((result["said"].splitlines() or ["it was killed"])[-1])
        progress.step(f"{shown.line(name, 40)}: {word or 'NOT GRADED'}")

    os.makedirs(out, exist_ok=True)
    engine(lab, todo, out, done)
    write_csv(lab, out, os.path.join(out, "grades.csv"))
    if not reasons:
        return ""
    (reason, count), *others = Counter(reasons).most_common()
    more = f" ({count} of them; grades.csv has all)" if others else ""
    return f"{len(reasons)} of {len(todo)} are not graded: {reason}{more}"


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
            said = (result_of(os.path.join(out, name)) or {"said": ""})["said"]
            row["remark"] = (said.splitlines() or [""])[-1]
        yield row


def table(lab, out):
    lines = [f"{'student':<24} {'state':<15} {'visible':>7} {'hidden':>6} {'total':>5}  failed"]
    lines += [
        f"{shown.line(r['student'], 40):<24} {r['state']:<15} {r['visible']:>7} {r['hidden']:>6} {r['total']:>5}  {r['remark']}"
        for r in rows(lab, out)
    ]
    return "\n".join(lines)


def write_csv(lab, out, path):
    """Writes the gradebook. A student whose work could not be graded has no number there, not a
    zero."""
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
