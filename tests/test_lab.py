"""The labs' machinery in a few minutes: each lab's reference and skeleton, some wrong and some hostile submissions, the commands' statuses.
`make test-labs` does it all."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree

import pytest

import vmlib

LABS = os.path.join(vmlib.ROOT, "lab")
sys.path.insert(0, LABS)

from grader import hostile, lab as labs, record as records, run, selftest, submission

IPC = os.path.join(LABS, "01-ipc")
SOLUTION = os.path.join(IPC, "instructor/solution")


@pytest.fixture(scope="module", autouse=True)
def built():
    """The build is up to date already; several workers must not make it at once."""
    os.environ["MINNOW_BUILT"] = "1"


def command(*words, **options):
    return subprocess.run([sys.executable, "-B", os.path.join(LABS, words[0]), *map(str, words[1:])], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=dict(os.environ, MINNOW_BUILT="1"), **options)


def grade(files, **how):
    lab = labs.load("01-ipc")
    return records.grade(lab, files, **how)


def files_of(folder):
    return submission.collect(labs.load("01-ipc"), folder)[0]


@pytest.mark.parametrize("name", labs.names())
def test_reference_earns_all_and_skeleton_nothing(name):
    lab = labs.load(name)
    assert selftest.check_reference(lab, quick=True) == ""
    assert selftest.check_skeleton(lab, quick=True) == ""


@pytest.mark.parametrize("name", ["03-take-keeps", "12-spins", "13-no-throw-back"])
def test_mutant_fails_what_it_must(name):
    lab = labs.load("01-ipc")
    files, fails = next((files, fails) for found, files, fails, _ in selftest.mutants(lab) if found == name)
    assert selftest.check_mutant(lab, files, fails, quick=True) == ""


def test_every_lab_has_mutants_that_touch_every_kind_of_failure():
    for name in labs.names():
        lab = labs.load(name)
        found = selftest.mutants(lab)
        assert len(found) >= 8
        known = {test.id for test in lab.tests}
        for mutant, _, fails, why in found:
            assert fails and fails <= known and why, mutant


def test_refused_submissions(tmp_path):
    lab = labs.load("01-ipc")
    for name, path, status in hostile.submissions(str(tmp_path)):
        if status != 1:
            assert hostile.check(lab, path, status) == "", name


@pytest.mark.parametrize("name", ["writes-port", "prints-results", "crashes-at-start"])
def test_hostile_programs_gain_nothing(name, tmp_path):
    lab = labs.load("01-ipc")
    path, status = next((path, status) for found, path, status in hostile.submissions(str(tmp_path)) if found == name)
    assert hostile.check(lab, path, status) == ""


def test_statuses_and_files_of_a_grading(tmp_path):
    assert command("lab", "list").returncode == 0
    assert command("lab", "grade", "no-such-lab").returncode == 4
    assert command("lab", "nonsense").returncode == 4
    assert command("lab", "grade", "01-ipc", "--source", tmp_path).returncode == 5
    (tmp_path / "main.c").write_text("int main(void) { return nothing; }\n")
    out = tmp_path / "out"
    done = command("lab", "grade", "01-ipc", "--source", tmp_path, "--out", out)
    assert done.returncode == 2 and "nothing" in done.stdout and "src/main.c" in done.stdout
    assert json.loads((out / "results.json").read_text())["tests"][0]["status"] == "failed"
    done = command("lab", "grade", "01-ipc", "--source", SOLUTION, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((out / "results.json").read_text())
    assert sum(test.get("score", 0) for test in results["tests"]) == 70 and "score" not in results
    fifty = json.loads((out / "classroom50.json").read_text())
    assert (fifty["score"], fifty["max-score"]) == (70, 70)
    suite = xml.etree.ElementTree.parse(out / "junit.xml").getroot()
    assert (suite.get("failures"), int(suite.get("tests"))) == ("0", len(labs.load("01-ipc").tests) + 1)
    assert "not ok" not in (out / "tap.txt").read_text()
    assert "70</span> of 70" in (out / "report.html").read_text()


def test_no_score_when_the_grading_itself_fails(tmp_path):
    done = subprocess.run(
        [sys.executable, "-B", os.path.join(LABS, "lab"), "grade", "01-ipc", "--source", SOLUTION, "--out", tmp_path / "out"], capture_output=True, text=True,
        env=dict(os.environ, MINNOW_BUILT="1", BUILD=str(tmp_path / "no-build")))
    assert done.returncode == 3
    assert not (tmp_path / "out" / "results.json").exists()


def test_a_failure_says_what_and_how_to_see_it_again(tmp_path):
    out = tmp_path / "out"
    source = tmp_path / "source"
    source.mkdir()
    mutant = next(files for name, files, _, _ in selftest.mutants(labs.load("01-ipc")) if name == "03-take-keeps")
    (source / "main.c").write_bytes(mutant["main.c"])
    done = command("lab", "test", "01-ipc", "take", "--source", source, "--out", out)
    assert done.returncode == 1
    assert "expected: No such file or directory (-2) (R9)" in done.stdout and "lab/lab replay 01-ipc:take:1" in done.stdout
    told = command("lab", "explain", "01-ipc", "take", "--out", out)
    assert "R9: TAKE of a name that is there" in told.stdout
    first, second = (command("lab", "replay", "01-ipc:take:1", "--source", source, "--out", out) for _ in range(2))
    assert first.returncode == 1 and first.stdout == second.stdout and "which has been taken" in first.stdout
    traced = command("lab", "trace", "01-ipc:take:1", "--source", source, "--out", out)
    assert traced.returncode == 1
    events = json.loads((out / "t/take/1/trace.json").read_text())["traceEvents"]
    assert any(e["ph"] == "M" and e["args"]["name"] == "names" for e in events) and any(e["ph"] == "s" for e in events)
    assert "NAMES_TAKE" in (out / "t/take/1/sequence.txt").read_text()


def test_handin_holds_the_students_files_only(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s/main.c").write_text("int main(void) { return 0; }\n")
    (tmp_path / "s/secret").write_text("x")
    assert command("lab", "handin", "01-ipc", "--source", tmp_path / "s", "--output", tmp_path / "a.zip").returncode == 0
    assert list(submission.collect(labs.load("01-ipc"), str(tmp_path / "a.zip"))[0]) == ["main.c"]


def test_release_has_nothing_of_the_instructors(tmp_path):
    assert command("admin", "release", tmp_path / "tree").returncode == 0
    names = [os.path.relpath(os.path.join(folder, name), tmp_path / "tree") for folder, _, found in os.walk(tmp_path / "tree") for name in found]
    assert "lab/01-ipc/skeleton/main.c" in names and "lab/lab" in names
    assert not [name for name in names if "instructor" in name.lower() or name.startswith(("lab/hostile", "lab/admin")) or (name.startswith("lab/") and "mutant" in name)]


def test_lines_without_sense_end_the_record():
    class Boot:
        out = b'{"n":0,"event":"start","test":"a"}\n{"n":2,"event":"end"}\n'
    from grader import guest
    assert [e["event"] for e in guest.Boot.events(Boot)] == ["start"]


def test_cycles_are_found():
    threads = "thread task state waits for operation\n 1 a held b X\n 2 b held a Y\n 3 c held a Z\n"
    assert run.waits(threads, "a")[0] in ("a -> b -> a", "b -> a -> b")
