"""Boot Minnow in an emulator, run one command in it, and collect its output and status.

`tests/vm` is this module's command line; tests import it:

    import vmlib
    result = vmlib.run(["sh", "-c", "echo hello; exit 3"])
    assert (result.status, result.stdout) == (3, b"hello\\n")

The protocol of host and guest. Before the start, files are put on a private copy of the image,
into the folder /vm of the FAT partition (the guest's /boot/vm):

    cmd       the command, each argument followed by a NUL byte
    input     its standard input; absent: /dev/null
    add.tar   files to unpack at / first (ustar; owner 0:0)
    get       guest paths to fetch afterwards, each followed by a NUL byte
    sockets   if it is there, the command's output comes by sockets and not by pipes

and the word `vm` is added to the kernel's command line. From the start on, the guest
writes frames to I/O port 0xE9, which both emulators copy to their standard output:

    0x7f 'M' 'N' 'W'   type (1 byte)   length (4 bytes, little-endian)   payload

    b  boot is done              o, e  bytes of stdout, stderr
    x  "exit N" or "signal N"    f     a fetched file: index in `get` (2 bytes), mode
    q  orderly end, unmounted          (4 bytes), contents; further frames append
    E  vmrun's own complaint     p     the kernel's panic text
    k  the kernel's boot log

Bytes between frames (the emulator's own messages) go to the log, as does the serial line.
"""

import contextlib
import ctypes
import glob
import os
import re
import selectors
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
DISK_IMAGE = os.path.join(BUILD, "disk.img")

GRUB_CONFIG = "/grub/grub.cfg"  # on the FAT partition

# Statuses of tests/vm that are not the command's own.
HARNESS_FAILED = 123  # a file could not be added or fetched, the image is not clean, ...
TIMED_OUT = 124
DID_NOT_BOOT = 125
PANICKED = 126

BOOT_LIMIT = {"qemu": 60, "bochs": 120}  # seconds until the 'b' frame
LAST_WORDS = 3  # seconds for the rest after 'q' or a panic
SWITCHED_OFF = 1  # QEMU's status when the guest has written 0 to isa-debug-exit

os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class HarnessError(Exception):
    """Something on the host's side went wrong; the text is one clear line."""


def call(*command):
    """Run a host tool; its standard output, or HarnessError with the tool's message."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=dict(os.environ, MTOOLS_SKIP_CHECK="1"),
        )
    except FileNotFoundError:
        raise HarnessError(f"{command[0]} is not installed: run `make setup`") from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise HarnessError(f"{command[0]}: {said or f'status {done.returncode}'}")
    return done.stdout


class Image:
    """A disk image: its partitions, and files on its FAT partition."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            table = file.read(512)[446:510]
        # Entry n of the MBR's table: first sector at byte 8, number of sectors at byte 12.
        self.partitions = [
            tuple(
                512 * int.from_bytes(table[16 * n + at : 16 * n + at + 4], "little")
                for at in (8, 12)
            )
            for n in range(2)
        ]
        self.fat = f"{path}@@{self.partitions[0][0]}"

    @classmethod
    def copy(cls, source, target):
        """Copy an image, holes kept."""
        if not os.path.exists(source):
            raise HarnessError(f"{source} is not there: run `make`")
        call("cp", "--reflink=auto", "--sparse=always", source, target)
        return cls(target)

    def read(self, path):
        return call("mtype", "-i", self.fat, "::" + path)

    def write(self, source, path):
        """Put a host file, or a folder with all in it, on the FAT partition at path."""
        try:
            call("mcopy", "-s", "-o", "-i", self.fat, source, "::" + path)
        except HarnessError as error:
            if "full" in str(error).lower():
                raise HarnessError(
                    "what is to be added does not fit on the boot partition "
                    f"({self.partitions[0][1] >> 20} MiB)"
                ) from None
            raise

    def remove(self, folder):
        with contextlib.suppress(HarnessError):
            call("mdeltree", "-i", self.fat, "::" + folder)

    def exists(self, path):
        with contextlib.suppress(HarnessError):
            call("mdir", "-b", "-i", self.fat, "::" + path)
            return True
        return False

    def write_text(self, text, path):
        with tempfile.NamedTemporaryFile(prefix="minnow-") as file:
            file.write(text)
            file.flush()
            self.write(file.name, path)

    def add_kernel_options(self, words):
        """Add words to the kernel's command line; returns GRUB's configuration as it was."""
        config = self.read(GRUB_CONFIG)
        self.write_text(
            b"".join(
                line.rstrip() + b" " + words.strip().encode() + b"\n"
                if line.startswith(b"multiboot2 ")
                else line
                for line in config.splitlines(True)
            ),
            GRUB_CONFIG,
        )
        return config

    def check(self):
        """Have the host's own tools look at both file systems; HarnessError if not clean."""
        with tempfile.TemporaryDirectory(prefix="minnow-check-") as folder:
            for (start, size), name, checker in zip(
                self.partitions, ("boot partition", "root"), (("fsck.fat", "-n"), ("e2fsck", "-fn"))
            ):
                part = os.path.join(folder, "partition")
                call(
                    "dd",
                    f"if={self.path}",
                    f"of={part}",
                    "bs=1M",
                    "conv=sparse",
                    "status=none",
                    "iflag=skip_bytes,count_bytes",
                    f"skip={start}",
                    f"count={size}",
                )
                done = subprocess.run(
                    [*checker, part], stdin=subprocess.DEVNULL, capture_output=True, text=True
                )
                # fsck.fat reports a dirty mark and more with status 0 under -n.
                said = done.stdout + done.stderr
                if done.returncode or "Dirty bit is set" in said:
                    raise HarnessError(
                        f"the {name} is not clean after the run: "
                        f"{checker[0]} says:\n{said.strip()}"
                    )
                os.unlink(part)


