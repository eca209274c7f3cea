"""The engine that grades a class on this machine, some at once, and what all engines share: a
submission is graded by a process of its own, whose result is a file.

An engine is a function grade(lab, todo, out, done, ...): it grades {name: path} into the folders
out/NAME and calls done(name, result) for each when it is finished, in any order."""

import contextlib
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
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
    write_file,
)

WORDS = {FULL: "graded", PARTIAL: "graded", NOT_BUILT: "does not build", REFUSED: "refused"}


def result_of(out):
    """What status.json says, or None: the worker has not come to its end."""
    try:
        with open(os.path.join(out, "status.json")) as file:
            result = json.load(file)
        return result if {"name", "status", "said"} <= result.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def finished(out):
    """The result of a worker that has completed, or None. After status 3, or when the worker was
    killed, the submission is tried again."""
    result = result_of(out)
    try:
        if result and result["status"] != REFUSED:
            records.load(out)
    except (OSError, ValueError):
        return None
    return result if result and result["status"] in WORDS else None


def note(out, name, status, said):
    """Writes status.json, and returns what it says."""
    result = {"name": name, "status": status, "said": shown.text(said)}
    write_file(os.path.join(out, "status.json"), json.dumps(result) + "\n")
    return result


def work(lab, name, path, out, temporary):
    """Runs the worker for one submission; its result. status.json comes last of all: without it
    nothing has been done."""
    os.makedirs(out, exist_ok=True)
    report.clear(out)
    admin = os.path.join(LABS, "admin")
    paths = os.path.abspath(path), os.path.abspath(out)
    done = subprocess.run(
        [sys.executable, "-B", admin, "grade-one", lab, *paths],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=dict(os.environ, MINNOW_BUILT="1", TMPDIR=temporary),
        preexec_fn=vmlib.die_with_parent,
    )
    return note(out, name, done.returncode, done.stderr.strip()[-2000:])


@contextlib.contextmanager
def scratch(out):
    """The workers' folder for temporary files. Its name follows from that of the results, so that
    what a killed class has left there is removed by the one that takes it up again."""
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


def grade(lab, todo, out, done, jobs=1):
    with scratch(out) as temporary, ThreadPoolExecutor(jobs) as pool:

        def one(item):
            name, path = item
            done(name, work(lab.id, name, path, os.path.join(out, name), temporary))

        list(pool.map(one, todo.items()))
