"""`make run`: a machine that is told to restart boots again, in both emulators."""

import os

import pexpect
import pytest

import vmlib


PIECE = 8  # characters: the serial port's FIFO has room for twice as many, and Bochs loses those behind them


def type_line(run, text):
    """As a person does: what has been typed is seen before more is."""
    for at in range(0, len(text), PIECE):
        run.send(text[at : at + PIECE])
        run.expect_exact(text[at : at + PIECE])
    run.send("\r")


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
        type_line(run, "echo kept >/root/note; reboot")
        run.expect("MiB of memory")  # the boot log anew
        run.expect("~# ")
        type_line(run, "cat /root/note; poweroff")
        run.expect("kept")
        run.expect(pexpect.EOF)
    finally:
        run.close(force=True)
