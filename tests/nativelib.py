"""Boots the services ipctest and ipcpeer (tests/native) in place of the whole system."""

import vmlib

SERVICES = ["mem", "ipcpeer", "ipctest"]


def run(folder, emu="qemu", count=False):
    """The vmlib.Result of a run of ipctest; its image is made in the folder."""
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, f"{folder}/native.img")
    modules = ["rs", "boot.services"] + [name for s in SERVICES for name in (s, f"{s}.manifest")]
    image.write_text(
        "".join(
            [
                "multiboot2 /kernel.elf\n",
                *[f"module2 /services/{m} {m}\n" for m in modules],
                "boot\n",
            ]
        ).encode(),
        vmlib.GRUB_CONFIG,
    )
    image.write_text("\n".join([*SERVICES, ""]).encode(), "/services/boot.services")
    return vmlib.run(["ipctest"], image=image.path, emu=emu, count=count)


def call_and_reply(folder):
    """Instructions of one call and its reply between two address spaces: (kernel alone, through libservice)."""
    lines = dict(
        line.split(": ")
        for line in run(folder, count=True).stdout.decode().splitlines()
        if line.startswith("call and reply")
    )
    return int(lines["call and reply"]), int(lines["call and reply through libservice"])
