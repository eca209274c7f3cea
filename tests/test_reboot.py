"""`make run`: the machine that is told to restart comes back, in both emulators."""

import os

import pexpect
import pytest

import vmlib


@pytest.mark.parametrize("emu", vmlib.EMULATORS)
def test_a_restart_comes_back_to_the_prompt(emu, tmp_path):
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    run = pexpect.spawn(
        os.path.join(vmlib.ROOT, "tests", "run"),
        ["--emu", emu, image.path],
        timeout=120,
        encoding="latin-1",
    )
    try:
        run.expect("~# ")
        run.send("echo kept >/root/note; reboot\r")
        run.expect("MiB of memory")  # the boot log anew
        run.expect("~# ")
        run.send("cat /root/note; poweroff\r")
        run.expect("note; poweroff.*kept")
        run.expect(pexpect.EOF)
    finally:
        run.close(force=True)
