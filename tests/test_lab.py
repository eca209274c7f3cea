"""The labs' machinery in a few minutes: each lab's reference and skeleton, some wrong and some hostile submissions, the commands' statuses.
`make test-labs` does it all."""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import pytest

import vmlib
from longlib import in_full, long, with_few

LABS = os.path.join(vmlib.ROOT, "lab")
sys.path.insert(0, LABS)

from grader import (
    Stop,
    build,
    confine,
    evidence,
    hostile,
    html,
    lab as labs,
    mutants,
    mutate,
    pictures,
    record as records,
    report,
    run,
    selftest,
    shown,
    submission,
    trial,
)

IPC = os.path.join(LABS, "01-ipc")
SOLUTION = os.path.join(IPC, "instructor/solution")


@pytest.fixture(scope="module", autouse=True)
def built():
    """The build is up to date already; several workers must not make it at once."""
    os.environ["MINNOW_BUILT"] = "1"


def command(*words, before=()):
    return subprocess.run(
        [*before, sys.executable, "-B", os.path.join(LABS, words[0]), *map(str, words[1:])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=dict(os.environ, MINNOW_BUILT="1"),
    )


def mutant_of(lab, name):
    return next(mutant for mutant in mutants.load(lab) if mutant.name == name)


@pytest.mark.parametrize("name", with_few(labs.names(), {"01-ipc"}))
def test_reference_earns_all_and_skeleton_nothing(name):
    lab = labs.load(name)
    assert selftest.check_reference(lab, quick=True) == ""
    assert selftest.check_skeleton(lab, quick=True) == ""


@pytest.mark.parametrize(
    "name", [in_full("03-take-keeps"), in_full("12-spins"), "13-no-throw-back"]
)
def test_mutant_fails_what_it_must(name):
    lab = labs.load("01-ipc")
    assert selftest.check_mutant(lab, mutant_of(lab, name), quick=True) == ""


def test_every_lab_has_mutants_that_touch_every_kind_of_failure():
    for name in labs.names():
        lab = labs.load(name)
        found = mutants.load(lab)
        assert len(found) >= 8
        known = {test.id for test in lab.tests}
        for mutant in found:
            assert mutant.fails and mutant.fails <= known and mutant.why, mutant.name


def test_each_requirement_has_two_mutants():
    """As the table in instructor/README.md says, which names what there is."""
    for name in ("01-ipc", "05-fs"):
        lab = labs.load(name)
        page = pathlib.Path(lab.instructor, "README.md")
        rows = re.findall(r"^\| (R\d+) \| (.*) \| (.*) \|$", page.read_text(), re.M)
        assert [row[0] for row in rows] == list(lab.requirements()), name
        known = {mutant.name: mutant.fails for mutant in mutants.load(lab)}
        for requirement, *words in rows:
            named, seen = (set(re.findall(r"`(.*?)`", word)) for word in words)
            assert len(named) >= 2 and named <= known.keys(), f"{name} {requirement}"
            assert seen == set().union(*(known[mutant] for mutant in named)), requirement


def test_reference_passes_in_bochs():
    lab = labs.load("01-ipc")
    assert selftest.check_in_bochs(lab, mutants.solution(lab), set()) == ""


@long
def test_refused_submissions(tmp_path):
    lab = labs.load("01-ipc")
    for name, path, status in hostile.submissions(str(tmp_path)):
        if status != 1:
            assert hostile.check(lab, path, status) == "", name


@pytest.mark.parametrize(
    "name", ["writes-port", in_full("prints-results"), in_full("crashes-at-start")]
)
def test_hostile_programs_gain_nothing(name, tmp_path):
    lab = labs.load("01-ipc")
    path, status = next(
        (path, status)
        for found, path, status in hostile.submissions(str(tmp_path))
        if found == name
    )
    assert hostile.check(lab, path, status) == ""


@long
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
    assert (suite.get("failures"), int(suite.get("tests"))) == (
        "0",
        len(labs.load("01-ipc").tests) + 1,
    )
    assert "not ok" not in (out / "tap.txt").read_text()
    assert "70</span> of 70" in (out / "report.html").read_text()


def test_no_score_when_the_grading_itself_fails(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-B",
            os.path.join(LABS, "lab"),
            "grade",
            "01-ipc",
            "--source",
            SOLUTION,
            "--out",
            tmp_path / "out",
        ],
        capture_output=True,
        text=True,
        env=dict(os.environ, MINNOW_BUILT="1", BUILD=str(tmp_path / "no-build")),
    )
    assert done.returncode == 3
    assert not (tmp_path / "out" / "results.json").exists()


