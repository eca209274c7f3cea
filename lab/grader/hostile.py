"""Submissions that mean harm: each must end as the list says, with no points, and must not hinder the grader. Programs are
lab/hostile/*.c, and for other labs than the first lab/hostile/LAB/*.c, each in the place of the first file that the lab asks for; a header that
several of them include is written into each. The other submissions are made here."""

import glob
import os
import shutil
import warnings
import zipfile

from . import (
    LABS,
    NOT_BUILT,
    PARTIAL,
    REFUSED,
    Stop,
    lab as labs,
    record as records,
    report,
    submission,
)

LAB = "01-ipc"  # for which they are, but for those in folders
GOOD = "int main(void) { return 0; }\n"


def text(contents, name="main.c"):
    def make(folder):
        with open(os.path.join(folder, name), "w") as file:
            file.write(contents)
        return folder

    return make


def missing(folder):
    return text(GOOD, "notes.c")(folder)


def link(folder):
    os.symlink("/etc/passwd", os.path.join(folder, "main.c"))
    return folder


def linked_folder(folder):
    os.symlink("/", os.path.join(folder, "main.c"))
    return folder


def pipe(folder):
    os.mkfifo(os.path.join(folder, "main.c"))
    return folder


def huge(folder):
    with open(os.path.join(folder, "main.c"), "wb") as file:
        file.truncate(8 << 30)
    return folder


def binary(folder):
    with open(os.path.join(folder, "main.c"), "wb") as file:
        file.write(b"\x7fELF\0\0\0")
    return folder


def many(folder):
    text(GOOD)(folder)
    for i in range(submission.ALL_TOGETHER + 10):
        open(os.path.join(folder, f"f{i}"), "w").close()
    return folder


def zipped(*members):
    def make(folder):
        path = os.path.join(folder, "submission.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a name comes twice is what we want
            for name, contents, attributes in members:
                member = zipfile.ZipInfo(name)
                member.external_attr = attributes << 16
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, contents)
        return path

    return make


def beside(program, **others):
    """A folder with main.c, a program of lab/hostile, and files that are not asked for."""

    def make(folder):
        shutil.copy(os.path.join(LABS, "hostile", program), os.path.join(folder, "main.c"))
        for name, contents in others.items():
            text(contents, name)(folder)
        return folder

    return make


MIGHTY = "calls: rs posix pm vfs host mem\nrights: caller pm rs posix info dma\nports: 0-0xffff\nmemory: 4M\npriority: 0\npatience: -\n"
ODD_NAMES = [
    "\n90 of 90 points",
    "main.c\n",
    "\r\033[2J\033[1;1Hok",
    "=HYPERLINK(1)",
    "\u202eflip",
    "..\n",
    "a,b;c\td",
    "-rf",
    "x" * 200,
]

# Name: how it is made, and the exit status that it must have.
OTHERS = {
    "missing-file": (missing, REFUSED),
    "link-to-passwd": (link, REFUSED),
    "link-to-root": (linked_folder, REFUSED),
    "pipe-for-a-file": (pipe, REFUSED),
    "huge-file": (huge, REFUSED),
    "binary-for-source": (binary, REFUSED),
    "thousands-of-files": (many, REFUSED),
    "zip-that-climbs": (
        zipped(("../../../etc/cron.d/x", "x", 0o644), ("main.c", GOOD, 0o644)),
        REFUSED,
    ),
    "zip-with-link": (zipped(("main.c", "/etc/passwd", 0o120777)), REFUSED),
    "zip-bomb": (zipped(("main.c", "\n" * (64 << 20), 0o644)), REFUSED),
    "zip-with-two-mains": (
        zipped(("main.c", GOOD, 0o644), ("./main.c", "int main(void) { for (;;); }\n", 0o644)),
        REFUSED,
    ),
    "zip-of-almost-mains": (
        zipped(*[(name, GOOD, 0o644) for name in ("main.c\n", "MAIN.C", "main.c ", "./ main.c")]),
        REFUSED,
    ),
    "odd-names": (beside("says_yes.c", **dict.fromkeys(ODD_NAMES, "x")), PARTIAL),
    "manifest-with-all-rights": (
        beside(
            "writes_port.c",
            **{
                "names.manifest": MIGHTY,
                "service.manifest": MIGHTY,
                "Makefile": "$(shell kill -9 -1)\n",
            },
        ),
        PARTIAL,
    ),
    "headers-of-the-tree": (
        beside(
            "says_yes.c",
            **dict.fromkeys(
                ["names.h", "service.h", "lab.toml", "quiet.toml", "build.mk"],
                "#error it was taken\n",
            ),
        ),
        PARTIAL,
    ),
    "shows-passwd-by-line": (
        text('#line 1 "/etc/passwd"\nint main(void) { return nothing; }\n'),
        NOT_BUILT,
    ),
    "assembler-without-end": (
        text('__asm__(".rept 1 << 30\\n.rept 1 << 30\\nnop\\n.endr\\n.endr");\n' + GOOD),
        NOT_BUILT,
    ),
    "includes-passwd": (text('#include "/etc/passwd"\n' + GOOD), REFUSED),
    "includes-by-macro": (text('#define FILE "/etc/passwd"\n#include FILE\n' + GOOD), REFUSED),
    "includes-upwards": (text('#include "../../01-ipc/instructor/solution/main.c"\n'), REFUSED),
    "embeds-bytes": (text('__asm__(".incbin \\"/etc/passwd\\"");\n' + GOOD), REFUSED),
    "asks-the-assembler": (text('__asm__(".inc" "bin "/etc/shadow"");\n' + GOOD), NOT_BUILT),
    "includes-by-digraph": (text('%:include "/etc/shadow"\n' + GOOD), NOT_BUILT),
    "does-not-compile": (text("int main(void) { return nothing; }\n"), NOT_BUILT),
    "includes-itself": (text('#include "main.c"\n#include "main.c"\n' + GOOD), NOT_BUILT),
    "errors-by-the-megabyte": (
        text("x" * 60000 + "\n" + "int f(void) { return a; }\n" * 60),
        NOT_BUILT,
    ),
    "error-in-one-line": (
        text(
            "#define A(x) B(x x)\n#define B(x) C(x x)\n#define C(x) D(x x)\n#define D(x) E(x x)\n#define E(x) F(x x)\n#define F(x) x x x x\n"
            "int f(void) { return "
            + "A(A(a+)) " * 2
            + "b; }\n"
            + "int main(void) { return "
            + "(" * 60000
            + "; }\n"
        ),
        NOT_BUILT,
    ),
    "escapes-in-errors": (
        text('#error "\033[2J\033]0;title\007 \r\u202e passed"\n' + GOOD),
        NOT_BUILT,
    ),
    "formula-in-an-error": (text("#error =HYPERLINK(1)\n" + GOOD), NOT_BUILT),
    "giant-array": (
        text('#include "service.h"\nchar a[1ul << 33] = { 1 };\nint main(void) { return a[0]; }\n'),
        NOT_BUILT,
    ),
}


