"""The grader graded: the reference earns full marks with every seed, visible and hidden; the skeleton earns nothing; every mutant, a known
wrong solution, fails exactly the tests that it is said to fail, and is spared by all others."""

import glob
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from . import Stop, broken, build, hostile, lab as labs, record as records, submission

HOSTILE = "hostile"             # beside the names of labs


def mutants(lab):
    """[(name, {file: bytes}, {tests it must fail}, why)]."""
    found = []
    solution = os.path.join(lab.instructor, "solution")
    for patch in sorted(glob.glob(os.path.join(lab.instructor, "mutants", "*.patch"))):
        about = labs.read_toml(patch[:-len("patch")] + "toml")
        with tempfile.TemporaryDirectory(prefix="minnow-mutant-") as folder:
            for name in lab.submit:
                build.copy(os.path.join(solution, name), os.path.join(folder, name))
            done = subprocess.run(["patch", "-s", "-p1", "-d", folder, "-i", patch], capture_output=True, text=True)
            if done.returncode:
                raise broken(f"{os.path.basename(patch)} does not fit the solution: {done.stdout}")
            files = {name: submission.read(folder, name) for name in lab.submit}
        found.append((os.path.basename(patch)[:-len(".patch")], files, set(about["fails"]), about["why"]))
    return found


def failed_tests(record):
    return {t["id"] for t in record["tests"] if t["status"] == "failed"}


def check_reference(lab, quick):
    files, _ = submission.collect(lab, os.path.join(lab.instructor, "solution"))
    record = records.grade(lab, files, hidden=not quick, seeds=lab.seeds[:1] if quick else None)
    if records.status(record) != 0:
        bad = [f"{t['id']} (seed {t.get('seed')}: {t.get('kind')}: {t.get('did')}; {t.get('happened')})" for t in record["tests"] if t["status"] != "passed"]
        bad += [f"hidden {f['test']} (seed {f['seed']})" for f in (record["hidden"] or {}).get("failed", [])]
        return record["build"]["output"] or "; ".join(bad)
    return ""


def check_skeleton(lab, quick):
    files, _ = submission.collect(lab, lab.skeleton)
    record = records.grade(lab, files, seeds=lab.seeds[:1] if quick else None)
    if not record["build"]["ok"]:
        return "does not build: " + record["build"]["output"]
    return f"scores {record['score']['visible']}" if record["score"]["visible"] else ""


def check_mutant(lab, files, fails, quick):
    record = records.grade(lab, files, seeds=lab.seeds[:1] if quick else None)
    if not record["build"]["ok"]:
        return "does not build: " + record["build"]["output"]
    found = failed_tests(record)
    wrong = [f"fails {t} too" for t in sorted(found - fails)] + [f"passes {t}" for t in sorted(fails - found)]
    return "; ".join(wrong)


def jobs_of(lab, quick, only):
    yield "reference", lambda: check_reference(lab, quick)
    yield "skeleton", lambda: check_skeleton(lab, quick)
    if quick:
        return
    for name, files, fails, _ in mutants(lab):
        yield f"mutant {name}", lambda files=files, fails=fails: check_mutant(lab, files, fails, quick)


def hostile_jobs(folder, only):
    lab = labs.load("01-ipc")
    build.prepare(lab)
    for name, path, status in hostile.submissions(folder):
        yield f"{HOSTILE} {name}", lambda path=path, status=status: hostile.check(lab, path, status)


def attempt(job):
    try:
        return job()
    except Stop as stop:
        return f"could not be graded: {stop}"


def run(names, quick=False, only=None, jobs=os.cpu_count() or 1, tell=print):
    """Prints a line for each check; how many passed and failed."""
    passed = failed = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="minnow-hostile-") as folder:
            if name == HOSTILE:
                chosen = list(hostile_jobs(folder, only))
            else:
                lab = labs.load(name)
                build.prepare(lab)
                chosen = [(f"{lab.id}: {what}", job) for what, job in jobs_of(lab, quick, only)]
            chosen = [(what, job) for what, job in chosen if only is None or only in what]
            with ThreadPoolExecutor(jobs) as pool:
                for (what, _), wrong in zip(chosen, pool.map(lambda c: attempt(c[1]), chosen)):
                    tell(f"{what}: {wrong or 'ok'}", flush=True)
                    passed, failed = passed + (not wrong), failed + bool(wrong)
    return passed, failed
