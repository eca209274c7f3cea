"""The one record of a grading, from which all reports are made, and how points come about.

Whole points only. A test's points are earned when it passes with every seed and speed. Hidden points are the visible tests once more, with
other seeds: as many of the hidden points, rounded down, as the share of the visible points that pass there."""

import hashlib
import json
import os
import time

from . import FULL, NOT_BUILT, PARTIAL, build, evidence, pictures, run, shown, write_file

SCHEMA = "lab/1"


def empty(lab, files, others):
    return {
        "schema": SCHEMA,
        "lab": lab.id,
        "title": lab.title,
        "server": lab.server,
        "view": lab.picture,
        "seeds": lab.seeds,
        "shifts": lab.shifts,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
        "left_out": shown.lines(others, shown.NAMES),
        "kit": {"image": evidence.digest(os.path.join(build.BUILD, "disk.img"))},
        "build": {"ok": True, "output": ""},
        "tests": [],
        "hidden": None,
        "leaderboard": None,
        "requirements": lab.requirements(),
        "score": {
            "visible": 0,
            "visible_max": lab.points["visible"],
            "hidden_max": lab.points["hidden"],
            "human_max": lab.points["human"],
        },
    }


def test_entry(lab, test, failed, passed, seeds):
    entry = {
        "id": test.id,
        "title": test.title,
        "req": test.req,
        "points": test.points,
        "score": 0,
        "status": "skipped",
        "needs": test.needs,
        "limit_ms": test.virtual_timeout_ms,
    }
    if test.id in failed:
        o = failed[test.id]
        entry |= {
            "status": "failed",
            "kind": o.kind,
            "seed": o.seed,
            "shift": o.shift,
            "did": shown.line(o.did),
            "expected": shown.line(o.expected),
            "happened": shown.line(o.happened),
            "detail": shown.lines(o.detail),
            "before": o.before,
            "replay": f"lab/lab replay {lab.id}:{test.id}:{o.seed}",
            "seeds_passed": seeds[: seeds.index(o.seed)] if o.seed in seeds else [],
        }
    elif test.id in passed:
        entry |= {
            "status": "passed",
            "score": test.points,
            "ns": passed[test.id],
            "seeds_passed": seeds,
        }
    else:
        entry["blocked_by"] = [need for need in test.needs if need not in passed]
    return entry


def grade(
    lab,
    files,
    hidden=False,
    progress=lambda text: None,
    seeds=None,
    only=None,
    others=(),
    drawn=False,
):
    """The record of a submission's files, {name: bytes}. drawn: with the messages of the first tests that fail."""
    record = empty(lab, files, list(others))
    start = time.monotonic()
    progress("building")
    try:
        with build.program(lab, files) as program:
            runs = [r for r in lab.runs() if seeds is None or r[0] in seeds]
            record["seeds"] = [seed for seed, _ in runs]
            wanted = run.with_needs(lab, only) if only else None
            measured = {}
            failed, passed = run.grade(lab, program, runs, wanted, progress, measured)
            record["tests"] = [
                test_entry(lab, test, failed, passed, record["seeds"])
                for test in lab.tests
                if wanted is None or test.id in wanted
            ]
            record["score"]["visible_max"] = sum(test["points"] for test in record["tests"])
            if hidden and lab.hidden_seeds:
                record["hidden"] = grade_hidden(lab, program, failed, progress)
            record["leaderboard"] = leaderboard(lab, measured) if not wanted else None
            if drawn:
                pictures.add(lab, program, record, progress)
    except build.DoesNotBuild as error:
        record["build"] = {"ok": False, "output": str(error)}
        record["tests"] = [test_entry(lab, test, {}, {}, []) for test in lab.tests]
    record["score"]["visible"] = sum(test["score"] for test in record["tests"])
    if status(record) != FULL:
        record["leaderboard"] = None  # a number counts where all tests pass
    record["seconds"] = round(time.monotonic() - start, 1)
    return record


def leaderboard(lab, measured):
    """The worst number of all runs, as Gradescope's leaderboard has it, or None."""
    board = lab.leaderboard
    if not board or board.name not in measured:
        return None
    value = float(f"{board.worst(measured[board.name]):.6g}")
    return {"name": board.name, "value": value, "order": board.order}


def grade_hidden(lab, program, failed, progress):
    """Runs the hidden seeds. A test that fails visibly fails hidden, too: hidden tests test nothing new."""
    again = dict(failed)
    for number, (seed, shift) in enumerate(lab.runs(hidden=True), 1):
        run.run_seed(
            lab,
            program,
            seed,
            shift,
            again,
            progress=lambda text, n=number: progress(f"hidden seed {n}"),
        )
    good = sum(test.points for test in run.ready(lab, again))
    newly = [o for name, o in again.items() if name not in failed]
    return {
        "max": lab.points["hidden"],
        "score": lab.points["hidden"] * good // lab.points["visible"],
        "failed": [
            {
                "test": o.test,
                "seed": o.seed,
                "kind": o.kind,
                "did": shown.line(o.did),
                "expected": shown.line(o.expected),
                "happened": shown.line(o.happened),
            }
            for o in newly
        ],
    }


def hidden_score(record):
    return record["hidden"]["score"] if record["hidden"] else 0


def status(record):
    """The exit status of the command that made it."""
    if not record["build"]["ok"]:
        return NOT_BUILT
    whole = record["score"]["visible"] == record["score"]["visible_max"]
    hidden = record["hidden"]
    return FULL if whole and (not hidden or hidden["score"] == hidden["max"]) else PARTIAL


def verdict(record):
    """What must not change from run to run: all but the times and what is measured, of the host or of a test (a disk is as fast as the host)."""
    timed = ("seconds", "leaderboard")
    tests = [
        {key: value for key, value in test.items() if key not in ("ns", "trace", "reference")}
        for test in record["tests"]
    ]
    return json.dumps(
        {**{key: value for key, value in record.items() if key not in timed}, "tests": tests},
        sort_keys=True,
    )


def save(record, folder):
    write_file(
        os.path.join(folder, "record.json"), json.dumps(record, indent=1, sort_keys=True) + "\n"
    )


def load(folder):
    with open(os.path.join(folder, "record.json")) as file:
        return json.load(file)