# ---- Emulators ----


class Qemu:
    """Command lines of QEMU. Channels are paths that the emulator opens to write."""

    name = "qemu"
    disks = ("virtio", "ata")

    # A processor of 2016, as far as TCG knows its features: `max` differs from release to release.
    CPU = (
        "qemu64,+adx,+aes,+arat,+abm,+avx,+avx2,+bmi1,+bmi2,+clflushopt,+f16c,+fma,+fsgsbase,"
        "+movbe,+pclmulqdq,+pdpe1gb,+popcnt,+rdrand,+rdtscp,+smap,+smep,+sse4.1,+sse4.2,+ssse3,"
        "+umip,+xgetbv1,+xsave,+xsaveopt"
    )
    # Counts are compared only with those of the same emulator, and with Linux's on this processor.
    CPU_COUNTED = "max,-erms"

    def __init__(self, image, memory=128, disk=None, count=False, shift=0, extra=(), second=None):
        """shift: with count, an instruction lasts 2**shift ns. extra: further arguments of the emulator.
        second: the image of a second disk, which is the guest's hdb; beside virtio its hda."""
        self.image, self.memory, self.disk, self.count = image, memory, disk or "virtio", count
        self.shift, self.extra, self.second = shift, list(extra), second

    @staticmethod
    def drive(image):
        # A comma in a file's name has to be doubled here.
        # A full disk of the host is an error that the guest sees; else QEMU would stop the guest until
        # a person makes room.
        return (
            f"format=raw,cache=unsafe,werror=report,rerror=report,file={image.replace(',', ',,')}"
        )

    def machine(self):
        """The machine without its consoles."""
        drive = self.drive(self.image)
        disk = {
            "virtio": [
                "-drive",
                f"if=none,id=disk,{drive}",
                "-device",
                "virtio-blk-pci,drive=disk,disable-modern=on,bootindex=1",
            ],
            "ata": ["-drive", f"if=ide,{drive}"],
        }[self.disk]
        if self.second:
            disk += ["-drive", f"if=ide,index=1,{self.drive(self.second)}"]
        count = (
            [
                "-icount",
                f"shift={self.shift},sleep=off",
                "-rtc",
                "base=2026-01-01,clock=vm",
                "-seed",
                "1",
            ]
            if self.count
            else []
        )
        return [
            "qemu-system-x86_64",
            "-machine",
            "pc",
            "-accel",
            "tcg,thread=single",
            "-cpu",
            self.CPU_COUNTED if self.count else self.CPU,
            "-smp",
            "1",
            "-m",
            str(self.memory),
            "-no-reboot",
            "-nic",
            "none",
            *disk,
            "-device",
            "isa-debug-exit,iobase=0xf4,iosize=4",
            *count,
            *self.extra,
        ]

    @staticmethod
    def host_channel(path):
        return [
            "-chardev",
            f"file,id=host,path={path}",
            "-device",
            "isa-debugcon,iobase=0xe9,chardev=host",
        ]

    def batch(self, folder, serial):
        """Unattended; port 0xE9 goes to standard output, the serial line to a path."""
        return [
            *self.machine(),
            "-display",
            "none",
            *self.host_channel("/dev/stdout"),
            "-chardev",
            f"file,id=serial,path={serial}",
            "-serial",
            "chardev:serial",
        ]

    @staticmethod
    def complaint(text):
        """The important part of the emulator's standard error."""
        return text.strip()


