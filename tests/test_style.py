"""The tree is laid out as its formatters lay it out."""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def test_make_format_would_change_nothing():
    done = subprocess.run([f"{ROOT}/tests/format", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
