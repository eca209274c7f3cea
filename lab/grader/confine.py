"""What the compiler of a student's files may see of this machine: the sandbox, and the files that compiling needs, one by one. Not the
instructor's solutions, not other students' work, wherever they lie, by whatever trick of the preprocessor or the assembler a file is
asked for.

By Landlock (landlock(7)), which needs no privilege. Where the kernel has none and the grader's user is root, `nobody` compiles, to whom
the instructor's files must be closed. Where neither is to be had, nothing of an instructor's tree is graded."""

import ctypes
import functools
import glob
import os
import re
import shutil
import subprocess

from . import LABS, broken

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls
PATH_BENEATH, NO_NEW_PRIVS = 1, 38
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, EVERYTHING = (
    1,
    2,
    4,
    8,
    (1 << 13) - 1,
)  # of the first version of the interface

# What the Makefile runs to build a service, and what gcc runs by itself.
COMPILERS = ["x86_64-linux-gnu-gcc", "gcc"]
BINUTILS = [
    prefix + name
    for prefix in ("", "x86_64-linux-gnu-")
    for name in ("as", "ld", "ar", "gcc-ar", "nm", "objcopy", "readelf")
]
COMMANDS = [
    "make",
    "bash",
    "sh",
    "env",
    "awk",
    "sed",
    "grep",
    "find",
    "sort",
    "head",
    "tail",
    "cut",
    "tr",
    "cat",
    "cmp",
    "printf",
    "echo",
    "mkdir",
    "rm",
    "cp",
    "mv",
    "ln",
    "touch",
    "readlink",
    "dirname",
    "basename",
    "nproc",
    "uname",
    "sha256sum",
    "xargs",
    "expr",
    "true",
    "false",
    "test",
    "[",
]
# The host's dynamic linker, by its name in the AMD64 ABI: `--list` is what ldd asks it, in a tenth of the time.
LOADER = "/lib64/ld-linux-x86-64.so.2"
INNER = ["cc1", "lto1", "collect2", "as", "ld", "lto-wrapper"]  # gcc -print-prog-name
FILES_TO_READ = ["/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/zero", "/dev/urandom"]


class Ruleset(ctypes.Structure):
    _fields_ = [("handled_access", ctypes.c_uint64)]


class Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed_access", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def available():
    return ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, 1) > 0  # its version


def open_to_all(path):
    """Whether all users may go into the folder."""
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            return False
        path = os.path.dirname(path)
    return True


def trouble():
    """Why students' files cannot be compiled here, in a line, or nothing. In a tree without an instructor's files there is nothing to protect."""
    private = glob.glob(os.path.join(LABS, "*", "instructor"))
    if available() or not private:
        return ""
    if os.geteuid():
        return "the compiler of students' files cannot be confined: that needs Landlock (Linux 5.13 or later, and in the list of `lsm=`), or root"
    readable = [
        os.path.relpath(path, os.path.dirname(LABS)) for path in private if open_to_all(path)
    ]
    return (
        f"without Landlock `nobody` compiles the students' files, who can read {readable[0]}: chmod o= lab/*/instructor"
        if readable
        else ""
    )


def say(*command):
    """What a tool prints; nothing if it cannot."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        env=dict(os.environ, LC_ALL="C"),
    )
    return done.stdout if done.returncode == 0 else ""


@functools.cache
def needed():
    """([files], [folders]) that are read or executed in order to compile."""
    compilers = list(filter(None, map(shutil.which, COMPILERS)))
    programs = compilers + list(filter(None, map(shutil.which, BINUTILS + COMMANDS)))
    folders = set()
    for compiler in compilers:
        asked = [say(compiler, f"-print-prog-name={name}").strip() for name in INNER]
        programs += [path for name in asked if (path := shutil.which(name))]
        folders |= {
            os.path.dirname(path)
            for path in asked
            if os.path.isabs(path) and "gcc" in path.split("/")[:-1]
        }  # with liblto_plugin.so
        folders |= {
            os.path.dirname(say(compiler, "-print-libgcc-file-name").strip()),
            say(compiler, "-print-file-name=include").strip(),
        }
    libraries = set()
    for program in {
        *programs,
        *glob.glob(
            os.path.join(os.path.dirname(LABS), os.environ.get("BUILD", "build"), "undo.so")
        ),
    }:
        libraries |= set(re.findall(r"(/\S+) \(0x", say(LOADER, "--list", program)))
    files = {
        os.path.realpath(path)
        for path in [*programs, *libraries, *FILES_TO_READ]
        if os.path.exists(path)
    }
    return sorted(files), sorted(
        os.path.realpath(path)
        for path in folders
        if os.path.isabs(path) and os.path.isdir(path)  # (a tool that says nothing names none)
    )


def to(folder, files, folders):
    """Confines this process and its children for ever: they can use the folder, and read what needed() names. Call trouble() before."""
    libc = ctypes.CDLL(None, use_errno=True)
    rules = libc.syscall(
        CREATE_RULESET, ctypes.byref(Ruleset(EVERYTHING)), ctypes.sizeof(Ruleset), 0
    )
    if rules < 0:
        return
    allowed = [(folder, EVERYTHING), ("/dev/null", READ_FILE | WRITE_FILE)]
    allowed += [(path, EXECUTE | READ_FILE | READ_DIR) for path in folders] + [
        (path, EXECUTE | READ_FILE) for path in files
    ]
    for path, access in allowed:
        handle = os.open(path, os.O_PATH)
        bad = libc.syscall(ADD_RULE, rules, PATH_BENEATH, ctypes.byref(Rule(access, handle)), 0)
        os.close(handle)
        if bad:
            raise OSError(ctypes.get_errno(), "Landlock refuses a rule", path)
    libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(RESTRICT_SELF, rules, 0):
        raise OSError(ctypes.get_errno(), "Landlock refuses its rules")
    os.close(rules)


def check():
    """Ends a grading that could not be kept apart from the instructor's files."""
    if said := trouble():
        raise broken(said)
