"""The kernel's messages, tested natively: the services ipctest and ipcpeer run in place of the whole system."""

import vmlib

GRUB = """multiboot2 /kernel.elf
module2 /services/rs rs
module2 /services/boot.services boot.services
module2 /services/mem mem
module2 /services/mem.manifest mem.manifest
module2 /services/ipcpeer ipcpeer
module2 /services/ipcpeer.manifest ipcpeer.manifest
module2 /services/ipctest ipctest
module2 /services/ipctest.manifest ipctest.manifest
boot
"""


def run(tmp_path, emu):
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    image.write_text(GRUB.encode(), vmlib.GRUB_CONFIG)
    image.write_text(b"mem\nipcpeer\nipctest\n", "/services/boot.services")
    return vmlib.run(["ipctest"], image=image.path, emu=emu)


def verdict(result):
    lines = result.stdout.decode().splitlines()
    assert [line for line in lines if line.startswith("FAILED")] == []
    assert sum(line.startswith("ok ") for line in lines) > 70
    assert result.status == 0


def test_messages_in_qemu(tmp_path):
    verdict(run(tmp_path, "qemu"))


def test_messages_in_bochs(tmp_path):
    verdict(run(tmp_path, "bochs"))