@long
def test_a_failure_says_what_and_how_to_see_it_again(tmp_path):
    out = tmp_path / "out"
    source = tmp_path / "source"
    source.mkdir()
    (source / "main.c").write_bytes(mutant_of(labs.load("01-ipc"), "03-take-keeps").files["main.c"])
    done = command("lab", "test", "01-ipc", "take", "--source", source, "--out", out)
    assert done.returncode == 1
    assert (
        "expected: No such file or directory (-2) (R9)" in done.stdout
        and "lab/lab replay 01-ipc:take:1" in done.stdout
    )
    told = command("lab", "explain", "01-ipc", "take", "--out", out)
    assert "R9: TAKE of a name that is there" in told.stdout
    first, second = (
        command("lab", "replay", "01-ipc:take:1", "--source", source, "--out", out)
        for _ in range(2)
    )
    assert (
        first.returncode == 1
        and first.stdout == second.stdout
        and "which has been taken" in first.stdout
    )
    traced = command("lab", "trace", "01-ipc:take:1", "--source", source, "--out", out)
    assert traced.returncode == 1
    events = json.loads((out / "t/take/1/trace.json").read_text())["traceEvents"]
    assert any(e["ph"] == "M" and e["args"]["name"] == "names" for e in events) and any(
        e["ph"] == "s" for e in events
    )
    for track in {e["tid"] for e in events}:
        slices = sorted(
            (e["ts"], e["ts"] + e["dur"]) for e in events if e["ph"] == "X" and e["tid"] == track
        )
        assert all(
            end <= begin for (_, end), (begin, _) in zip(slices, slices[1:])
        ), "slices of a track that overlap are not shown"
    assert "NAMES_TAKE" in (out / "t/take/1/sequence.txt").read_text()


@long
def test_the_references_messages_stand_beside_a_failure(tmp_path, monkeypatch):
    lab = labs.load("01-ipc")
    build.prepare(lab)
    monkeypatch.setattr(pictures, "folder", lambda lab: str(tmp_path))
    wrong = mutant_of(lab, "03-take-keeps").files
    graded = functools.partial(records.grade, lab, wrong, seeds=[1], only=["take"], drawn=True)
    without = graded()
    assert pictures.store_reference(lab, mutants.solution(lab), ["take"]) == len(lab.seeds)
    record = graded()
    assert records.verdict(record) == records.verdict(without)
    test = record["tests"][-1]
    assert "exit_group" in test["trace"][-1] and "exit_group" not in "".join(test["reference"])
    assert any("NAMES_TAKE" in line for line in test["reference"])
    asked = "Those of the reference"
    assert asked in html.page(record) and asked not in html.page(without)


