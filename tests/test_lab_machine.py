"""Grading on machines that lack something: the command prints one line that names it, ends with the
status of a grading that failed (or does what is possible without it), and never gives a score."""

import os
import shutil
import pathlib
import subprocess
import sys
import tempfile
import time

import pytest

import vmlib
from longlib import long

LABS = os.path.join(vmlib.ROOT, "lab")
sys.path.insert(0, LABS)

from grader import make

PLAIN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("MAKE") and name != "MFLAGS"
}  # make test is no part of it
SOLUTION = os.path.join(LABS, "01-ipc/instructor/solution")
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
WORDS = ["test", "01-ipc", "put-get", "--source", SOLUTION, "--out"]


def lab(*words, root=vmlib.ROOT, before=(), built="1", **environment):
    return subprocess.run(
        [*before, sys.executable, "-B", os.path.join(root, "lab/lab"), *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1500,
        env=dict(os.environ, MINNOW_BUILT=built, **environment),
    )


def path_without(folder, *names):
    """PATH, in one folder of links, without the programs whose names begin so."""
    folder.mkdir()
    for place in [*os.environ["PATH"].split(":"), "/usr/sbin", "/sbin"]:
        for name in os.listdir(place) if os.path.isdir(place) else []:
            if not name.startswith(names) and not os.path.lexists(folder / name):
                os.symlink(os.path.join(place, name), folder / name)
    return str(folder)


@pytest.fixture
def place():
    """A folder that the user nobody may enter, who compiles if the grader is root; pytest's folders
    are closed to it."""
    with tempfile.TemporaryDirectory(prefix="minnow-machine-") as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


def one_line(done, *words, status=3):
    assert (
        done.returncode == status
        and done.stderr.count("\n") == 1
        and "Traceback" not in done.stderr + done.stdout
    ), done
    assert len(done.stderr) < 400 and all(word in done.stderr for word in words), done.stderr


def no_score(out):
    assert not (out / "results.json").exists() and not (out / "record.json").exists()


def in_a_mount(mount):
    """The first words of a command that is to run where the mount is there for it alone."""
    return ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"]


@long
def test_labs_need_neither_bochs_nor_gdb(place):
    path = path_without(place / "bin", "bochs", "gdb")
    done = lab(*WORDS, place / "out", PATH=path)
    assert done.returncode == 0 and "8 of 8" in done.stdout, done
    one_line(
        lab("replay", "01-ipc:put-get:1", "--gdb", "--source", SOLUTION, PATH=path),
        "gdb is not installed",
    )
    said = lab("doctor", PATH=path).stdout
    assert "without  gdb" in said and "without  bochs" in said and "MISSING  gdb" not in said
    made = subprocess.run(
        ["make", "-C", vmlib.ROOT, "-n", "image", "lab-programs"],
        capture_output=True,
        text=True,
        env=dict(PLAIN, PATH=path),
    )
    assert made.returncode == 0 and "installing" not in made.stdout + made.stderr, made


@pytest.mark.parametrize("built", ["1", ""])
def test_without_qemu(built, place):
    path = path_without(place / "bin", "qemu")
    for words in (WORDS + [place / "out"], ["replay", "01-ipc:put-get:1", "--source", SOLUTION]):
        one_line(lab(*words, PATH=path, built=built), "qemu-system-x86_64 is not installed")
    no_score(place / "out")
    done = lab("doctor", PATH=path)
    assert (
        done.returncode == 3
        and "MISSING  qemu-system-x86_64" in done.stdout
        and "no TCG" not in done.stdout
    )


@long
def test_reports_that_cannot_be_written(place):
    one_line(lab(*WORDS, "/dev/null/out"), "/dev/null/out", "Not a directory")
    (place / "file").touch()
    one_line(lab(*WORDS, place / "file"), "file")
    one_line(
        lab("handin", "01-ipc", "--source", SOLUTION, "--output", "/dev/null/x.zip"),
        "/dev/null/x.zip",
    )


@ROOT
@pytest.mark.parametrize("size", ["64k", "3m", "20m"])
def test_full_folder_for_temporary_files(size, place):
    (place / "small").mkdir()
    before = in_a_mount(f"mount -t tmpfs -o size={size} none {place}/small")
    one_line(
        lab(*WORDS, place / "out", before=before, TMPDIR=str(place / "small")),
        "small",
        "MiB free for temporary files",
    )
    no_score(place / "out")
    assert "MISSING  " in lab("doctor", before=before, TMPDIR=str(place / "small")).stdout


SCRIPT = f"""import sys
sys.path.insert(0, {LABS!r})
from grader import build, lab, mutants, record, run_command
build.ROOM = 0
class Grading:
    def run(self, options):
        names = lab.load("01-ipc")
        print(record.grade(names, mutants.solution(names), seeds=[1])["score"])
sys.exit(run_command("lab", lambda words: Grading()))
"""


@ROOT
@pytest.mark.parametrize("size", ["1m", "6m", "10m", "12m", "14m", "16m", "20m"])
def test_folder_that_becomes_full(size, place):
    """Such a machine does not judge the student's work: not even that it does not build."""
    (place / "small").mkdir()
    done = subprocess.run(
        [
            *in_a_mount(f"mount -t tmpfs -o size={size} none {place}/small"),
            sys.executable,
            "-B",
            "-c",
            SCRIPT,
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env=dict(os.environ, TMPDIR=str(place / "small"), MINNOW_BUILT="1"),
    )
    assert "'visible': 70" in done.stdout or not done.stdout, done
    if not done.stdout:
        one_line(done)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has nobody compile")
def test_folder_for_temporary_files_that_is_closed_to_nobody(place):
    (place / "closed").mkdir(mode=0o700)
    one_line(lab(*WORDS, place / "out", TMPDIR=str(place / "closed")), "closed to nobody")


@long
@ROOT
def test_read_only_tree(place):
    before = in_a_mount(
        f"mount --bind {vmlib.ROOT} {vmlib.ROOT} && mount -o remount,ro,bind {vmlib.ROOT} && cd {vmlib.ROOT}"
    )
    one_line(lab(*WORDS[:-1], before=before), "Read-only file system")
    one_line(lab("handin", "01-ipc", "--source", SOLUTION, before=before), "Read-only file system")
    one_line(lab("start", "01-ipc", before=before), "Read-only file system")
    done = lab(*WORDS, place / "out", before=before)
    assert done.returncode == 0 and "8 of 8" in done.stdout, done


# Of each kind of thing that is built, one: what is made of them is made again, too.
REBUILT = (
    "obj/kernel/clock.c.o",
    "obj/vfs/pipe",
    "obj/drivers/libpci",
    "commands/poweroff",
    "tables.S",
    "vdso.so",
    "grub",
    "fat.img",
)


def copy_build(to):
    """A copy of what is built, as new as what it is made of, but for REBUILT, which is not there."""
    left = ("ports", "ports.img", "run.img", "disk.img", "ext2.img", "unit", "grade", "labs")
    shutil.copytree(
        vmlib.BUILD,
        to,
        symlinks=True,
        ignore=lambda folder, _: left if folder == vmlib.BUILD else (),
    )
    for name in REBUILT:
        gone = to / name
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    now = time.time()
    for folder, _, names in os.walk(to):
        for name in [*names, "."]:
            os.utime(os.path.join(folder, name), (now, now), follow_symlinks=False)


@long
def test_paths_with_a_space(place):
    """The tree, the folder for temporary files, the student's files and the reports may lie anywhere."""
    spaced = place / "a b"
    spaced.mkdir()
    (spaced / "main.c").write_text(open(os.path.join(SOLUTION, "main.c")).read())
    done = lab(
        "test",
        "01-ipc",
        "put-get",
        "--source",
        spaced,
        "--out",
        spaced / "o ut",
        TMPDIR=str(spaced),
    )
    assert done.returncode == 0 and (spaced / "o ut/results.json").exists(), done
    make.release(str(spaced / "tree"))
    copy_build(spaced / "tree/build")
    done = lab(*WORDS, place / "out", root=str(spaced / "tree"), built="")
    assert done.returncode == 0 and "8 of 8" in done.stdout, done
    assert "MISSING" not in lab("doctor", root=str(spaced / "tree")).stdout
