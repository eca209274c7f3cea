"""What a machine lacks for the labs, in a line each."""

import os
import shutil
import subprocess
import sys
import tempfile

from . import FULL, INFRASTRUCTURE, ROOT, build, confine

TOOLS = [
    ("make", "builds everything", "make"),
    ("x86_64-linux-gnu-gcc", "compiles the servers", "gcc"),
    ("musl-gcc", "compiles the tests", "musl-tools"),
    ("qemu-system-x86_64", "runs the system", "qemu-system-x86"),
    ("mcopy", "puts files on the disk image", "mtools"),
    ("mkfs.minix", "makes the disk of the file system's lab", "util-linux-extra or util-linux"),
    ("debugfs", "looks after a boot whether its programs are what they were", "e2fsprogs"),
    ("addr2line", "names the functions of a crash", "binutils"),
]


WISHES = [
    ("gdb", "lab replay --gdb", "gdb"),
    ("bochs", "the second emulator; labs are graded in QEMU", "bochs"),
]


def checks():
    """(good, text) a line."""
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}" + (
        "" if sys.version_info >= (3, 11) else ": 3.11 is needed, for tomllib"
    )
    for tool, purpose, package in TOOLS:
        there = shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") or (
            tool.endswith("-gcc") and "linux-gnu" in tool and shutil.which("gcc")
        )
        yield bool(
            there
        ), f"{tool}: {purpose}" if there else f"{tool} is missing ({purpose}): install {package}"
    said = confine.trouble()
    yield not said, said or (
        "the compiler of students' files is confined"
        + (
            " by Landlock"
            if confine.available()
            else ": it is nobody's"
            if os.geteuid() == 0
            else " by nobody: they are your own"
        )
    )
    memory = (
        int(
            next(
                line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemAvailable")
            )
        )
        >> 10
    )
    yield memory >= 400, f"{memory} MiB of memory free" + (
        "" if memory >= 400 else ": 400 are needed"
    )
    free = shutil.disk_usage(tempfile.gettempdir()).free >> 20
    yield free >= 500, f"{free} MiB free for temporary files" + (
        "" if free >= 500 else ": 500 are needed"
    )
    image = os.path.join(build.BUILD, "disk.img")
    yield os.path.exists(image), "the system is built" if os.path.exists(
        image
    ) else "the system is not built yet: make"
    done = (
        subprocess.run(["qemu-system-x86_64", "-accel", "help"], capture_output=True, text=True)
        if shutil.which("qemu-system-x86_64")
        else None
    )
    if done:
        tcg = "tcg" in done.stdout
        yield tcg, "QEMU can count instructions (TCG)" if tcg else "this QEMU has no TCG, which counts instructions"
    writable = os.access(build.BUILD if os.path.exists(build.BUILD) else ROOT, os.W_OK)
    yield writable, "the build folder can be written" if writable else f"{build.BUILD} cannot be written"


def main():
    good = True
    for fine, text in checks():
        print(("ok       " if fine else "MISSING  ") + text)
        good &= fine
    for tool, purpose, package in WISHES:
        if not shutil.which(tool):
            print(f"without  {tool} ({purpose}): install {package} if you want it")
    return FULL if good else INFRASTRUCTURE
