"""Documents that are made from tables are up to date; every folder has a README, which names its
files."""

import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.mark.parametrize(
    "script, page",
    [
        ("kernel/abi/protocols", "kernel/abi/PROTOCOLS.md"),
        ("kernel/abi/kernel_calls", "kernel/abi/KERNEL_CALLS.md"),
        ("kernel/abi/addresses", "kernel/abi/ADDRESSES.md"),
        ("commands/sysview/drawing", "kernel/SERVICES.svg"),
        ("posix/compatibility", "posix/COMPATIBILITY.md"),
    ],
)
def test_made_documents_are_up_to_date(script, page):
    made = subprocess.run([f"{ROOT}/{script}"], capture_output=True, text=True, check=True).stdout
    with open(f"{ROOT}/{page}") as file:
        assert file.read() == made, f"{page} is out of date: {script} >{page}"


def test_every_folder_explains_itself():
    silent = []
    for top in ("kernel", "pm", "vfs", "drivers", "posix", "commands", "tests"):
        for folder, inner, files in os.walk(f"{ROOT}/{top}"):
            inner[:] = [
                i for i in inner if i not in ("__pycache__", "minnow", "etc", "student", "root")
            ]
            if folder.endswith("tests/native"):
                inner.clear()  # its README describes all folders in it
            if (
                any(f.endswith((".c", ".py", ".S", ".def")) for f in files)
                and "README.md" not in files
            ):
                silent.append(os.path.relpath(folder, ROOT))
    assert silent == []


def test_each_file_is_in_its_folders_readme():
    """A README names a file by its name, or by a pattern such as `test_X.c`; a header also by the name
    of its source."""
    unnamed = []
    for top in ("kernel", "pm", "vfs", "drivers", "posix", "commands", "tests", "lab"):
        for folder, inner, files in os.walk(f"{ROOT}/{top}"):
            inner[:] = [i for i in inner if i not in ("__pycache__", "root")]
            if "README.md" not in files:
                continue
            with open(f"{folder}/README.md") as file:
                text = file.read()
            kinds = [
                re.compile(kind.replace(".", r"\.").replace("X", r"\w+"))
                for kind in re.findall(r"`([a-z_]*X\.\w+)`", text)
            ]
            for name in files:
                stem, kind = os.path.splitext(name)
                if kind not in (".c", ".cc", ".h", ".S", ".def", ".py"):
                    continue
                if kind == ".h" and f"{stem}.c" in files:
                    continue
                if name not in text and not any(k.fullmatch(name) for k in kinds):
                    unnamed.append(os.path.relpath(f"{folder}/{name}", ROOT))
    assert unnamed == []
