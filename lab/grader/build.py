"""Builds a student's server by the tree's own Makefile, in a copy of the tree in which only the contents of the submitted files are the
student's. Libraries that are built already are copied along, so that one server takes a second or two."""

import contextlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

import vmlib

from . import ROOT, broken, confine, shown

BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))

# What the Makefile reads for a service: not the instructor's files, other students' files or the repository.
TREE = [
    "Makefile",
    "disk.img.mk",
    "kernel",
    "pm",
    "vfs",
    "drivers",
    "posix",
    "commands",
    "tests/setup",
    "tests/native",
    "tests/gdb",
    "lab/build.mk",
]

LONGEST = 10  # seconds of the processor for a build: a guard against a compiler driven mad
PATIENCE = 1000  # seconds of the host's, which may be busy: beyond them the machine is at fault
MEMORY = 2 << 30
LARGEST_FILE = 16 << 20
LARGEST_PROGRAM = 2 << 20
ROOM, LAST_ROOM = (
    64 << 20,
    1 << 20,
)  # bytes for temporary files: to begin with, and where nothing that failed is believed
LARGEST_OUTPUT = 256 << 10  # of the compiler's, that is looked at


class DoesNotBuild(Exception):
    """The student's files do not compile; the text is the compiler's."""


def make(*goals, **variables):
    """Brings the tree's own build up to date."""
    words = [f"{name}={value}" for name, value in variables.items()]
    done = subprocess.run(
        ["make", "-s", f"BUILD={os.environ.get('BUILD', 'build')}", *words, *goals],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise broken(f"the tree itself does not build:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def room():
    """Ends a grading for whose temporary files there is no room."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise broken(
            f"{folder} has {free >> 20} MiB free for temporary files: {ROOM >> 20} are needed (TMPDIR names another folder)"
        )
    if os.geteuid() == 0 and not confine.open_to_all(os.path.realpath(folder)):
        raise broken(
            f"{folder} is closed to nobody, who compiles the students' files (TMPDIR names another folder)"
        )


def still_room():
    """Ends a grading when the temporary files have filled their disk: a failure then is not the student's fault."""
    if shutil.disk_usage(tempfile.gettempdir()).free < LAST_ROOM:
        raise broken(
            f"{tempfile.gettempdir()} has become full: nothing can be said of what ran there"
        )


def prepare(lab):
    """Everything that grading this lab needs beside the student's files."""
    if not shutil.which("qemu-system-x86_64"):
        raise broken(
            "qemu-system-x86_64 is not installed: install qemu-system-x86 (lab/lab doctor says what else is missing)"
        )
    needed = [
        "disk.img",
        "sequence.html",
        *[f"services/{s}" for s in lab.services.values()],
        "labs/labrun",
    ]
    if os.environ.get(
        "MINNOW_BUILT"
    ):  # a packed grader: nothing is built any more, and the tree may be read-only
        for name in needed:
            if not os.path.exists(os.path.join(BUILD, name)):
                raise broken(f"{name} is not there: the grader was packed without it")
    else:
        if not os.path.exists(os.path.join(BUILD, "disk.img")):
            print("the system itself is built first: a minute, once", file=sys.stderr, flush=True)
        make("image", "lab-programs")


def copy(source, target, one=shutil.copy2):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        shutil.copytree(
            source,
            target,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
            copy_function=one,
        )
    elif os.path.exists(source):
        one(source, target)


def home_of(lab):
    """The folder of the server in the copy of the tree."""
    return lab.base or f"lab/{lab.id}/{lab.server}"


def make_sandbox(lab, files, sandbox):
    for name in TREE:
        copy(os.path.join(ROOT, name), os.path.join(sandbox, name))
    # These files are up to date: they become the newest, each after what it is made of, so that make leaves them alone.
    for name in [
        "undo.so",
        *[f"obj/{library}" for library in ("kernel/libservice", *lab.libraries)],
        *(["vdso.so", f"obj/{lab.base}"] if lab.base else []),
        "lib",
    ]:
        copy(os.path.join(BUILD, name), os.path.join(sandbox, "build", name), one=shutil.copy)
    home = os.path.join(sandbox, home_of(lab))
    os.makedirs(home, exist_ok=True)
    for name in os.listdir(lab.skeleton):
        if name not in lab.submit:
            copy(os.path.join(lab.skeleton, name), os.path.join(home, name))
    for name in lab.services.values():
        copy(os.path.join(ROOT, "lab", name, f"{name}.h"), os.path.join(home, f"{name}.h"))
    for name, data in files.items():
        os.makedirs(os.path.dirname(os.path.join(home, name)), exist_ok=True)
        with open(os.path.join(home, name), "wb") as file:
            file.write(data)


NOBODY = 65534


def give_to_nobody(folder):
    """For a grader that runs as root: the compiler runs as nobody, who can read only the sandbox and what all users can."""
    for root, inner, names in os.walk(folder):
        for name in [".", *inner, *names]:
            os.chown(os.path.join(root, name), NOBODY, NOBODY, follow_symlinks=False)


def limit(sandbox, files, folders):
    """Sets limits, in the process that becomes make."""
    vmlib.die_with_parent()
    confine.to(sandbox, files, folders)
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))


