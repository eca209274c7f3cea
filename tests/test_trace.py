"""The trace of messages: what its lines say, the command that shows it, and the pages made of it."""

import html.parser
import os
import re
import shutil
import subprocess
import sys

import pytest

import vmlib

sys.path.insert(0, os.path.join(vmlib.ROOT, "lab"))

from grader import trace

SCRIPT = """
cd /tmp
ipctrace --html picture.html -- sh -c 'mkdir made; cat /etc/hostname | wc -c; ./absent' >&2
sysview system.html
cat /proc/minnow/trace >trace
ipctrace mkdir /proc/no
echo $?
for what in on off "on nobody" clear "on vfs" off; do echo "$what" >/proc/minnow/trace || echo "not: $what"; cat /etc/passwd >passwd; done
cat /proc/minnow/trace >of-vfs
"""


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    """What the script printed, and the files that it made."""
    folder = tmp_path_factory.mktemp("pages")
    names = ("picture.html", "system.html", "trace", "of-vfs")
    result = vmlib.run(
        ["sh", "-c", SCRIPT], check=True, get=[(f"/tmp/{n}", str(folder / n)) for n in names]
    )
    assert result.status == 0, result
    return result.stdout.decode(), {n: (folder / n).read_text() for n in names}


def test_records_name_programs_that_have_ended(inside):
    found = trace.messages(inside[1]["trace"])
    assert [m["number"] for m in found] == list(range(found[0]["number"], found[-1]["number"] + 1))
    shell = {m["from"] for m in found if m["from"].startswith("sh[")}
    assert len(shell) == 4  # itself, and its children before they became something else
    assert any(m["from"].startswith("wc[") and m["verb"] == "read" for m in found)
    assert any(re.match(r"(cat|wc)\[\d+\]$", m["to"]) and trace.is_reply(m) for m in found)


def test_records_of_what_the_kernel_does(inside):
    found = trace.messages(inside[1]["trace"])
    ended = [m["from"] for m in found if m["verb"] == "ended"]
    assert [name.partition("[")[0] for name in ended if name.startswith(("cat", "wc"))]
    faults = [m for m in found if (m["verb"], m["operation"]) == ("asks", "PM_FAULT")]
    assert faults and all(m["to"] == "pm" for m in faults)
    assert any((m["verb"], m["from"]) == ("notified", "virtio_blk") for m in found)


def test_forwarded_calls_say_where_they_go(inside):
    found = trace.messages(inside[1]["trace"])
    assert any(
        (m["from"], m["to"], m["operation"]) == ("vfs", "ext2", "FS_OPEN")
        and m["verb"].startswith("forward")
        for m in found
    )


def test_ipctrace_decodes_calls_and_ends_as_its_command(inside):
    lines = inside[0].splitlines()
    assert lines[-2:] == ["1", "not: on nobody"]
    assert any(re.search(r"mkdir\[\d+\]\s+mkdir\s+-> vfs\s+VFS_MKDIR", line) for line in lines)


def test_a_trace_may_be_of_one_service_alone(inside):
    found = trace.messages(inside[1]["of-vfs"])
    first = next(i for i, m in enumerate(found) if m["operation"] == "VFS_OPEN")
    calls = [m for m in found[first:] if m["verb"] not in ("notified", "failed", "ended")]
    assert len(calls) > 5 and all("vfs" in (m["from"], m["to"]) for m in calls), calls


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.scripts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.links += [v for k, v in attributes if k in ("src", "href") and not v.startswith("#")]
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()


@pytest.mark.parametrize("name", ["picture.html", "system.html"])
def test_pages_are_whole_and_need_nothing_from_the_net(inside, name, tmp_path):
    text = inside[1][name]
    page = Page(text)
    assert text.rstrip().endswith("</html>") and page.links == []
    assert not re.search(r"^@\w+@$", text, re.M)
    node = shutil.which("node")
    if node:  # what no browser would run is not a picture
        for i, script in enumerate(s for s in page.scripts if "=>" in s):
            (tmp_path / f"{i}.js").write_text(script)
            subprocess.run([node, "--check", tmp_path / f"{i}.js"], check=True)


def test_a_picture_has_the_commands_records_only(inside):
    lines = re.search(r"id=trace>\n(.*?)</pre>", inside[1]["picture.html"], re.S)[1]
    found = trace.messages(lines)
    programs = {m["from"].partition("[")[0] for m in found if trace.is_program(m["from"])}
    assert {"sh", "mkdir", "cat", "wc"} <= programs and "ipctrace" not in programs
    assert any(m["operation"] == "VFS_MKDIR" for m in found)


def test_every_service_stands_in_the_drawing(inside):
    page = inside[1]["system.html"]
    running = set(re.findall(r"^ +\d+ +(\w+) +running", page, re.M)) - {"rs"}
    assert running and running == set(re.findall(r"data-service='(\w+)'", page))


MESSAGES = """\
     900        10.000               case[7]                names                      ioctl GATE_CALL 3 1 2 0
     901        11.500                names                    -                             copy 1000 4 0 18
     902        12.000                names              case[7]                    reply_receive = -2
     903        13.000                names                    -                           failed 5
"""


def in_columns(text):
    rows = [
        re.match(r"\s*(\d+)\s+(\S+)\s+(\S+)\s+(\S+)\s+([a-z_]+(?: [A-Z_]+)?) (.*)", line).groups()
        for line in text.splitlines()
    ]
    return "".join(
        f"{int(n):8} {float(at):16.3f} {a:>20} {b:>20} {what:>32} {words}\n"
        for n, at, a, b, what, words in rows
    )


def test_text_of_a_trace_says_what_was_meant():
    text = trace.sequence(trace.messages(in_columns(MESSAGES)))
    assert text.startswith("(900 records before these were dropped)\n")
    assert "ioctl(3, 1, 2, 0)" in text and "copy 24 bytes, from 4 of" in text
    assert "= -ENOENT" in text


def test_a_trace_is_cut_where_the_server_died():
    lines = in_columns(MESSAGES).splitlines() + in_columns(MESSAGES).splitlines() * 30
    end = trace.where_wrong(lines, "names", "case")
    assert end == 3 + 20 and "failed" in lines[3]
    living = in_columns(MESSAGES).replace("failed", "listen").splitlines()
    assert trace.where_wrong(living, "names", "case") > 0


def test_a_reference_is_cut_at_the_same_call():
    lines = in_columns(MESSAGES).splitlines() * 3
    calls = trace.calls_of(lines, "case")
    assert len(calls) == 3 * len(trace.calls_of(lines[: len(lines) // 3], "case")) > 0
    assert trace.up_to_call(lines, "case", 1) == lines[: calls[1]]
    assert trace.up_to_call(lines, "case", 1000) == lines