def test_handin_holds_the_students_files_only(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s/main.c").write_text("int main(void) { return 0; }\n")
    (tmp_path / "s/secret").write_text("x")
    assert (
        command(
            "lab", "handin", "01-ipc", "--source", tmp_path / "s", "--output", tmp_path / "a.zip"
        ).returncode
        == 0
    )
    assert list(submission.collect(labs.load("01-ipc"), str(tmp_path / "a.zip"))[0]) == ["main.c"]


def test_release_has_nothing_of_the_instructors(tmp_path):
    assert command("admin", "release", tmp_path / "tree").returncode == 0
    names = [
        os.path.relpath(os.path.join(folder, name), tmp_path / "tree")
        for folder, _, found in os.walk(tmp_path / "tree")
        for name in found
    ]
    for page in (
        name
        for name in names
        if name.endswith(("README.md", "Makefile", "build.mk")) and "grader" not in name
    ):
        with open(tmp_path / "tree" / page) as file:
            text = file.read()
        gone = [
            word
            for word in (
                "test-labs",
                "lab/admin",
                "INSTRUCTORS",
                "IDEAS",
                "instructor/",
                "hostile/",
            )
            if word in text
        ]
        assert not gone or page.startswith("lab/hostile"), f"{page} speaks of {gone}"
    assert "lab/01-ipc/skeleton/main.c" in names and "lab/lab" in names
    assert not [
        name
        for name in names
        if "instructor" in name.lower()
        or name.startswith(("lab/hostile", "lab/admin"))
        or (name.startswith("lab/") and "mutant" in name)
    ]


def test_debugger_stops_where_the_server_begins(tmp_path):
    """In its own source, where the kernel has put it."""
    channel = os.path.join(vmlib.BUILD, "labs/01-ipc/gdb-channel")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(channel)
    with subprocess.Popen(
        [
            sys.executable,
            "-B",
            os.path.join(LABS, "lab"),
            "replay",
            "01-ipc:put-get:1",
            "--gdb",
            "--source",
            SOLUTION,
            "--out",
            str(tmp_path),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, MINNOW_BUILT="1"),
    ) as replayed:
        line = next(line.strip() for line in replayed.stdout if line.strip().startswith("gdb "))
        for _ in range(300):
            if os.path.exists(channel):
                break
            time.sleep(0.1)
        then = [
            "list",
            'break do_put if $in("names")',
            "continue",
            "print m->w[0]",
            "delete",
            "continue",
        ]
        gdb = subprocess.run(
            [*line.split(), "-batch", *[word for command in then for word in ("-ex", command)]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        said = replayed.stdout.read()
    assert "[op_number(NAMES_PUT)] = do_put" in gdb.stdout and "$1 = 6" in gdb.stdout, (
        gdb.stdout + gdb.stderr
    )
    assert "put-get passes" in said


def test_verdict_is_the_same_for_an_unprivileged_user_without_network():
    with tempfile.TemporaryDirectory(
        prefix="minnow-unprivileged-"
    ) as folder:  # pytest's own are for its user alone
        os.chmod(folder, 0o777)
        verdict_without_privilege(pathlib.Path(folder))


def verdict_without_privilege(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    os.chmod(there, 0o777)
    source = tmp_path / "source"
    source.mkdir()
    (source / "main.c").write_bytes(mutant_of(labs.load("01-ipc"), "03-take-keeps").files["main.c"])
    assert (
        command("lab", "test", "01-ipc", "take", "--source", source, "--out", here).returncode == 1
    )
    done = command(
        "lab",
        "test",
        "01-ipc",
        "take",
        "--source",
        source,
        "--out",
        there,
        before=trial.unprivileged(),
    )
    assert done.returncode == 1, done.stderr
    assert records.verdict(records.load(here)) == records.verdict(records.load(there))


@long
def test_verdict_is_the_same_again_and_again():
    done = command(
        "lab",
        "test",
        "01-ipc",
        "line",
        "--source",
        SOLUTION,
        "--out",
        os.path.join(vmlib.BUILD, "grade/repeat"),
        "--repeat",
        "3",
    )
    assert done.returncode == 0 and "the same verdict 3 times" in done.stdout, done.stderr


@long
def test_class_goes_on_where_it_was_stopped(tmp_path):
    """Work that was done is left alone, work that was half done is done again, and no student's row is
    lost."""
    for name in ("good", "half", "bad"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "main.c").write_text("int main(void) { return nothing; }\n")
    os.symlink("/etc/passwd", tmp_path / "class/bad/other")
    (tmp_path / "class/bad/main.c").unlink()
    out = tmp_path / "out"
    assert (
        command("admin", "grade-class", "01-ipc", tmp_path / "class", out, "-j", "1").returncode
        == 0
    )
    rows = (out / "grades.csv").read_text().splitlines()
    assert rows[1:] == [
        "bad,refused,0,0,0,90,refused: main.c is missing",
        "good,does not build,0,0,0,90,",
        "half,does not build,0,0,0,90,",
    ]
    assert (
        command("admin", "grade-class", "01-ipc", tmp_path / "class", out).returncode == 4
    ), "results that are there are not overwritten"
    before = (out / "good/status.json").stat().st_mtime_ns
    (out / "half/record.json").unlink()
    done = command("admin", "grade-class", "01-ipc", tmp_path / "class", out, "--resume")
    assert done.returncode == 0 and done.stderr.count("/1 half: ") == 1, done.stderr
    assert (out / "grades.csv").read_text().splitlines() == rows
    assert (out / "good/status.json").stat().st_mtime_ns == before and (
        out / "half/record.json"
    ).exists()
    done = command("admin", "csv", "02-sched", out)
    assert (
        done.returncode == 4 and "has results of 01-ipc" in done.stderr
    ), "another lab's results make no gradebook"


@pytest.mark.skipif(not confine.available(), reason="the kernel has no Landlock")
@pytest.mark.parametrize(
    "source",
    [
        '%%:include "%s"\n',
        '__asm__(".inc" "lude \\"%s\\"");\n',
        '__asm__(".inc" "bin \\"%s\\"");\n',
        '#line 1 "%s"\nint f(void) { return nothing; }\n',
    ],
)
def test_compiler_sees_nothing_of_the_instructors(source):
    """Nor does the student see anything of it: a compiler's error shows the line of the file in which
    it is said to be."""
    lab = labs.load("01-ipc")
    with open(os.path.join(SOLUTION, "main.c")) as file:
        first = file.readline().strip()
    with pytest.raises(build.DoesNotBuild, match="main.c|denied|not found") as said:
        with build.program(
            lab, {"main.c": (source % os.path.join(SOLUTION, "main.c") + hostile.GOOD).encode()}
        ):
            pass
    assert first not in str(said.value)


@pytest.mark.skipif(not confine.available(), reason="the kernel has no Landlock")
@pytest.mark.parametrize("path", ["/usr/include/stdio.h", "/etc/hostname", "/proc/self/environ"])
def test_compiler_sees_nothing_but_its_own(path):
    """The instructor's tree may lie anywhere, also where the system's files are."""
    with pytest.raises(build.DoesNotBuild, match="not found|denied"):
        with build.program(
            labs.load("01-ipc"),
            {"main.c": f'__asm__(".inc" "bin \\"{path}\\"");\n{hostile.GOOD}'.encode()},
        ):
            pass


def test_nothing_is_graded_where_the_compiler_cannot_be_confined(monkeypatch):
    monkeypatch.setattr(confine, "available", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Stop, match="cannot be confined.*root") as stop:
        with build.program(labs.load("01-ipc"), {"main.c": hostile.GOOD.encode()}):
            pass
    assert stop.value.status == 3 and "\n" not in str(stop.value)


def test_programs_that_were_changed_are_found(tmp_path):
    source = vmlib.DISK_IMAGE
    image = vmlib.Image.copy(source, str(tmp_path / "disk.img"))
    before = evidence.boot_partition(image)
    assert evidence.changed(image, before, source, []) == []
    vmlib.call(
        "debugfs", "-w", "-R", "rm /bin/busybox", f"{image.path}?offset={image.partitions[1][0]}"
    )
    image.write_text(b"x", "/services/vfs.manifest")
    assert evidence.changed(image, before, source, []) == ["the boot partition", "/bin/busybox"]
    assert (
        evidence.changed(image, before, source, [("/etc/hostname", "/usr/lib/absent")])[-1]
        == "/usr/lib/absent"
    )


def test_cells_are_no_formulas():
    for text in ("=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1"):
        assert (
            not shown.cell(text).lstrip()[0] in "=+-@"
            and "\r" not in shown.cell(text)
            and "\t" not in shown.cell(text)
        )
    assert shown.cell("alice") == "alice" and shown.cell(70) == 70


def test_report_fits_all_that_a_student_may_make_of_it():
    """The output of the student's program is text, never markup."""
    lab = labs.load("01-ipc")
    record = records.empty(lab, {}, [])
    outcome = run.Outcome(
        "take",
        1,
        3,
        False,
        kind="wrong-result",
        did="<script>x</script>",
        expected="a & b",
        happened="\x1b[2J",
        detail=["<b>"],
    )
    record["tests"] = [
        records.test_entry(lab, test, {"take": outcome}, {}, [1]) for test in lab.tests
    ]
    record["seconds"] = 1
    for name, make in report.FILES.items():
        text = make(record)
        assert "<script>x" not in text or name.endswith((".json", ".txt")), name
    xml.etree.ElementTree.fromstring(report.FILES["junit.xml"](record).partition("\n")[2])


PERL = r"""use TAP::Parser; local $/; open F, "<:utf8", $ARGV[0]; my $p = TAP::Parser->new({ tap => scalar <F> }); my ($yaml, $odd) = (0, 0);
while (my $r = $p->next) { $yaml++ if $r->is_yaml; $odd++ if $r->is_unknown }
print join("|", $p->parse_errors), " failed ", join(",", $p->failed), " skipped ", scalar($p->skipped), " yaml $yaml odd $odd";"""


def test_perl_takes_the_tap(tmp_path):
    lab = labs.load("01-ipc")
    record = records.empty(lab, {}, [])
    outcome = run.Outcome(
        "put-get",
        1,
        3,
        False,
        kind="wrong-result",
        did='a # "b": \\ c',
        expected="'a' & b: c",
        happened="\x1b[2J \u00e9",
    )
    record["tests"] = [
        records.test_entry(lab, test, {"put-get": outcome}, {"quiet": 1}, [1]) for test in lab.tests
    ]
    (tmp_path / "t.tap").write_text(report.FILES["tap.txt"](record))
    said = subprocess.run(["perl", "-e", PERL, tmp_path / "t.tap"], capture_output=True, text=True)
    assert said.stdout == f" failed 2 skipped {len(lab.tests) - 2} yaml 1 odd 0", said


def test_lines_without_sense_end_the_record():
    class Boot:
        out = b'{"n":0,"event":"start","test":"a"}\n{"n":2,"event":"end"}\n'

    from grader import guest

    assert [e["event"] for e in guest.Boot.events(Boot)] == ["start"]


def test_cycles_are_found():
    threads = "thread task state waits for operation\n 1 a held b X\n 2 b held a Y\n 3 c held a Z\n"
    assert run.waits(threads, "a")[0] in ("a -> b -> a", "b -> a -> b")


def test_leaderboard_has_the_worst_number_of_programs_that_pass_all():
    lab = dataclasses.replace(
        labs.load("01-ipc"), leaderboard=labs.Leaderboard("instructions per GET", "asc")
    )
    found = run.measures("measure: a b = 12.5\nnow: measure: c = 1\nmeasure: d = -3e+06\n")
    assert found == {"a b": 12.5, "d": -3e6}
    assert run.measures("measure: a = 1; system\nmeasure: b = nan\n measure: c = 1\n") == {}
    assert records.leaderboard(lab, {"instructions per GET": [7, 9, 8]}) == {
        "name": "instructions per GET",
        "value": 9,
        "order": "asc",
    }
    assert records.leaderboard(lab, {"another": [7]}) is None
    board = labs.Leaderboard("x")
    assert board.order == "desc" and board.worst([7, 9]) == 7


def test_leaderboard_counts_where_all_tests_pass(monkeypatch):
    lab = labs.load("01-ipc")
    good = run.Outcome("full", 1, 3, True, measures={lab.leaderboard.name: 900.0})

    @contextlib.contextmanager
    def program(*_):
        yield "no program"

    monkeypatch.setattr(build, "program", program)
    for failed in ([], ["take"]):

        def run_seed(lab, program, seed, shift, bad, *_, **__):
            bad.update(
                {name: run.Outcome(name, seed, shift, False, kind="hang") for name in failed}
            )
            outcomes = [run.Outcome(test.id, seed, shift, True) for test in lab.tests]
            return [good if o.test == "full" else o for o in outcomes if o.test not in failed]

        monkeypatch.setattr(run, "run_seed", run_seed)
        record = records.grade(lab, {})
        wanted = None if failed else {"name": lab.leaderboard.name, "value": 900, "order": "asc"}
        assert record["leaderboard"] == wanted
        result = json.loads(report.FILES["results.json"](record))
        assert result.get("leaderboard") == (None if failed else [wanted])
        assert ("instructions per GET: 900" in report.FILES["report.txt"](record)) == (not failed)


# ---- what is said of a failure beside Linux ----


def compared(monkeypatch, wanted, out, **outcome):
    """The outcome of a test whose program printed `wanted` on Linux and `out` here."""
    monkeypatch.setattr(run, "expected_output", lambda lab, test, seed: wanted)
    test = labs.Test("t", "", ["R3"], 1, "fs t", oracle="linux")
    found = run.Outcome("t", 1, 3, **{"passed": True, **outcome})
    run.compare(None, test, {"out": out}, found)
    return found


LINUX = "mkdir a = 0\nopen a = 3\ncontents of a = 300 bytes, hash 11, by 128: aa - cc\n"


def test_what_is_as_on_linux_passes(monkeypatch):
    assert compared(monkeypatch, LINUX, LINUX).passed
    assert not compared(monkeypatch, LINUX, LINUX + "open b = 4\n").passed
    assert compared(monkeypatch, LINUX, "mkdir a = 0\n").happened == "no more"


def test_first_difference_is_told_though_the_server_crashed_later(monkeypatch):
    out = "mkdir a = 0\nopen a = Input/output error\nopen a = 4\ndid: umount\nexpected: 0\n"
    crash = dict(passed=False, kind="crash", did="umount", happened="the server minix failed")
    found = compared(monkeypatch, LINUX, out, **crash)
    assert not found.passed and found.kind == "crash"
    assert found.did.startswith("open a (step 2 of 3; before it: mkdir a = 0)")
    assert found.expected == "3, as on Linux (R3)"
    assert found.happened == "Input/output error; later: umount: the server minix failed"


def test_a_crash_after_what_is_right_is_a_crash(monkeypatch):
    crash = dict(passed=False, kind="crash", did="umount", happened="the server minix failed")
    found = compared(monkeypatch, LINUX, "mkdir a = 0\nopen a = 3\nconte", **crash)
    assert found.did == "umount" and found.happened == "the server minix failed"


def test_another_step_is_shown_as_such(monkeypatch):
    found = compared(monkeypatch, LINUX, LINUX.replace("open a = 3", "stat a = 3"))
    assert found.expected.startswith("open a = 3") and found.happened == "another step: stat a = 3"


def test_contents_that_differ_say_where(monkeypatch):
    found = compared(monkeypatch, LINUX, LINUX.replace("aa - cc", "aa bb cc").replace("11", "12"))
    assert found.expected == "bytes 128 to 255 of 300: zeroes, as on Linux (R3)"
    assert found.happened == "other bytes there; all before is right"
    found = compared(monkeypatch, LINUX, LINUX.replace("- cc", "- -"))
    assert "bytes 256 to 299" in found.expected and "zeroes there" in found.happened
    found = compared(monkeypatch, LINUX, LINUX.replace("300 bytes", "299 bytes"))
    assert found.expected.startswith("300 bytes") and found.happened == "299 bytes"


# ---- mutants ----

SOURCE = """int f(int a)
{
    int b = 0; /* if (a < 1) */
    if (a < 10 && a != 3)
        b = g(a);
    touch(b);
    return b ? b : -EINVAL;
}
"""


def test_sources_are_spoilt_in_many_ways():
    made = mutate.changes({"a.c": SOURCE.encode(), "a.h": b"int x(void) { return 1; }"})
    after = {change.after for change in made}
    for line in (
        "if (a <= 10 && a != 3)",
        "if (a < 11 && a != 3)",
        "if (a < 10 || a != 3)",
        "if (!(a < 10 && a != 3))",
        "g(a);",
        "(void)0;",
        "return b ? b : -EIO;",
    ):
        assert line in after, line
    assert {change.file for change in made} == {"a.c"}
    assert all(change.line != 3 or "/*" in change.after for change in made), "comments are no code"
    assert made == mutate.changes({"a.c": SOURCE.encode()})


def test_changes_that_make_no_difference_are_listed(tmp_path):
    lab = labs.load("01-ipc")
    lab.folder = str(tmp_path)
    (tmp_path / "instructor").mkdir()
    path = tmp_path / "instructor/equivalent.txt"
    path.write_text("# why not\n\na.c\n- touch(b);\n+ (void)0;\n= nobody looks\n")
    assert mutate.equivalents(lab) == {("a.c", "touch(b);", "(void)0;")}
    assert mutate.stale(lab, {"a.c": SOURCE.encode()}) == []
    assert mutate.stale(lab, {"a.c": SOURCE.replace("touch", "feel").encode()})
    path.write_text("a.c\n- touch(b);\n")
    with pytest.raises(Stop):
        mutate.equivalents(lab)


def test_every_lab_lists_only_changes_that_there_are():
    for name in labs.names():
        lab = labs.load(name)
        assert mutate.stale(lab, mutants.solution(lab)) == [], name


def test_patches_follow_the_solution(tmp_path):
    base = {"a.c": "".join(f"line {i}\n" for i in range(20)).encode()}
    spoilt = {"a.c": base["a.c"].replace(b"line 10\n", b"line ten\n")}
    patch = tmp_path / "01-x.patch"
    patch.write_text(mutants.difference(base, spoilt))
    assert mutants.patched(base, patch) == spoilt
    moved = {"a.c": b"first\n" + base["a.c"]}
    assert mutants.carried_over(moved, patch, []) == {"a.c": b"first\n" + spoilt["a.c"]}
    near = {"a.c": base["a.c"].replace(b"line 8\n", b"eight\n").replace(b"line 12\n", b"twelve\n")}
    assert mutants.carried_over(near, patch, [base])["a.c"] == near["a.c"].replace(
        b"line 10\n", b"line ten\n"
    )
    gone = {"a.c": base["a.c"].replace(b"line 10\n", b"another\n")}
    assert mutants.carried_over(gone, patch, [base]) is None