class Bochs:
    """Command lines of Bochs, which reads the rest from a file that is written here."""

    name = "bochs"
    disks = ("ata",)
    HOST_MOST = 2048  # MiB of the host's memory that Bochs takes at once; the guest may have more

    def __init__(self, image, memory=128, disk=None, count=False, shift=0, extra=(), second=None):
        # Bochs always counts instructions, at one speed: `count` and what goes with it have nothing to add.
        self.image, self.memory, self.second = image, memory, second

    @staticmethod
    def drive(place, image):
        """The line of a disk, whose size is a multiple of a cylinder."""
        cylinders = os.path.getsize(image) // (16 * 63 * 512)
        return (
            f'ata0-{place}: type=disk, path="{image}", mode=flat, '
            f"cylinders={cylinders}, heads=16, spt=63"
        )

    def command(self, folder, display, *lines):
        config = os.path.join(folder, "bochsrc")
        with open(config, "w") as file:
            file.write(
                "\n".join(
                    [
                        "cpu: model=corei7_icelake_u, count=1, ips=50000000, reset_on_triple_fault=0",
                        f"memory: guest={self.memory}, host={min(self.memory, self.HOST_MOST)}",
                        "romimage: file=$BXSHARE/BIOS-bochs-latest",
                        "vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest",
                        "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
                        self.drive("master", self.image),
                        *([self.drive("slave", self.second)] if self.second else []),
                        "boot: disk",
                        "clock: sync=none, time0=1767225600",
                        f"display_library: {display}",
                        f"log: {folder}/bochs.log",
                        "sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy",
                        "panic: action=fatal",
                        "error: action=ignore",
                        "info: action=ignore",
                        "debug: action=ignore",
                        *lines,
                        "",
                    ]
                )
            )
        # Debian's Bochs has the debugger built in, which waits for a word first.
        go = os.path.join(folder, "bochs.go")
        with open(go, "w") as file:
            file.write("continue\n")
        return ["bochs", "-q", "-unlock", "-f", config, "-rc", go]

    def batch(self, folder, serial):
        # rfb is the only display that needs neither a window nor the terminal; with this timeout
        # it does not wait for a viewer.
        return self.command(
            folder,
            'rfb, options="timeout=0"',
            "port_e9_hack: enabled=1",
            f"com1: enabled=1, mode=file, dev={serial}",
        )

    @staticmethod
    def complaint(text):
        """Its last message, which stands between a headline and a rule among much else."""
        _, _, last = text.partition("Bochs is exiting with the following message:\n")
        return last.partition("\n====")[0].strip()


EMULATORS = {"qemu": Qemu, "bochs": Bochs}


def waited_for_processor(pid):
    """Seconds that the process, that is its thread that has waited longest, was ready to run and had no
    processor (Linux, Documentation/scheduler/sched-stats.rst); 0 where the host does not count them.
    """
    waits = [0]
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with contextlib.suppress(OSError, ValueError, IndexError), open(path) as file:
            waits.append(int(file.read().split()[1]) / 1e9)
    return max(waits)


def die_with_parent():
    """In a new process: end when the process that started it ends, however that happens."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def default_signals():
    """In a new process, before its program: a shell has its background programs ignore two of
    these signals, and nohup the third."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


# ---- Frames ----


