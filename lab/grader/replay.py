"""One failure once more: the same tests before it, the same seed and speed, so the same to the byte. With GDB, or with its messages."""

import contextlib
import glob
import os
import shutil
import threading
import time

from . import ROOT, USAGE, Stop, build, guest, lab as labs, record as records, run, write_file


def parse(word):
    """`01-ipc:waits:2` -> the lab, the test, the seed."""
    parts = word.split(":")
    if len(parts) != 3 or not parts[2].isdigit():
        raise Stop(USAGE, f"{word} is not of the form LAB:TEST:SEED")
    lab = labs.load(parts[0])
    return lab, lab.test(parts[1]), int(parts[2])


def plan_of(lab, test, seed, folder):
    """The tests that ran before this one when the record in the folder was made, and the speed. Without a record: the tests that it needs."""
    try:
        for entry in records.load(folder)["tests"]:
            if entry["id"] == test.id and entry.get("seed") == seed:
                return [lab.test(name) for name in entry["before"]] + [test], entry["shift"]
    except (OSError, ValueError, KeyError):
        pass
    wanted = run.with_needs(lab, [test.id])
    return [t for t in lab.tests if t.id in wanted], dict(lab.runs()).get(seed, lab.shifts[0])


def outcome_of(lab, program, tests, seed, shift, **options):
    """The boot, and the outcome of the last test that has one."""
    boot = guest.boot(lab, program, [(t, seed) for t in tests], shift, **options)
    return boot, run.judge(lab, boot, shift)[-1]


def first_failure():
    """The word for parse(): what failed first in the grading that was the last one."""
    grades = os.path.join(build.BUILD, "grade")
    paths = glob.glob(os.path.join(grades, "*", "record.json"))
    for path in sorted(paths, key=os.path.getmtime)[-1:]:
        record = records.load(os.path.dirname(path))
        for test in record["tests"]:
            if test["status"] == "failed":
                return f"{record['lab']}:{test['id']}:{test['seed']}"
    raise Stop(
        USAGE, "which? LAB:TEST:SEED, or grade first: nothing has failed in the last grading"
    )


# An editor's debugger takes these two, and connects in between.
GDB_BEFORE = """set confirm off
file {build}/kernel.elf
{substitute}
source {root}/tests/gdb/minnow.py
"""
GDB_AFTER = """tbreak service_load_first
continue
minnow symbols {programs}
tbreak main if $in("{server}")
"""


def debugger(lab, program, source):
    """QEMU's words for waiting, and the line to type in another terminal: GDB stops where the server begins. A socket in our own folder:
    no port that may be taken."""
    folder = os.path.join(build.BUILD, "labs", lab.id)
    programs, script, channel = (
        os.path.join(folder, name) for name in ("gdb-programs", "gdb", "gdb-channel")
    )
    os.makedirs(programs, exist_ok=True)
    shutil.copyfile(program, os.path.join(programs, lab.server))
    before, after = (
        text.format(
            build=build.BUILD,
            programs=programs,
            server=lab.server,
            substitute="\n".join(
                f"set substitute-path {os.path.join(build.home_of(lab), name)} "
                + os.path.join(os.path.abspath(source), name)
                for name in lab.submit
            ),
            root=ROOT,
        )
        for text in (GDB_BEFORE, GDB_AFTER)
    )
    write_file(script, f"{before}target remote {channel}\n{after}continue\n")
    for name, text in ("gdb-before", before), ("gdb-after", after), ("gdb-port", channel + "\n"):
        write_file(os.path.join(build.BUILD, name), text)
    for path in channel, os.path.join(build.BUILD, "gdb-channel"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    os.symlink(channel, path)  # where .vscode/launch.json looks, whatever the lab is
    return [
        "-S",
        "-gdb",
        f"unix:{channel},server=on,wait=off",
    ], f"gdb -q -x {os.path.relpath(script)}"


def when_it_waits(tell):
    """Calls tell() in a thread when QEMU has made the channel, to which GDB can come then."""

    def watch():
        while not os.path.exists(os.path.join(build.BUILD, "gdb-channel")):
            time.sleep(0.1)
        tell()

    threading.Thread(target=watch, daemon=True).start()
