"""The grader graded: the reference earns full marks with every seed, visible and hidden; the skeleton earns nothing; every mutant, a known
wrong solution, fails exactly the tests that it is said to fail, and is spared by all others.

With each seed, hidden ones too, few boots show of a mutant what a grading would: one in which the tests that it must pass run one after the
other, and behind them the first that it must fail, and one for each other test that it must fail. Where lab.toml names
Bochs, the reference is proved there too, and those mutants that name it themselves because they turn on the machine's time or disk."""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from . import (
    Stop,
    broken,
    build,
    cluster,
    guest,
    hostile,
    lab as labs,
    mutants,
    record as records,
    run as runs,
    submission,
    trial,
)

HOSTILE, CLASS, CLUSTER = "hostile", "class", "class-slurm"  # beside the names of labs


def check_reference(lab, quick=False):
    """Says what is wrong, or returns nothing; as all checks do."""
    record = records.grade(
        lab, mutants.solution(lab), hidden=not quick, seeds=lab.seeds[:1] if quick else None
    )
    if records.status(record) == 0:
        board = lab.leaderboard
        return f"no test reports {board.name}" if board and not record["leaderboard"] else ""
    bad = [
        f"{t['id']} (seed {t.get('seed')}: {t.get('kind')}: {t.get('did')}; {t.get('happened')})"
        for t in record["tests"]
        if t["status"] != "passed"
    ]
    bad += [
        f"hidden {f['test']} (seed {f['seed']})" for f in (record["hidden"] or {}).get("failed", [])
    ]
    return record["build"]["output"] or "; ".join(bad)


def check_skeleton(lab, quick=False):
    """The skeleton builds, and passes no test with any seed."""
    files, _ = submission.collect(lab, lab.skeleton)
    for seed in lab.seeds[:1] if quick else lab.seeds:
        record = records.grade(lab, files, seeds=[seed])
        if not record["build"]["ok"]:
            return "does not build: " + record["build"]["output"]
        if record["score"]["visible"]:
            return f"scores {record['score']['visible']} with seed {seed}"
    return ""


def check_mutant(lab, mutant, quick=False):
    with build.program(lab, mutant.files) as program:
        return "; ".join(
            sentence
            for seed, shift in [*lab.runs(), *lab.runs(hidden=True)][: 1 if quick else None]
            for sentence in differs(lab, program, mutant.fails, seed, shift)
        )


def check_in_bochs(lab, files, fails):
    with build.program(lab, files) as program:
        return "; ".join(
            differs(lab, program, fails, lab.seeds[0], guest.BOCHS_SHIFT, emulator="bochs")
        )


def differs(lab, program, fails, seed, shift, emulator="qemu"):
    """A list of sentences: where, with this seed, the program fails other tests than these."""

    def failed(tests):
        return [
            o.test
            for o in runs.outcomes_of(lab, program, tests, seed, shift, emulator=emulator)
            if not o.passed
        ]

    must_pass = runs.ready(lab, fails)
    must_fail = [test for test in lab.tests if test.id in fails]
    if must_fail and failed([*must_pass, must_fail[0]]) == [must_fail[0].id]:
        must_pass, must_fail = [], must_fail[1:]  # one boot has shown that of them
    wrong = [f"fails {test} with seed {seed}" for test in (failed(must_pass) if must_pass else [])]
    return wrong + [f"passes {t.id} with seed {seed}" for t in must_fail if not failed([t])]


# ---- all checks ----


def checks_of_lab(lab, quick):
    """(name, function) each."""
    yield "reference", lambda: check_reference(lab, quick)
    yield "skeleton", lambda: check_skeleton(lab, quick)
    if quick:
        return
    if "bochs" in lab.emulators:
        yield "reference in Bochs", lambda: check_in_bochs(lab, mutants.solution(lab), set())
    for mutant in mutants.load(lab):
        yield f"mutant {mutant.name}", lambda mutant=mutant: check_mutant(lab, mutant)
        if "bochs" in mutant.emulators:
            yield f"mutant {mutant.name} in Bochs", lambda mutant=mutant: check_in_bochs(
                lab, mutant.files, mutant.fails
            )


def hostile_checks(folder):
    for lab, name, path, status in hostile.everything(folder):
        yield name, lambda lab=lab, path=path, status=status: hostile.check(lab, path, status)


def attempt(check):
    """(what is wrong, seconds)"""
    start = time.monotonic()
    try:
        wrong = check()
    except (Stop, build.DoesNotBuild) as error:
        wrong = f"could not be graded: {error}"
    return wrong, time.monotonic() - start


def run(names, quick=False, only=None, jobs=os.cpu_count() or 1, tell=print):
    """Prints a line for each check; how many passed and failed."""
    results = []

    def show(what, wrong, seconds):
        tell(f"{what}: {wrong or 'ok'} ({seconds:.0f} s)", flush=True)
        results.append(not wrong)

    with tempfile.TemporaryDirectory(prefix="minnow-hostile-") as folder:
        checks = []
        for name in names:
            if name == HOSTILE:
                checks += [(f"{name}: {what}", check) for what, check in hostile_checks(folder)]
            elif name not in (CLASS, CLUSTER):
                lab = labs.load(name)
                build.prepare(lab)
                checks += [
                    (f"{lab.id}: {what}", check) for what, check in checks_of_lab(lab, quick)
                ]
        checks = [(what, check) for what, check in checks if only is None or only in what]
        with ThreadPoolExecutor(jobs) as pool:
            for (what, _), (wrong, seconds) in zip(
                checks, pool.map(lambda c: attempt(c[1]), checks)
            ):
                show(what, wrong, seconds)
    if CLASS in names:  # it keeps all processors busy by itself
        lab = labs.load(hostile.LAB)
        for what, wrong, seconds in trial.run(lab, mutants.load(lab), jobs):
            show(f"{CLASS}: {what}", wrong, seconds)
    if CLUSTER in names:
        lab = labs.load(hostile.LAB)
        count = cluster.FEW if quick else cluster.MANY
        try:
            for what, wrong, seconds in cluster.run(lab, mutants.load(lab)[0], jobs, count):
                show(f"{CLUSTER}: {what}", wrong, seconds)
        except cluster.NoCluster as why:
            tell(f"{CLUSTER}: skipped: {why}", flush=True)
    return sum(results), len(results) - sum(results)
