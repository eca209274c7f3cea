"""One boot of the system with a student's server in it: the image that is booted, the clock that limits it, and what came of it.

The record of the tests is what labrun (guest/labrun.c) writes; it comes out of port 0xE9 by the service `host`, to which the server under
test has neither a call nor a port. What the server prints goes to the boot log, and the log is no record.

The kernel's option `poll` keeps an idle processor executing instructions. Without it the counted clock would jump to the next alarm whenever all wait,
so that a disk that the host serves late would look like a hang."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

import vmlib

from . import build, broken, evidence

FOLDER = "/usr/lib/minnow-lab"
BOOT_MS = 2000  # of guest time that the system may take to start and to end, at one instruction a nanosecond
BOCHS_SHIFT = 5  # Bochs has one speed, 50 million instructions a second: at least this slow
WALL_GUARD = 1500  # seconds of the host's: beyond it the machine is at fault and not the student
FOR_EVER = 1000000  # seconds: as long as the user of a debugger likes

for emulator in vmlib.BOOT_LIMIT:
    vmlib.BOOT_LIMIT[emulator] = FOR_EVER  # WALL_GUARD is for all of a run


class Watch(threading.Thread):
    """Ends the emulator when the guest's clock, which counts instructions, has passed a limit. The host's time only decides how often that is
    checked."""

    def __init__(self, path, limit_s):
        super().__init__(daemon=True)
        self.path, self.limit = path, limit_s
        self.over = self.stopped = False
        self.first = None

    def restart(self, limit_s):
        """Begins to count: the limit is so many seconds of the guest from now."""
        self.first, self.limit = None, limit_s

    def stop(self):
        self.stopped = True
        self.join()

    def run(self):
        try:
            self.watch()
        except (OSError, ValueError):
            pass  # the emulator has ended

    def connect(self):
        while not self.stopped:
            channel = socket.socket(socket.AF_UNIX)
            try:
                channel.connect(self.path)
                return channel.makefile("rw")
            except OSError:
                channel.close()
                time.sleep(0.1)
        return None

    def ask(self, channel, command, **arguments):
        channel.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        channel.flush()
        while True:
            answer = json.loads(channel.readline())
            if "return" in answer or "error" in answer:
                return answer.get("return")

    def watch(self):
        channel = self.connect()
        if not channel:
            return
        channel.readline()  # its greeting
        self.ask(channel, "qmp_capabilities")
        while not self.stopped:
            t = self.ask(channel, "qom-get", path="/machine", property="rtc-time")
            now = ((t["tm_mday"] * 24 + t["tm_hour"]) * 60 + t["tm_min"]) * 60 + t["tm_sec"]
            first = self.first
            if first is None:
                self.first = now
            elif now - first > self.limit:
                self.over = True
                self.ask(channel, "quit")
                return
            time.sleep(0.25)


class Boot(vmlib.Run):
    """Runs the tests of a plan, [(test, seed)], in the lab's image with `program` as its server. trace: the messages of the test with
    this name are recorded; only: those of the server alone. extra: further words for QEMU, that it waits for GDB.
    """

    def __init__(
        self, lab, program, plan, shift, trace=None, only=False, extra=(), emulator="qemu"
    ):
        self.lab, self.program, self.plan = lab, program, plan
        self.out, self.complaint, self.text = bytearray(), bytearray(), bytearray()
        self.disk_said, self.disk_bad = "", False
        self.over_limit = False
        self.tampered = []  # what a boot must not change and this one has
        self.files = tempfile.TemporaryDirectory(prefix="minnow-lab-")
        self.speed = shift
        self.watch = None
        self.started = 0
        with open(os.path.join(self.files.name, "plan"), "w") as file:
            for test, seed in plan:
                file.write(
                    " ".join([test.id, str(test.virtual_timeout_ms << shift), *test.command(seed)])
                    + "\n"
                )
        programs = os.path.join(build.BUILD, "labs")
        add = [
            (os.path.join(programs, "labrun"), f"{FOLDER}/labrun"),
            (os.path.join(self.files.name, "plan"), f"{FOLDER}/plan"),
        ]
        add += [
            (os.path.join(programs, lab.id, name), f"{FOLDER}/{name}")
            for name in sorted({test.program for test, _ in plan})
        ]
        self.monitor = os.path.join(self.files.name, "qmp")
        super().__init__(
            [
                f"{FOLDER}/labrun",
                f"{FOLDER}/plan",
                lab.server,
                *([trace] if trace else []),
                *(["only"] if only else []),
            ],
            self.take_out,
            self.take_error,
            self.take_log,
            count=True,
            shift=shift,
            timeout=FOR_EVER if extra else WALL_GUARD,
            add=add,
            options="poll",
            emu=emulator,
            extra=["-qmp", f"unix:{self.monitor},server=on,wait=off", *extra],
        )

    def seconds(self, ms):
        """Seconds of the guest's clock, which tells whole ones, for so many millions of instructions."""
        return (ms << self.speed) // 1000 + 2

    def take_out(self, data):
        self.out += data
        started = self.out.count(b'"event":"start"')
        if started != self.started and started <= len(self.plan):
            self.started = started
            if self.watch:
                self.watch.restart(
                    self.seconds(self.plan[started - 1][0].virtual_timeout_ms + BOOT_MS)
                )

    def take_error(self, data):
        self.complaint += data

    def take_log(self, data):
        self.text += data

    # -- the lab's image --

    def prepare(self):
        super().prepare()
        # no server that a lab may put on trial lies between the tests and the host
        self.image.write_text(b"yes\n", "/vm/sockets")
        self.install()

    def install(self):
        """Puts the lab's services, their rights and its disk into the image."""
        ours = [self.lab.server, *self.lab.services]
        self.image.write(self.program, f"/services/{self.lab.server}")
        self.image.write(self.lab.manifest, f"/services/{self.lab.server}.manifest")
        for name, folder in self.lab.services.items():
            self.image.write(os.path.join(build.BUILD, "services", folder), f"/services/{name}")
            self.image.write(
                os.path.join(vmlib.ROOT, "lab", folder, f"{name}.manifest"),
                f"/services/{name}.manifest",
            )
        for name, callees in self.lab.calls.items():
            self.allow(name, callees)
        loaded = self.image.read(vmlib.GRUB_CONFIG).decode().splitlines()
        self.start_at_boot(
            [name for name in ours if f"module2 /services/{name} {name}" not in loaded]
        )
        if self.lab.disk:
            self.add_partition(self.lab.disk)

    def allow(self, name, callees):
        path = f"/services/{name}.manifest"
        lines = self.image.read(path).decode().splitlines()
        self.image.write_text(
            "".join(
                (f"{line} {' '.join(callees)}" if line.startswith("calls:") else line) + "\n"
                for line in lines
            ).encode(),
            path,
        )

    def start_at_boot(self, names):
        """Puts the lab's services into the boot list, before all services that may call them."""
        config = self.image.read(vmlib.GRUB_CONFIG).decode().splitlines()
        at = (
            next(
                i
                for i, line in enumerate(config)
                if line.startswith("module2 /services/boot.services")
            )
            + 1
        )
        config[at:at] = [
            f"module2 /services/{file} {file}"
            for name in names
            for file in (name, f"{name}.manifest")
        ]
        self.image.write_text("\n".join([*config, ""]).encode(), vmlib.GRUB_CONFIG)
        listed = self.image.read("/services/boot.services").decode().splitlines()
        at = listed.index("vfs") if "vfs" in listed else len(listed)
        listed[at:at] = names
        self.image.write_text("\n".join([*listed, ""]).encode(), "/services/boot.services")

    def add_partition(self, disk):
        """Adds the lab's partition, the third, behind the others."""
        self.disk_start = os.path.getsize(self.image.path)
        part = os.path.join(self.files.name, "partition")
        with open(part, "wb") as file:
            file.truncate(disk.size_kib << 10)
        for command in filter(None, (disk.make, disk.fill)):
            names = {"image": part, "lab": self.lab.folder, "python": sys.executable}
            vmlib.call(*[word.format(**names) for word in command])
        with open(self.image.path, "r+b") as image, open(part, "rb") as file:
            image.seek(self.disk_start)
            image.write(file.read())
            image.seek(446 + 2 * 16)
            image.write(
                bytes([0, 0, 0, 0, disk.type, 0, 0, 0])
                + (self.disk_start // 512).to_bytes(4, "little")
                + (disk.size_kib * 2).to_bytes(4, "little")
            )

    # -- the run --

    def emulate(self):
        before = evidence.boot_partition(self.image)
        if (
            self.emu == "qemu"
        ):  # in Bochs there is nobody to ask what time it is: labrun's own limits must do
            self.watch = Watch(self.monitor, self.seconds(BOOT_MS))
            self.watch.start()
        try:
            super().emulate()
        finally:
            if self.watch:
                self.watch.stop()
                self.over_limit = self.watch.over
        build.still_room()  # the emulator's disk is a file of ours
        if self.ended:
            self.tampered = evidence.changed(self.image, before, self.source, self.add)
            if self.lab.disk:
                self.check_disk(self.lab.disk)

    def check_disk(self, disk):
        part = os.path.join(self.files.name, "partition")
        with open(self.image.path, "rb") as image, open(part, "wb") as file:
            image.seek(self.disk_start)
            file.write(image.read(disk.size_kib << 10))
        done = subprocess.run(
            [word.format(image=part) for word in disk.check],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        self.disk_said = (done.stdout + done.stderr).replace(part, "the disk").strip()
        self.disk_bad = done.returncode != 0

    # -- what came of it --

    def events(self):
        """The record as far as it is sound: a line that is damaged, or is not the next one, ends it."""
        found = []
        for line in self.out.split(b"\n"):
            try:
                event = json.loads(line)
                if event["n"] != len(found):
                    break
            except (ValueError, KeyError, TypeError):
                break
            found.append(event)
        return found

    def log_text(self):
        return self.text.decode(errors="replace").replace("\r", "")

    def crashes(self):
        """What the boot log says of the server's first failure: its lines, with addresses of the program as functions and lines; and how
        often it has failed again."""
        logs = [e["log"] for e in self.events() if e.get("log")]
        lines = (logs[-1] if logs else self.log_text()).splitlines()
        failures = [
            i for i, line in enumerate(lines) if f"service {self.lab.server} (thread " in line
        ]
        if not failures:
            return []
        found = [lines[failures[0]].strip()]
        for more in lines[failures[0] + 1 : failures[0] + 4]:
            if not more.startswith("  "):
                break
            found += symbolise(self.program, more)
        return found + ([f"and {len(failures) - 1} more"] if len(failures) > 1 else [])

    def clean(self):
        """Whether the command ended well, the machine was switched off in order, and no server has failed."""
        done = any(e["event"] == "done" and not e["died"] for e in self.events())
        return bool(
            done
            and self.status == 0
            and self.ended
            and not self.panicked_at
            and not self.over_limit
            and not self.crashes()
            and not self.tampered
        )


def symbolise(program, line):
    addresses = re.findall(r"\b[4-7][0-9a-f]{5}\b", line)
    if not addresses:
        return [line.strip()]
    if line.strip().startswith("rip"):
        addresses = addresses[:1]
    done = subprocess.run(
        ["addr2line", "-f", "-e", program, *addresses],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    words = done.stdout.splitlines()
    out = [line.strip()] if line.strip().startswith("rip") else []
    for at in range(0, len(words) - 1, 2):
        if words[at] != "??" and not words[at].startswith("undo_"):  # the compiler's own additions
            out.append(f"  {words[at]} ({os.path.basename(words[at + 1])})")
    return out


def boot(lab, program, plan, shift, **options):
    """A Boot that has run. A failure that is not the student's fault ends in broken()."""
    build.room()
    run = Boot(lab, program, plan, shift, **options)
    try:
        run.status_of_vm = run.run()
    except vmlib.HarnessError as error:
        raise broken(str(error)) from None
    finally:
        run.files.cleanup()
    if run.why == "time":
        raise broken(f"the emulator had not ended after {WALL_GUARD} seconds of the host's")
    # a machine that speaks, and then switches itself off or resets, was stopped by what runs in it
    stopped_itself = run.text and run.emulator.returncode >= 0
    if not run.booted and not run.over_limit and not run.panicked_at and not stopped_itself:
        raise broken(
            "the emulator ended before the system had started: "
            + run.complaint.decode(errors="replace").strip()[-600:]
        )
    return run


def interactive(lab, program):
    """A machine with this program as its server and a shell on the terminal; QEMU's exit status."""
    run = Boot(lab, program, [], 0)
    with run.files, tempfile.TemporaryDirectory(prefix="minnow-lab-") as folder:
        run.image = vmlib.Image.copy(run.source, os.path.join(folder, "disk.img"))
        run.install()
        return subprocess.call([os.path.join(vmlib.ROOT, "tests", "run"), run.image.path])
