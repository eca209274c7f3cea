"""The messages of a test: what /proc/minnow/trace had to say of it (vfs/procfs/trace.c), as text, for Perfetto, and as a picture in the
report, which commands/sequence draws."""

import errno
import json
import os
import re

from . import build, guest

RECORD = re.compile(r"^\s*(\d+)\s+([\d.]+) (.{20}) (.{20}) (.{32}) (.*?)\s*$")


def messages(text):
    """The kernel's records, as dictionaries."""
    found = []
    for line in text.splitlines():
        match = RECORD.match(line)
        if match:
            number, at, sender, to, what, words = match.groups()
            verb, _, operation = what.strip().partition(" ")
            found.append(
                {
                    "number": int(number),
                    "us": float(at),
                    "from": sender.strip(),
                    "to": to.strip(),
                    "verb": verb,
                    "operation": operation.strip(),
                    "words": words,
                }
            )
    return found


def is_program(name):
    return "[" in name


def is_reply(m):
    return m["words"].startswith("= ") and not is_program(m["from"])


def of_server(found, server):
    """The messages that the server receives or sends."""
    return [m for m in found if server in (m["from"], m["to"])]


# ---- as text ----


def result(words):
    """`= -2` as `= -ENOENT`."""
    value = int(words[2:])
    name = errno.errorcode.get(-value) if -200 < value < 0 else None
    return f"= -{name}" if name else words


def says(m):
    """What a record says, in a few words."""
    if is_reply(m):
        return result(m["words"])
    words = m["words"].split()
    if m["verb"] == "copy" and len(words) > 3:
        return f"copy {int(words[3], 16)} bytes, from {int(words[1], 16)} of the window on"
    if is_program(m["from"]) and m["verb"] != "asks":
        return f"{m['verb']}({', '.join(words)})"
    return f"{m['operation'] or m['verb']}  {m['words']}"


def sequence(found):
    """A line for each record, with times in microseconds from the first."""
    if not found:
        return ""
    start, lost = found[0]["us"], found[0]["number"]
    lines = [f"({lost} records before these were dropped)"] if lost else []
    for m in found:
        to = "" if m["to"] == "-" else f"-> {m['to']}"
        lines.append(f"{m['us'] - start:12.3f}  {m['from']:<16} {to:<20} {says(m)}".rstrip())
    return "\n".join(lines) + "\n"


# ---- for Perfetto ----


def perfetto(found):
    """Chrome's JSON, which ui.perfetto.dev reads: a track for each program and service, a slice for each call that a program makes and
    for each request that a service serves, an arrow for every message."""
    events, tracks, open_slices = [], {}, {}

    def track(name):
        if name not in tracks:
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
        return tracks[name]

    def begin(name, what, at):
        open_slices.setdefault(name, (what, at))

    def end(name, at, words):
        if name in open_slices:
            what, since = open_slices.pop(name)
            events.append(
                {
                    "ph": "X",
                    "name": what,
                    "pid": 1,
                    "tid": track(name),
                    "ts": since,
                    "dur": max(at - since, 0.001),
                    "args": {"result": words},
                }
            )

    for m in found:
        at, what = m["us"], m["verb"] if is_program(m["from"]) else m["operation"] or m["verb"]
        event = {"pid": 1, "tid": track(m["from"]), "ts": at, "name": what}
        events.append({**event, "ph": "i", "s": "t", "args": {"words": m["words"]}})
        if m["to"] == "-":
            continue
        if is_reply(m):
            end(m["from"], at, m["words"])
            if is_program(m["to"]):
                end(m["to"], at, m["words"])
        else:
            if is_program(m["from"]):
                begin(m["from"], what, at)
            elif m["verb"].startswith("forward"):
                end(m["from"], at, f"forwarded to {m['to']}")
            begin(m["to"], m["operation"] or what, at)
        flow = {"cat": "message", "id": m["number"], "name": what, "pid": 1}
        events.append({**flow, "ph": "s", "tid": event["tid"], "ts": at})
        events.append({**flow, "ph": "f", "bp": "e", "tid": track(m["to"]), "ts": at + 0.001})
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ns"}) + "\n"


# ---- as a picture ----


def lines_of(boot, test):
    """The records, a line each, of a test in a boot that has recorded them."""
    ends = (e for e in boot.events() if e["event"] == "end" and e["test"] == test.id)
    text = next((e.get("trace", "") for e in ends), "")
    return [line.rstrip() for line in text.splitlines() if RECORD.match(line)]


def is_of(match, program):
    return match[3].strip().startswith(f"{program}[")


def where_wrong(lines, server, program):
    """How many of the lines are up to where it went wrong: the server's death, and a few behind it; else the end of the test program."""
    end = len(lines)
    for at, m in enumerate(map(RECORD.match, lines)):
        verb = m[5].split()[0]
        if m[3].strip() == server and verb == "failed":
            return at + 20
        if is_of(m, program) and verb == "exit_group":
            end = at + 1
    return end


def calls_of(lines, program):
    """Where the records of the program itself are among the lines."""
    return [at for at, m in enumerate(map(RECORD.match, lines)) if is_of(m, program)]


def up_to_call(lines, program, count):
    """The lines up to the one before the program's call number `count`, counted from 0."""
    calls = calls_of(lines, program)
    return lines[: calls[count]] if count < len(calls) else lines


def viewer():
    """What a page needs once to show traces: style and script."""
    with open(os.path.join(build.BUILD, "sequence.html")) as file:
        page = file.read()
    return page.partition("<!--viewer-->")[2].partition("<!--/viewer-->")[0]
