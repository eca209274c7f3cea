"""What tests/vm promises, with the real system in both emulators."""

import os
import subprocess

import pytest

import vmlib

both = pytest.mark.parametrize("emu", vmlib.EMULATORS)


@both
def test_output_and_status_are_the_commands(vm, emu):
    result = vm(["sh", "-c", "echo $((6*7)); echo oops >&2; exit 3"], emu=emu)
    assert (result.status, result.stdout, result.stderr) == (3, b"42\n", b"oops\n")


@both
def test_any_bytes_pass_through(vm, emu, tmp_path):
    data = bytes(range(256)) * 20 + vmlib.Frames.MAGIC + b"o\xff\0\0\0"
    (tmp_path / "in").write_bytes(data)
    assert vm(["cat"], emu=emu, input=tmp_path / "in").stdout == data


def test_standard_input_is_empty_without_input(vm):
    assert vm(["wc", "-c"]).stdout.split() == [b"0"]


@pytest.mark.parametrize("signal", [9, 15])
def test_a_killed_command_gives_128_and_the_signal(vm, signal):
    assert vm(["sh", "-c", f"kill -{signal} $$"]).status == 128 + signal


def test_a_command_that_is_not_there_gives_127(vm):
    assert vm(["/no/such/program"]).status == 127


@both
def test_a_program_of_this_minute_runs(vm, emu, tmp_path):
    (tmp_path / "prog.c").write_text(
        '#include <stdio.h>\nint main(int n, char **a) { printf("%d %s\\n", n, a[n - 1]); return 5; }\n'
    )
    subprocess.run(
        ["musl-gcc", "-O2", "-static", "-o", tmp_path / "prog", tmp_path / "prog.c"], check=True
    )
    result = vm(["/tmp/prog", "x y"], emu=emu, add=[(tmp_path / "prog", "/tmp/prog")])
    assert (result.status, result.stdout) == (5, b"2 x y\n")


def test_files_come_back_with_their_modes(vm, tmp_path):
    result = vm(
        ["sh", "-c", "seq 20000 >/root/numbers; chmod 640 /root/numbers"],
        get=[("/root/numbers", tmp_path / "numbers")],
    )
    assert (result.status, result.stderr) == (0, b"")
    assert (tmp_path / "numbers").read_text() == "".join(f"{n}\n" for n in range(1, 20001))
    assert os.stat(tmp_path / "numbers").st_mode & 0o777 == 0o640


def test_a_kept_image_keeps_what_was_written(vm, tmp_path):
    kept = tmp_path / "kept.img"
    assert vm(["sh", "-c", "echo here >/root/note"], keep=kept).status == 0
    assert vm(["cat", "/root/note"], image=kept).stdout == b"here\n"


@pytest.mark.parametrize("disk", vmlib.Qemu.disks)
def test_both_disks_work(vm, disk):
    assert (
        vm(
            ["sh", "-c", "cp /bin/busybox /root/copy && cmp /bin/busybox /root/copy"], disk=disk
        ).status
        == 0
    )


def test_32_mebibytes_are_enough(vm):
    assert vm(["sh", "-c", "ls -l / | sort | wc -l"], mem=32).status == 0


def test_counted_runs_are_alike(vm):
    """Instructions are counted, not time. Two runs differ only by the places in which alarms ring, a
    few instructions in a thousand."""
    command = [
        "/usr/lib/minnow-tests/bench",
        "getppid",
        "stat",
        "pipe round trip, two processes",
        "fork + exit + wait",
    ]
    first, second = (
        [int(line.split(b"\t")[1]) for line in vm(command, count=True).stdout.splitlines()[1:]]
        for _ in range(2)
    )
    assert len(first) == 4
    assert all(abs(a - b) <= max(1, a // 200) for a, b in zip(first, second)), (first, second)


@both
def test_a_panic_is_told_with_a_back_trace(vm, emu):
    result = vm(["true"], emu=emu, options="panic", check=False)
    assert result.status == vmlib.PANICKED
    assert b"asked for by the option" in result.stderr and b"kernel_main+" in result.stderr


def test_a_command_that_never_ends_times_out(vm):
    assert vm(["sh", "-c", "while :; do :; done"], timeout=10).status == vmlib.TIMED_OUT


def test_an_image_without_a_system_does_not_boot(vm, tmp_path):
    config = tmp_path / "grub.cfg"
    config.write_text("multiboot2 /none\n")
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, tmp_path / "disk.img")
    image.write(config, vmlib.GRUB_CONFIG)
    result = vmlib.Run(["true"], *[lambda data: None] * 3, image=image.path)
    vmlib.BOOT_LIMIT["qemu"], limit = 5, vmlib.BOOT_LIMIT["qemu"]
    try:
        assert result.run() == vmlib.DID_NOT_BOOT
    finally:
        vmlib.BOOT_LIMIT["qemu"] = limit
