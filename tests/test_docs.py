"""Documents that are made from tables are up to date; every folder explains itself; no path or machine slips in."""

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
                inner.clear()  # its README speaks of them all
            if (
                any(f.endswith((".c", ".py", ".S", ".def")) for f in files)
                and "README.md" not in files
            ):
                silent.append(os.path.relpath(folder, ROOT))
    assert silent == []


def test_each_file_of_tests_is_in_the_readme():
    with open(f"{ROOT}/tests/README.md") as file:
        text = file.read()
    assert [
        f for f in os.listdir(f"{ROOT}/tests") if f.endswith(".py") and f"`{f}`" not in text
    ] == []
