"""Linux beside Minnow: one command on Debian's kernel, on the same machine and the same disk
image.

The kernel comes from Debian's package (tests/jobs/fetch-linux); the disk with all its programs is
Minnow's own image, which Linux mounts; the machine is vmlib's. SETTINGS is what Linux is told; all
of it makes Linux cheaper or repeatable:

    mitigations=off     nothing is done against faults of processors, as Minnow does nothing
    no5lvl              page tables of four levels, as Minnow's, where the processor has five
    nokaslr             the kernel stands at the same address at each boot

All else is as Debian has it. With at most 512 MiB of memory Linux does not use huge pages by
itself.
"""

import datetime
import glob
import json
import math
import os
import re
import selectors
import subprocess
import tempfile
import time

import vmlib

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(vmlib.ROOT, "build", "userland", "linux")
INIT = os.path.join(vmlib.BUILD, "jobs", "linux-init")
PLUGIN = os.path.join(vmlib.BUILD, "jobs", "count.so")
FIGURES = os.path.join(HERE, "linux-figures.json")

SETTINGS = "mitigations=off no5lvl nokaslr"
CONSOLE = "console=ttyS0 quiet panic=-1"
MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")  # what the disk needs
MOST_MEMORY = 512  # MiB


def fetch():
    """Whether Debian's kernel is here, after an attempt to fetch it. HarnessError if what runs
    beside it has not been built."""
    for path in (INIT, PLUGIN):
        if not os.path.exists(path):
            raise vmlib.HarnessError(f"{path} has not been built: `make bench` does that")
    if not os.path.exists(os.path.join(FOLDER, "version")):
        subprocess.run([os.path.join(HERE, "jobs", "fetch-linux"), FOLDER])
    return os.path.exists(os.path.join(FOLDER, "version"))


def version():
    """The kernel's version, as `6.1.192-2`."""
    with open(os.path.join(FOLDER, "version")) as file:
        return file.read().strip()


# ---- Figures ----


def recorded():
    """What record() left, {"jobs": ..., "bench": ..., "kernel": ..., "date": ...}, or {}."""
    if not os.path.exists(FIGURES):
        return {}
    with open(FIGURES) as file:
        return json.load(file)


def record(part, figures):
    """Keep figures, a dictionary, of this kernel: those that are not in it stay as they are."""
    known = recorded()
    known[part] = {**known.get(part, {}), **figures}
    known.update(kernel=version(), settings=SETTINGS, date=str(datetime.date.today()))
    text = json.dumps(known, indent=1)
    # A pair of numbers stands in one line.
    text = re.sub(r"\[\s*(\d+),\s*(\d+)\s*\]", r"[\1, \2]", text)
    with open(FIGURES, "w") as file:
        file.write(text + "\n")


def source(measured):
    """Where the figures of Linux in a table come from: one line."""
    if measured:
        return f"Linux: Debian's {version()}, measured now, with {SETTINGS}"
    if known := recorded():
        return (
            f"Linux: Debian's {known['kernel']}, recorded on {known['date']}, "
            f"with {known['settings']} "
            "(its package cannot be fetched here; times of another machine say nothing)"
        )
    return "Linux: no figures; its package cannot be fetched here"


def means(ratios):
    """(geometric mean, arithmetic mean, largest) of those that are known, or None."""
    known = [r for r in ratios if r]
    if not known:
        return None
    geometric = math.exp(sum(map(math.log, known)) / len(known))
    return geometric, sum(known) / len(known), max(known)


class Counter:
    """A plugin of the emulator that counts (jobs/count.c): `arguments` are for the emulator."""

    def __enter__(self):
        self.file = tempfile.NamedTemporaryFile("r", prefix="minnow-counts-")
        self.arguments = ("-plugin", f"{PLUGIN},out={self.file.name}")
        return self

    def __exit__(self, *_):
        self.file.close()

    def told(self, word):
        """[(instructions, loads of CR3)], one for each of the lines that begin with the word."""
        self.file.seek(0)
        lines = [line.split() for line in self.file]
        return [(int(line[1]), int(line[2])) for line in lines if line[0] == word]


