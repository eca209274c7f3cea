"""From a program to verdicts. A boot runs the tests one after the other up to the first that fails; that test is put aside with its reason,
and the others run again in a fresh boot, until one boot passes all that are left and ends cleanly. So a point is earned only in a boot
in which nothing went wrong, and no test suffers from another one's failure. What has failed with one seed is not tried with the next."""

import hashlib
import itertools
import os
import re
from dataclasses import asdict, dataclass, field

from . import broken, guest

KINDS = {
    "wrong-result": "a wrong result",
    "crash": "the server crashed",
    "hang": "no end: a hang",
    "deadlock": "a deadlock",
    "panic": "the kernel panicked",
    "no-start": "the system did not come up",
    "unclean-end": "the system did not end cleanly",
    "disk": "the file system is damaged",
    "tampered": "the grader's programs were changed",
    "killed": "the test program was killed",
    "trouble": "the test program could not go on",
}


@dataclass
class Outcome:
    """What came of one test with one seed."""

    test: str
    seed: int
    shift: int
    passed: bool
    kind: str = ""
    did: str = ""
    expected: str = ""
    happened: str = ""
    detail: list = field(default_factory=list)  # lines: a back-trace, waits ...
    before: list = field(
        default_factory=list
    )  # the tests that ran before it in the same boot: for replay
    ns: int = 0
    measures: dict = field(default_factory=dict)  # {name: number}, of a test that passed


WORDS = ("now", "did", "expected", "happened", "trouble")


def said(text):
    """The lines of labtest.h's lab_fail() and lab_now() in a test program's output, the last of each."""
    found = {}
    for line in text.splitlines():
        word, colon, rest = line.partition(": ")
        if colon and word in WORDS:
            found[word] = rest
    return found


def measures(text):
    """{name: number} of the lines of labtest.h's lab_measure()."""
    found = re.findall(r"^measure: (.+) = (-?[\d.]+(?:e[+-]?\d+)?)$", text, re.M)
    return {name: float(number) for name, number in found}


def drawn(text):
    """The last lines that labtest.h's lab_show() has printed."""
    lines = [line[len("shown: ") :] for line in text.splitlines() if line.startswith("shown: ")]
    return [line[:160] for line in lines[-24:]]


def waits(threads, server):
    """Reads from /proc/minnow/threads which thread waits for which service: a cycle of waits if there is one, and lines of text."""
    edges, lines = {}, []
    for line in threads.splitlines()[1:]:
        words = line.split()
        if len(words) >= 4 and words[3] != "-":
            edges[words[1]] = words[3]
            lines.append(
                f"{words[1]} waits for {words[3]}" + (f" in {words[4]}" if len(words) > 4 else "")
            )
    for start in edges:
        path = [start]
        while path[-1] in edges and edges[path[-1]] not in path:
            path.append(edges[path[-1]])
        if path[-1] in edges and edges[path[-1]] == start and len(path) > 1:
            return " -> ".join([*path, start]), lines
    return "", [line for line in lines if server in line] or lines[:12]


def judge_end(lab, boot, event, outcome):
    """Fills in the outcome of a test from its `end` record."""
    words = said(event["out"])
    outcome.did, outcome.expected, outcome.happened = (
        words.get(w, "") for w in ("did", "expected", "happened")
    )
    outcome.ns = event["ns"]
    if event["died"] or (boot.panicked_at and event["how"] != "exit"):
        outcome.detail = boot.crashes()[:24]
        hung = any("does not come back" in line for line in outcome.detail)
        outcome.kind = "hang" if hung else "crash"
        outcome.did = outcome.did or last_step(words, event["out"])
        outcome.happened = (
            f"the server {lab.server} "
            + ("did not come back from a request" if hung else "failed")
            + (f", and this came of it: {outcome.happened}" if outcome.happened else "")
        )
    elif event["how"] == "hang":
        cycle, lines = waits(event["threads"], lab.server)
        outcome.kind = "deadlock" if cycle else "hang"
        outcome.did = outcome.did or last_step(words, event["out"])
        outcome.expected = outcome.expected or "an end"
        outcome.happened = cycle or "none within the test's limit"
        outcome.detail = lines
    elif event["how"] == "signal":
        outcome.kind, outcome.happened = (
            "killed",
            f"the test program was ended by signal {event['code']}",
        )
    elif event["code"] == 2 or "trouble" in words:
        outcome.kind, outcome.happened = "trouble", words.get("trouble", event["out"][-300:])
    elif event["code"]:
        outcome.kind = "wrong-result"
        outcome.happened = outcome.happened or f"the test program ended with status {event['code']}"
        outcome.detail = drawn(event["out"])
    else:
        outcome.passed = True
        outcome.measures = measures(event["out"])


