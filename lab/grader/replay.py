"""One failure once more: the same tests before it, the same seed and speed, so the same to the byte. With GDB, or with its messages."""

import json
import os
import re
import shutil

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
    wanted = records.with_needs(lab, [test.id])
    return [t for t in lab.tests if t.id in wanted], dict(lab.runs()).get(seed, lab.shifts[0])


def outcome_of(lab, program, tests, seed, shift, **options):
    """The boot, and the outcome of the last test that has one."""
    boot = guest.boot(lab, program, [(t, seed) for t in tests], shift, **options)
    return boot, run.judge(lab, boot, shift)[-1]


GDB_SCRIPT = """set confirm off
file {build}/kernel.elf
{substitute}
source {root}/tests/gdb/minnow.py
target remote {channel}
tbreak service_load_first
continue
minnow symbols {programs}
tbreak main if $in("{server}")
continue
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
    write_file(
        script,
        GDB_SCRIPT.format(
            build=build.BUILD,
            programs=programs,
            server=lab.server,
            substitute="\n".join(
                f"set substitute-path {os.path.join(build.home_of(lab), name)} "
                + os.path.join(os.path.abspath(source), name)
                for name in lab.submit
            ),
            root=ROOT,
            channel=channel,
        ),
    )
    write_file(os.path.join(build.BUILD, "gdb-port"), channel + "\n")
    return [
        "-S",
        "-gdb",
        f"unix:{channel},server=on,wait=off",
    ], f"gdb -q -x {os.path.relpath(script)}"


# ---- the trace as text and for Perfetto ----

RECORD = re.compile(r"^\s*(\d+)\s+([\d.]+) (.{16}) (.{16}) (.{28}) (.*?)\s*$")


def messages(text):
    """The kernel's records, as dictionaries."""
    found = []
    for line in text.splitlines():
        match = RECORD.match(line)
        if match:
            number, at, sender, to, what, words = match.groups()
            found.append(
                {
                    "number": int(number),
                    "us": float(at),
                    "from": sender.strip(),
                    "to": to.strip(),
                    "what": what.strip(),
                    "words": words,
                }
            )
    return found


def of_server(found, server):
    """The messages that the server receives or sends."""
    return [m for m in found if server in (m["from"], m["to"])]


def sequence(found):
    start = found[0]["us"] if found else 0
    lines = [
        f"{m['us'] - start:12.3f}  {m['from']:<16} {m['what']:<28} {'-> ' + m['to'] if m['to'] != '-' else '':<20} {m['words']}".rstrip()
        for m in found
    ]
    return "\n".join(lines) + "\n"


def perfetto(found):
    """Chrome's JSON, which ui.perfetto.dev reads: a track an endpoint, a slice from the receipt of a request to its reply, an arrow for
    every message."""
    events, tracks, working = [], {}, {}
    for m in found:
        for name in (m["from"], m["to"]):
            if name not in tracks and name != "-":
                tracks[name] = len(tracks) + 1
                events.append(
                    {
                        "ph": "M",
                        "name": "thread_name",
                        "pid": 1,
                        "tid": tracks[name],
                        "args": {"name": name},
                    }
                )
    for m in found:
        sender, to, at = tracks.get(m["from"]), tracks.get(m["to"]), m["us"]
        reply = m["what"].startswith("reply")
        if reply and m["from"] in working:
            name, begin = working.pop(m["from"])
            events.append(
                {
                    "ph": "X",
                    "name": name,
                    "pid": 1,
                    "tid": sender,
                    "ts": begin,
                    "dur": max(at - begin, 0.001),
                    "args": {"result": m["words"]},
                }
            )
        elif to and not reply and m["to"] not in working:
            working[m["to"]] = (m["what"], at)
        events.append(
            {
                "ph": "i",
                "s": "t",
                "name": m["what"],
                "pid": 1,
                "tid": sender,
                "ts": at,
                "args": {"words": m["words"]},
            }
        )
        if not to:
            continue
        flow = {"cat": "message", "id": m["number"], "name": m["what"], "pid": 1}
        events.append({**flow, "ph": "s", "tid": sender, "ts": at})
        events.append({**flow, "ph": "f", "bp": "e", "tid": to, "ts": at + 0.001})
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ns"}) + "\n"
