"""tests/setup on a machine where something is missing: it is installed, found, and not asked for again."""

import os
import subprocess

import pytest


HERE = os.path.dirname(os.path.abspath(__file__))
PLACES = ("/usr/local/bin", "/usr/bin", "/usr/sbin", "/bin", "/sbin")

# Stands for apt-get: it says what it was asked for, and brings what the test has taken away.
APT_GET = """#!/bin/bash
echo "apt-get $*" >>{log}
case " $* " in *" install "*) cp -a {hidden}/. {folder}/ ;; esac
"""


@pytest.fixture
def missing(tmp_path):
    """A function: the environment of a machine that lacks a command until apt-get has been called, and apt-get's log."""

    def without(command):
        folder, hidden, log = tmp_path / "bin", tmp_path / "hidden", tmp_path / "log"
        folder.mkdir()
        hidden.mkdir()
        for place in PLACES:
            for name in os.listdir(place):
                link = (hidden if name == command else folder) / name
                if not link.is_symlink():
                    link.symlink_to(f"{place}/{name}")
        for name, text in (
            ("apt-get", APT_GET.format(log=log, hidden=hidden, folder=folder)),
            ("sudo", '#!/bin/bash\nexec "$@"\n'),
        ):
            (folder / name).unlink(missing_ok=True)
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        return dict(os.environ, PATH=str(folder)), log

    return without


# The last one is looked for by a place that is computed from the command.
@pytest.mark.parametrize(
    "command, package",
    [("mcopy", "mtools"), ("musl-gcc", "musl-tools"), ("grub-mkimage", "grub-common")],
)
def test_what_is_missing_is_installed_and_then_found(missing, command, package):
    environment, log = missing(command)

    def setup(*words):
        return subprocess.run(
            [f"{HERE}/setup", "--building", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    assert setup("--check").returncode == 1
    result = setup()
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"setup: installing {package}\n"
    assert log.read_text().splitlines()[-1].endswith(f" install {package}")
    assert setup("--check").returncode == 0