def submissions(folder):
    """[(name, path, status)], made in the folder."""
    found = []
    for name, (make, status) in OTHERS.items():
        os.makedirs(os.path.join(folder, name))
        found.append((name, make(os.path.join(folder, name)), status))
    for source in sorted(glob.glob(os.path.join(LABS, "hostile", "*.c"))):
        name = os.path.basename(source)[:-2].replace("_", "-")
        os.makedirs(os.path.join(folder, name))
        with open(source) as file:
            found.append((name, text(file.read())(os.path.join(folder, name)), PARTIAL))
    return found


def whole(source):
    """A program with what it includes from its own folder."""
    with open(source) as file:
        program = file.read()
    for path in glob.glob(os.path.join(os.path.dirname(source), "*.h")):
        with open(path) as file:
            program = program.replace(f'#include "{os.path.basename(path)}"\n', file.read())
    return program


def status_of(source):
    """What a program's grading ends with: that of one whose head says so is not built."""
    with open(source) as file:
        return NOT_BUILT if "Not built." in file.read(400) else PARTIAL


def programs(folder):
    """[(lab, name, path, status)] of those for other labs, made in the folder."""
    found = []
    for source in sorted(glob.glob(os.path.join(LABS, "hostile", "*", "*.c"))):
        lab = labs.load(os.path.basename(os.path.dirname(source)))
        name = f"{lab.id} {os.path.basename(source)[:-2].replace('_', '-')}"
        where = os.path.join(folder, name)
        shutil.copytree(lab.skeleton, where)
        text(whole(source), lab.submit[0])(where)
        found.append((lab, name, where, status_of(source)))
    return found


def everything(folder):
    """[(lab, name, path, status)] of all of them."""
    lab = labs.load(LAB)
    return [(lab, *one) for one in submissions(folder)] + programs(folder)


LARGEST_REPORTS = 1 << 20  # bytes of all of them together


def unfit(record):
    """What is wrong with the reports: their size, and what moves a terminal's cursor."""
    texts = {name: make(record) for name, make in report.FILES.items()}
    size = sum(map(len, texts.values()))
    odd = sorted(
        name
        for name, text in texts.items()
        if any(not c.isprintable() and c not in "\n\t" for c in text)
    )
    return (
        f"{size} bytes of reports"
        if size > LARGEST_REPORTS
        else f"control characters in {', '.join(odd)}"
        if odd
        else ""
    )


def check(lab, path, status):
    """What is wrong, or nothing."""
    try:
        files, others = submission.collect(lab, path)
    except Stop as stop:
        return "" if stop.status == status else f"ends with {stop.status}: {stop}"
    if status == REFUSED:
        return "is not refused"
    record = records.grade(lab, files, seeds=lab.seeds[:1], others=others)
    if wrong := unfit(record):
        return wrong
    if records.status(record) != status:
        return f"ends with {records.status(record)}" + (
            ": " + record["build"]["output"] if not record["build"]["ok"] else ""
        )
    return f"earns {record['score']['visible']} points" if record["score"]["visible"] else ""