def last_step(words, out):
    """The last step of a test that does not end, from its output."""
    lines = out.splitlines()
    after = f"what comes after: {lines[-1]}" if lines else "its first step"
    return words.get("now", after)


def expected_output(lab, test, seed):
    """What the program printed on Linux, stored with the hash of its source."""
    source = os.path.join(lab.folder, "tests", test.program + ".c")
    with open(source, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    for folder in ("tests", "instructor"):
        path = os.path.join(lab.folder, folder, "expected", f"{test.id}-{seed}.txt")
        if os.path.exists(path):
            with open(path) as file:
                head, _, text = file.read().partition("\n")
            if head.split()[-1] != digest:
                raise broken(
                    f"{path} was made from another {test.program}.c: run lab/admin oracle {lab.id}"
                )
            return text
    raise broken(
        f"what {test.id} prints on Linux with seed {seed} is not stored: run lab/admin oracle {lab.id}"
    )


CONTENTS = re.compile(r"(\d+) bytes, hash \w+, by (\d+):(.*)")  # as fs.c of 05-fs prints them


def difference(wanted, have):
    """(expected, happened) in words, of two results of one step that differ."""
    a, b = CONTENTS.fullmatch(wanted), CONTENTS.fullmatch(have)
    if not a or not b or a[1] != b[1]:
        return (f"{a[1]} bytes" if a else wanted), (f"{b[1]} bytes" if b else have)
    size, piece, here, there = int(a[1]), int(a[2]), a[3].split(), b[3].split()
    first = next((i for i, pair in enumerate(zip(here, there)) if pair[0] != pair[1]), None)
    if first is None:
        return wanted, have
    where = f"bytes {first * piece} to {min((first + 1) * piece, size) - 1} of {size}"
    return (
        f"{where}: {'zeroes' if here[first] == '-' else 'what was written there'}",
        f"{'zeroes' if there[first] == '-' else 'other bytes'} there; all before is right",
    )


def seen(event, passed):
    """The lines that a test has printed of what it saw; of one that did not end, those that are whole."""
    lines = event["out"].split("\n")[:-1] if not passed else event["out"].splitlines()
    return [line for line in lines if passed or line.partition(": ")[0] not in WORDS]


def compare(lab, test, event, outcome):
    """Puts the first line that is not as on Linux into the outcome, also of a test that ended badly later: what comes first may be the
    cause of the rest."""
    wanted, got = expected_output(lab, test, outcome.seed).splitlines(), seen(event, outcome.passed)
    pairs = enumerate(itertools.zip_longest(wanted, got, fillvalue=""))
    number = next((i for i, (line, have) in pairs if line != have), None)
    if number is None or (number >= len(got) and not outcome.passed):
        return  # what was seen is right: if something is wrong, it is the end
    line, have = ([*lines, ""][min(number, len(lines))] for lines in (wanted, got))
    step, _, result = (line or have).partition(" = ")
    expected, happened = line or "no further step", f"another step: {have}" if have else "no more"
    if line and have.partition(" = ")[0] == step:
        expected, happened = difference(result, have.partition(" = ")[2])
    if not outcome.passed:
        happened += "; later: " + ": ".join(filter(None, [outcome.did, outcome.happened]))
    if outcome.passed or outcome.kind == "trouble":
        outcome.passed, outcome.kind = False, "wrong-result"
    before = wanted[number - 1] if number else "nothing"
    outcome.did = f"{step} (step {number + 1} of {len(wanted)}; before it: {before})"
    outcome.expected = f"{expected}, as on Linux ({', '.join(test.req)})"
    outcome.happened = happened


def judge(lab, boot, shift):
    """The outcomes of a boot's tests up to the first that failed; all of them failed if it did not end cleanly."""
    ends = {e["test"]: e for e in boot.events() if e["event"] == "end"}
    started = {e["test"] for e in boot.events() if e["event"] == "start"}
    outcomes = []
    for test, seed in boot.plan:
        outcome = Outcome(test.id, seed, shift, False, before=[o.test for o in outcomes])
        outcomes.append(outcome)
        if test.id in ends:
            judge_end(lab, boot, ends[test.id], outcome)
            if test.oracle:
                compare(lab, test, ends[test.id], outcome)
        else:
            no_end(lab, boot, test.id in started, outcome)
        if not outcome.passed:
            return outcomes
    if boot.disk_bad and not boot.tampered:
        last = outcomes[-1]
        last.passed, last.kind = False, "disk"
        last.did, last.expected, last.happened = (
            "checking the file system on the host after the tests",
            "no complaint",
            "what is shown below",
        )
        last.detail = boot.disk_said.splitlines()[:12]
    elif not boot.clean():
        for outcome in outcomes:
            outcome.passed, outcome.kind = False, "unclean-end"
            outcome.happened = "after the tests the system did not come to an orderly end"
            if boot.tampered:
                outcome.kind, outcome.happened = (
                    "tampered",
                    "what a server under test must leave alone is not as it was",
                )
            outcome.detail = (
                boot.tampered[:24]
                or boot.crashes()[:24]
                or boot.complaint.decode(errors="replace").splitlines()[:12]
            )
    return outcomes


def no_end(lab, boot, started, outcome):
    if boot.panicked_at:
        outcome.kind, outcome.detail = (
            "panic",
            boot.complaint.decode(errors="replace").splitlines()[:30],
        )
    elif started:
        outcome.kind = "hang"
    else:
        outcome.kind = "no-start"
    outcome.happened = (
        "the machine was stopped: its limit of instructions had passed"
        if boot.over_limit
        else "the machine stopped"
    )
    outcome.detail = outcome.detail or boot.crashes()[:24]


def ready(lab, failed):
    """The tests that have not failed and need none that has."""
    out = set(failed)
    for test in lab.tests:  # in order: needs come before
        if set(test.needs) & out:
            out.add(test.id)
    return [test for test in lab.tests if test.id not in out]


def with_needs(lab, names):
    """The tests of these names and all that they need."""
    wanted, todo = set(), list(names)
    while todo:
        test = lab.test(todo.pop())
        if test.id not in wanted:
            wanted.add(test.id)
            todo += test.needs
    return wanted


def outcomes_of(lab, program, tests, seed, shift, **options):
    """The outcomes of a boot with these tests, one after the other."""
    return judge(
        lab, guest.boot(lab, program, [(test, seed) for test in tests], shift, **options), shift
    )


def run_seed(lab, program, seed, shift, failed, only=None, progress=lambda text: None):
    """Adds the outcomes of tests that fail with this seed to {id: Outcome}; the outcomes of the others are returned."""
    while True:
        tests = [test for test in ready(lab, failed) if only is None or test.id in only]
        if not tests:
            return []
        progress(f"seed {seed}, speed 2^{shift} ns: {len(tests)} tests")
        outcomes = outcomes_of(lab, program, tests, seed, shift)
        bad = [o for o in outcomes if not o.passed]
        if not bad:
            return outcomes
        if lab.disk and len(outcomes) > 1:
            bad = blame_disk(lab, program, bad[0], tests[: len(outcomes)], seed, shift) or bad
        for outcome in bad:
            failed[outcome.test] = outcome
        if bad[0].kind == "no-start":  # the other tests would end the same way
            for test in tests:
                failed.setdefault(
                    test.id, Outcome(**{**asdict(bad[0]), "test": test.id, "before": []})
                )


def blame_disk(lab, program, bad, tests, seed, shift):
    """Finds the tests that leave a damaged disk, each in a boot of its own, without those that need one of them. `bad` is the outcome of the
    last test: if it failed otherwise than by the disk, the tests before it may have damaged the disk that it found.
    """
    if bad.kind != "disk":
        tests = tests[:-1]
        if all(o.passed for o in outcomes_of(lab, program, tests, seed, shift)):
            return []
    found = {}
    for test in tests:
        if test in ready(lab, found):
            found.update(
                (o.test, o) for o in outcomes_of(lab, program, [test], seed, shift) if not o.passed
            )
    return list(found.values())


def grade(lab, program, runs, only=None, progress=lambda text: None, measured=None):
    """({id: Outcome} of the tests that failed, {id: nanoseconds} of those that passed every time). A test that needs one that failed is in neither.
    measured: a dictionary that gets {name: [number of each run]}."""
    failed, passed = {}, {}
    for seed, shift in runs:
        for outcome in run_seed(lab, program, seed, shift, failed, only, progress):
            passed.setdefault(outcome.test, []).append(outcome.ns)
            for name, number in outcome.measures.items() if measured is not None else ():
                measured.setdefault(name, []).append(number)
    return failed, {test: max(ns) for test, ns in passed.items() if len(ns) == len(runs)}