class Frames:
    """Cut the bytes from the host channel into frames and noise."""

    MAGIC = b"\x7fMNW"
    HEADER = 9
    TYPES = b"boexfqEpk"
    LONGEST = 64 << 20

    def __init__(self):
        self.buffer = b""

    def feed(self, data):
        """Add bytes; yield (type, payload) for each frame that is whole, (None, noise)."""
        self.buffer += data
        while self.buffer:
            at = self.buffer.find(self.MAGIC)
            if at < 0:
                # The last bytes may be the beginning of a magic.
                keep = next((n for n in (3, 2, 1) if self.buffer.endswith(self.MAGIC[:n])), 0)
                at = len(self.buffer) - keep
            if at:
                noise, self.buffer = self.buffer[:at], self.buffer[at:]
                yield None, noise
                continue
            if len(self.buffer) < self.HEADER:
                return
            kind, length = self.buffer[4:5], int.from_bytes(self.buffer[5:9], "little")
            if kind not in self.TYPES or length > self.LONGEST:
                noise, self.buffer = self.buffer[:4], self.buffer[4:]
                yield None, noise
                continue
            if len(self.buffer) < self.HEADER + length:
                return
            payload = self.buffer[self.HEADER : self.HEADER + length]
            self.buffer = self.buffer[self.HEADER + length :]
            yield kind.decode(), payload

    def finish(self):
        """The end of the bytes. A frame that a panic cut short may hold the panic's frames."""
        while self.buffer:
            rest, self.buffer = self.buffer, b""
            yield None, rest[:1]
            yield from self.feed(rest[1:])


# ---- One run ----


class Result:
    """status (as of tests/vm), stdout, stderr, log: what a captured run left."""

    def __init__(self):
        self.status = None
        self.stdout = b""
        self.stderr = b""
        self.log = b""

    def __repr__(self):  # what a failed test shows
        return f"Result({self.status}, {self.stdout[-500:]!r}, {self.stderr[-2000:]!r})"


def with_symbols(text):
    """A panic's text, in which each address of its back-trace is followed by the function it is in."""
    match = re.fullmatch(rb"  ([0-9a-f]{16})\n", text)
    kernel = os.path.join(BUILD, "kernel.elf")
    if not match or not os.path.exists(kernel):
        return text
    address, best = int(match[1], 16), None
    listed = subprocess.run(["nm", "-n", kernel], capture_output=True, text=True).stdout
    for line in listed.splitlines():
        value, kind, name = line.split(" ", 2)  # GCC leaves symbols without a name
        if kind in "tT" and int(value, 16) <= address:
            best = f"{name}+{address - int(value, 16):x}"
    return text[:-1] + f" {best}\n".encode() if best else text