# ---- The initial memory disk ----


def modules():
    """Paths of MODULES and all that they depend on, each behind what it depends on."""
    files = {
        os.path.basename(path)[: -len(".ko")].replace("-", "_"): path
        for path in glob.glob(os.path.join(FOLDER, "lib/modules/**/*.ko"), recursive=True)
    }
    order = []

    def add(name):
        path = files.get(name)  # else it is part of the kernel
        if path is None or path in order:
            return
        with open(path, "rb") as file:
            depends = re.search(rb"\0depends=([^\0]*)\0", file.read())
        for needed in depends[1].decode().split(",") if depends else ():
            add(needed.replace("-", "_"))
        order.append(path)

    for name in MODULES:
        add(name)
    return order


def cpio(files):
    """An archive as the kernel wants it, of {path: (mode, contents)}: folders come before what is
    in them."""
    archive = b""
    for number, (path, (mode, data)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))]):
        name = path.encode() + b"\0"
        numbers = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08x" % n for n in numbers) + name
        archive += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return archive


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def memory_disk(command):
    files = {"init": (0o100755, contents(INIT)), "modules": (0o40755, b"")}
    for number, path in enumerate(modules()):
        files[f"modules/{number}.ko"] = 0o100644, contents(path)
    files["command"] = 0o100644, vmlib.nul_terminated(command)
    return cpio(files)


# ---- One run ----


class Run:
    """One boot with one command. `stdout` is a function that takes what it prints, as it comes."""

    def __init__(
        self, command, stdout, image=None, mem=MOST_MEMORY, count=False, extra=(), timeout=600
    ):
        self.command, self.stdout, self.source = command, stdout, image or vmlib.DISK_IMAGE
        self.mem, self.count, self.extra, self.timeout = mem, count, extra, timeout
        self.log = b""
        self.emulator = None  # its process, while it runs

    def run(self):
        """The command's status. HarnessError if there is none."""
        with tempfile.TemporaryDirectory(prefix="minnow-linux-") as folder:
            image = vmlib.Image.copy(self.source, os.path.join(folder, "disk.img"))
            initrd = os.path.join(folder, "initrd")
            with open(initrd, "wb") as file:
                file.write(memory_disk(self.command))
            kernel = [
                *("-kernel", os.path.join(FOLDER, "vmlinuz"), "-initrd", initrd),
                *("-append", f"{SETTINGS} {CONSOLE}"),
            ]
            machine = vmlib.Qemu(
                image.path, self.mem, count=self.count, extra=(*kernel, *self.extra)
            )
            return self.emulate(machine, folder)

    def emulate(self, machine, folder):
        output, output_end = os.pipe()
        console = os.path.join(folder, "console")
        second = [
            "-chardev",
            f"file,id=output,path=/dev/fd/{output_end}",
            "-serial",
            "chardev:output",
        ]
        self.emulator = subprocess.Popen(
            [*machine.batch(folder, console), *second],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[output_end],
            preexec_fn=vmlib.die_with_parent,
        )
        os.close(output_end)
        try:
            status = self.listen(output)
        finally:
            self.emulator.kill()
            self.emulator.wait()
            os.close(output)
        if status is None:
            said = contents(console).decode(errors="replace") if os.path.exists(console) else ""
            raise vmlib.HarnessError("Linux did not come to the command's end:\n" + said[-2000:])
        return status

    def listen(self, output):
        """Pass on what the command prints; its status, or None when the machine ends before."""
        until = time.monotonic() + self.timeout
        rest = b""
        with selectors.DefaultSelector() as sources:
            sources.register(output, selectors.EVENT_READ)
            while (left := until - time.monotonic()) > 0:
                for _ in sources.select(left):
                    data = os.read(output, 1 << 16)
                    if not data:
                        return None
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        printed, end, status = line.partition(b"\0exit ")
                        if end:
                            self.stdout(printed)
                            return int(status)
                        self.stdout(line + b"\n")
        return None
