"""The messages that a report draws: those of the first tests that failed, and beside them those of the reference in the same place, where the
lab's folder has them in `reference/`. An instructor who does not store them keeps them from the students."""

import glob
import lzma
import os

from . import build, guest, run, trace, write_file

RECORDS = 1000  # in a picture: the last ones before it went wrong
PICTURES = 3  # in a report: the first tests that fail
NOT_TRACED = ("no-start", "panic", "unclean-end", "tampered", "disk")


def traced(lab, program, tests, seed, shift):
    """The records of the last of these tests."""
    last, only = tests[-1], lab.picture == "schedule"
    plan = [(test, seed) for test in tests]
    return trace.lines_of(guest.boot(lab, program, plan, shift, trace=last.id, only=only), last)


def add(lab, program, record, progress):
    """Runs the first tests that failed once more, with their messages recorded, and keeps these in the record."""
    failed = [t for t in record["tests"] if t["status"] == "failed"]
    for entry in [t for t in failed if t["kind"] not in NOT_TRACED][:PICTURES]:
        progress(f"the messages of {entry['id']}")
        tests = [lab.test(name) for name in (*entry["before"], entry["id"])]
        lines = traced(lab, program, tests, entry["seed"], entry["shift"])
        lines = lines[: trace.where_wrong(lines, lab.server, tests[-1].program)]
        entry["trace"] = lines[-RECORDS:]
        entry["reference"] = beside(lab, tests[-1], entry["seed"], lines)[-RECORDS:]


# ---- the reference's ----


def folder(lab):
    return os.path.join(lab.folder, "reference")


def path(lab, test, seed):
    return os.path.join(folder(lab), f"{test.id}-{seed}.xz")


def beside(lab, test, seed, lines):
    """The reference's records up to where these lines of the same test end: as many calls of the test program are in them. [] where nothing
    is stored."""
    try:
        with lzma.open(path(lab, test, seed), "rt") as file:
            stored = file.read().splitlines()
    except (OSError, lzma.LZMAError):
        return []
    return trace.up_to_call(stored, test.program, len(trace.calls_of(lines, test.program)))


def store_reference(lab, files, only=(), progress=lambda text: None):
    """Stores the messages of the reference's files, {name: bytes}, in these tests (none named: all) with all visible seeds; how many."""
    for old in glob.glob(os.path.join(folder(lab), "*.xz")):
        os.unlink(old)
    count = 0
    with build.program(lab, files) as program:
        for seed, shift in lab.runs():
            for test in (t for t in lab.tests if not only or t.id in only):
                progress(f"{test.id}, seed {seed}")
                needed = run.with_needs(lab, [test.id])
                tests = [t for t in lab.tests if t.id in needed]
                lines = traced(lab, program, tests, seed, shift)
                write_file(path(lab, test, seed), lzma.compress("\n".join(lines).encode()))
                count += 1
    return count