class Run:
    """One boot with one command. The sinks are functions that take bytes."""

    def __init__(
        self,
        command,
        stdout,
        stderr,
        log,
        emu="qemu",
        mem=128,
        disk=None,
        timeout=120,
        count=False,
        add=(),
        get=(),
        input=None,
        keep=None,
        check=False,
        image=None,
        service=(),
        options="",
        shift=0,
        extra=(),
        second=None,
    ):
        if emu not in EMULATORS:
            raise HarnessError(f"no emulator {emu}: there are {', '.join(EMULATORS)}")
        if disk and disk not in EMULATORS[emu].disks:
            raise HarnessError(f"{emu} has no {disk} disk")
        if not command:
            raise HarnessError("no command to run")
        self.command, self.stdout, self.stderr, self.log_sink = command, stdout, stderr, log
        self.last_words = b""  # the end of the log
        self.emu, self.mem, self.disk, self.timeout, self.count = emu, mem, disk, timeout, count
        self.add, self.get, self.service = list(add), list(get), list(service)
        self.input, self.keep, self.check = input, keep, check or bool(keep)
        self.source, self.options = image or DISK_IMAGE, options
        self.shift, self.extra, self.second = shift, extra, second  # see Qemu
        self.booted = self.ended = False
        self.emulator = None  # its process, while it runs
        self.switched_off = False  # QEMU: the machine has ended by its own decision
        self.status = self.panicked_at = None
        self.failed = False  # something in the harness went wrong
        self.fetched = {}  # index in self.get: (open file, mode)

    def log(self, data):
        self.last_words = (self.last_words + data)[-1000:]
        self.log_sink(data)

    def say(self, text):
        self.stderr(f"vm: {text}\n".encode())

    def run(self):
        """Do it all; the exit status of tests/vm. No trace is left, however it ends."""
        with tempfile.TemporaryDirectory(prefix="minnow-vm-") as self.folder:
            try:
                self.image = Image.copy(self.source, os.path.join(self.folder, "disk.img"))
                if self.second:
                    self.second = Image.copy(self.second, os.path.join(self.folder, "hdb.img")).path
                self.prepare()
                self.emulate()
                status = self.judge()
                if self.ended:
                    self.collect()
            except BrokenPipeError:
                raise  # the reader of our output has gone
            except OSError as error:
                raise HarnessError(f"{error.filename or self.folder}: {error.strerror}") from None
        return HARNESS_FAILED if self.failed and status == 0 else status

    # -- before --

    def prepare(self):
        stage = os.path.join(self.folder, "vm")
        os.mkdir(stage)
        with open(os.path.join(stage, "cmd"), "wb") as file:
            file.write(nul_terminated(self.command))
        if self.get:
            with open(os.path.join(stage, "get"), "wb") as file:
                file.write(nul_terminated(guest for guest, _ in self.get))
        if self.input is not None:
            shutil.copyfile(self.input, os.path.join(stage, "input"))
        if self.add:
            self.archive(os.path.join(stage, "add.tar"))
        self.image.remove("/vm")
        self.image.write(stage, "/")
        for name, elf in self.service:
            if not self.image.exists(f"/services/{name}"):
                raise HarnessError(f"there is no service {name}")
            self.image.write(elf, f"/services/{name}")
        fixed = "nokaslr " if self.count else ""  # a counted run has to be the same each time
        self.config = self.image.add_kernel_options(f"vm {fixed}{self.options}")

    def archive(self, path):
        def owned_by_root(member):
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            return member

        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
            for host, guest in self.add:
                if not os.path.exists(host):
                    raise HarnessError(f"{host} is not there")
                # A symbolic link named on the command line means the file behind it.
                archive.add(os.path.realpath(host), guest.lstrip("/"), filter=owned_by_root)

    # -- during --

    def emulate(self):
        machine = EMULATORS[self.emu](
            self.image.path,
            self.mem,
            self.disk,
            self.count,
            self.shift,
            self.extra,
            self.second,
        )
        serial, serial_end = os.pipe()
        complaints = os.path.join(self.folder, "emulator.err")
        try:
            with open(complaints, "wb") as errors:
                self.emulator = emulator = subprocess.Popen(
                    machine.batch(self.folder, f"/dev/fd/{serial_end}"),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    pass_fds=[serial_end],
                    preexec_fn=die_with_parent,
                )
        except FileNotFoundError:
            os.close(serial)
            raise HarnessError(f"{self.emu} is not installed: run `make setup`") from None
        finally:
            os.close(serial_end)
        try:
            self.listen(emulator.stdout.fileno(), serial)
            if self.why == "ended":
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.switched_off = emulator.wait(LAST_WORDS) == SWITCHED_OFF
        finally:
            emulator.kill()
            emulator.wait()
            emulator.stdout.close()
            os.close(serial)
        with open(complaints, "rb") as errors:
            self.complaints = machine.complaint(errors.read().decode(errors="replace"))

    def listen(self, channel, serial):
        """Take the guest's output until the emulator ends or a time limit passes. Limits are of the time
        that the machine would have taken with a processor to itself."""
        start, waited = time.monotonic(), 0
        self.why = "ended"
        frames = Frames()
        with selectors.DefaultSelector() as sources:
            sources.register(channel, selectors.EVENT_READ)
            sources.register(serial, selectors.EVENT_READ)
            while channel in sources.get_map():
                limits = [(start + self.timeout, "time")]
                if not self.booted:
                    limits.append((start + BOOT_LIMIT[self.emu], "boot"))
                if self.panicked_at:
                    limits.append((self.panicked_at + LAST_WORDS, "panic"))
                until, why = min(limits)
                left = until + waited - time.monotonic()
                if left <= 0:
                    before, waited = waited, waited_for_processor(self.emulator.pid)
                    if waited > before + 1:
                        continue
                    self.why = why
                    break
                for key, _ in sources.select(left):
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        sources.unregister(key.fd)
                    elif key.fd == serial:
                        self.log(data)
                    else:
                        for kind, payload in frames.feed(data):
                            self.take(kind, payload)
                if self.ended:
                    break
            for kind, payload in frames.finish():
                self.take(kind, payload)
            self.drain(serial)

    def drain(self, serial):
        """The rest of the serial line, which may lag behind."""
        os.set_blocking(serial, False)
        with contextlib.suppress(BlockingIOError):
            while data := os.read(serial, 1 << 16):
                self.log(data)

    def take(self, kind, payload):
        if kind is None or kind == "k":
            self.log(payload)
        elif kind == "o":
            self.stdout(payload)
        elif kind == "e":
            self.stderr(payload)
        elif kind == "b":
            self.booted = True
        elif kind == "x":
            word, number = payload.decode().split()
            self.status = int(number) + (128 if word == "signal" else 0)
        elif kind == "f":
            self.fetch(payload)
        elif kind == "q":
            self.ended = True
        elif kind == "E":
            self.failed = True
            self.say(payload.decode(errors="replace").rstrip("\n"))
        elif kind == "p":
            self.panicked_at = self.panicked_at or time.monotonic()
            payload = with_symbols(payload)
            self.stderr(payload)
            self.log(payload)

    def fetch(self, payload):
        index, mode = int.from_bytes(payload[:2], "little"), int.from_bytes(payload[2:6], "little")
        if index >= len(self.get):
            return
        if index not in self.fetched:
            self.fetched[index] = open(os.path.join(self.folder, f"get.{index}"), "wb"), mode
        self.fetched[index][0].write(payload[6:])

    # -- after --

    def judge(self):
        """The exit status; if it is not the command's, standard error gets the reason."""
        if self.panicked_at:
            return PANICKED
        if self.ended and self.status is not None:
            return self.status
        if self.why == "time":
            self.say(f"timed out after {self.timeout} seconds")
            return TIMED_OUT
        said = [
            line.strip()
            for line in self.last_words.decode(errors="replace").splitlines()
            if line.strip()
        ]
        if not self.booted:
            reason = (
                f"no sign of life within {BOOT_LIMIT[self.emu]} seconds"
                if self.why == "boot"
                else "the emulator ended"
            )
            self.say(
                "\n    ".join(
                    [
                        f"did not boot: {reason}",
                        *([self.complaints] if self.complaints else []),
                        *said[-6:],
                    ]
                )
            )
            return DID_NOT_BOOT
        when = "after" if self.status is not None else "before"
        self.say(
            "\n    ".join(
                [
                    f"the machine stopped or reset without an orderly end, {when} the command's end",
                    *([self.complaints] if self.complaints else []),
                    *said[-12:],
                ]
            )
        )
        return PANICKED

    def collect(self):
        """Check the written image, hand out the fetched files and the image."""
        if self.check:
            try:
                self.image.check()
            except HarnessError as error:
                self.failed = True
                self.say(str(error))
        for index, (guest, host) in enumerate(self.get):
            if index not in self.fetched:
                self.failed = True
                self.say(f"{guest} was not fetched")
                continue
            file, mode = self.fetched[index]
            file.close()
            shutil.copyfile(file.name, host)
            os.chmod(host, mode & 0o7777)
        if self.keep:
            # As it was but for what the system wrote: it can be booted as usual.
            self.image.remove("/vm")
            self.image.write_text(self.config, GRUB_CONFIG)
            call("cp", "--reflink=auto", "--sparse=always", self.image.path, self.keep)


def nul_terminated(words):
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def run(command, **options):
    """Run a command and capture everything: a Result. Options are those of tests/vm."""
    result = Result()

    def into(name):
        def sink(data):
            setattr(result, name, getattr(result, name) + data)

        return sink

    try:
        result.status = Run(command, into("stdout"), into("stderr"), into("log"), **options).run()
    except HarnessError as error:
        result.status = HARNESS_FAILED
        result.stderr += f"vm: {error}\n".encode()
    return result