# What the compiler itself puts into object files.
COMPILERS = {"memcpy", "memmove", "memset", "memcmp", "__stack_chk_fail", "__stack_chk_guard"}
COMPILERS_PREFIX = "undo_"


def forbidden(lab, objects):
    """What the student's files use that a lab does not allow, as a sentence; "": nothing. A module of a mighty server may so be kept from
    what it has no need of."""
    if not lab.uses:
        return ""
    for name in (n for n in lab.submit if n.endswith(".c")):
        path = os.path.join(objects, name + ".o")
        symbols = [line.split() for line in tool("readelf", "-sW", path).splitlines()]
        used = {s[7] for s in symbols if len(s) > 7 and s[6] == "UND"}
        for symbol in sorted(used - set(lab.uses) - COMPILERS):
            if not symbol.startswith(COMPILERS_PREFIX):
                return f"src/{name} uses {shown.line(symbol)}, which this lab does not allow (lab.toml: uses)"
        if re.search(
            r"\t(syscall|sysenter|int) ", tool("objdump", "-d", path).replace("\n", " \n")
        ):
            return f"src/{name} calls the kernel by itself, which this lab does not allow"
    return ""


def tool(*command):
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    ).stdout


@contextlib.contextmanager
def program(lab, files, optimize=None):
    """The path of the program made from {name: bytes}, as long as it is needed; DoesNotBuild. optimize: for the compiler, another
    word than the tree's own (-Og for a debugger)."""
    with tempfile.TemporaryDirectory(prefix="minnow-build-") as sandbox:
        yield server(lab, files, sandbox, [f"OPTIMIZE={optimize}"] if optimize else [])


def server(lab, files, sandbox, settings=()):
    confine.check()
    room()
    readable = confine.needed()
    make_sandbox(lab, files, sandbox)
    folder = home_of(lab)
    program = os.path.join(sandbox, "build/services", lab.server)
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LC_ALL": "C",
        "HOME": sandbox,
        "TMPDIR": sandbox,
    }
    who = {}
    if os.geteuid() == 0:
        give_to_nobody(sandbox)
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    said = tempfile.TemporaryFile()  # LARGEST_FILE bounds it too
    try:
        done = subprocess.run(
            [
                "make",
                "-s",
                "BUILD=build",
                "JOBS=1",
                "SETUP=no",
                f"LAB_SERVERS={'' if lab.base else folder}",
                f"LIBS_{lab.server}={' '.join(lab.libraries)}",
                *settings,
                f"build/services/{lab.server}",
            ],
            cwd=sandbox,
            env=environment,
            preexec_fn=lambda: limit(sandbox, *readable),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            **who,
        )
    except subprocess.TimeoutExpired:  # not for want of time of its own: LONGEST bounds that
        raise broken(f"the compiler had not ended after {PATIENCE} seconds of the host's") from None
    except subprocess.SubprocessError as error:  # limit() has failed
        raise broken(f"the compiler cannot be confined: {error}") from None
    said.seek(0)
    text = said.read(LARGEST_OUTPUT).decode(errors="replace").replace(sandbox + "/", "")
    for name in lab.submit if lab.base else [""]:
        text = text.replace(f"{folder}/{name}", f"src/{name}")
    text = "\n".join(
        line
        for line in text.splitlines()
        if not line.startswith(("  CC ", "  LD ", "  AR ", "make: ***"))
    )
    if done.returncode:
        still_room()
        raise DoesNotBuild(
            shown.text(text.strip()) or f"the compiler ended with status {done.returncode}"
        )
    if wrong := forbidden(lab, os.path.join(sandbox, "build/obj", folder)):
        raise DoesNotBuild(wrong)
    if os.path.getsize(program) > LARGEST_PROGRAM:
        raise DoesNotBuild(
            f"the program has {os.path.getsize(program)} bytes; {LARGEST_PROGRAM} are allowed"
        )
    return program
