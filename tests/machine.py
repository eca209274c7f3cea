"""A running Minnow at whose consoles tests type and read.

    with machine.Machine() as vm:
        vm.wait_for_screen("# ")          # the prompt on the VGA console
        vm.type("echo hello\\n")           # through the emulated PS/2 keyboard
        vm.wait_for_screen("hello")
        vm.serial.sendall(b"ls\\n")        # the serial line: a socket, fit for
        pexpect.fdpexpect.fdspawn(vm.serial)   # ... pexpect

It is QEMU, on a private copy of the image. Its monitor presses the keys and reads the
memory of the VGA text.
"""

import os
import socket
import subprocess
import tempfile
import time

import vmlib

VGA_TEXT, COLUMNS, ROWS = 0xB8000, 80, 25

# QEMU's names of keys that are not the character itself (US layout).
KEYS = {
    " ": "spc",
    "\n": "ret",
    "\t": "tab",
    "\b": "backspace",
    "\x1b": "esc",
    "-": "minus",
    "=": "equal",
    "[": "bracket_left",
    "]": "bracket_right",
    ";": "semicolon",
    "'": "apostrophe",
    "`": "grave_accent",
    "\\": "backslash",
    ",": "comma",
    ".": "dot",
    "/": "slash",
}
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))


def key(character):
    """The name of the key chord that types a character."""
    if character in SHIFTED:
        return "shift-" + key(SHIFTED[character])
    if character.isupper():
        return "shift-" + character.lower()
    if character not in KEYS and ord(character) < 32:
        return "ctrl-" + chr(ord(character) + 96)
    return KEYS.get(character, character)


class Machine:
    def __init__(self, memory=128, disk=None, image=None, options=""):
        self.folder = tempfile.TemporaryDirectory(prefix="minnow-machine-")
        place = self.folder.name
        copy = vmlib.Image.copy(image or vmlib.DISK_IMAGE, os.path.join(place, "disk.img"))
        if options:
            copy.add_kernel_options(options)
        self.image = copy
        qemu = vmlib.Qemu(copy.path, memory, disk)
        self.process = subprocess.Popen(
            [
                *qemu.machine(),
                "-display",
                "none",
                *qemu.host_channel(os.path.join(place, "host")),
                "-S",
                "-serial",
                f"unix:{place}/serial,server=on,wait=off",
                "-monitor",
                f"unix:{place}/monitor,server=on,wait=off",
            ],
            stdin=subprocess.DEVNULL,
            preexec_fn=vmlib.die_with_parent,
        )
        try:
            self.serial = self.connect("serial")
            self.control = self.connect("monitor")
            self.answer()
            self.monitor("cont")  # now that nothing on the serial line can be missed
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def connect(self, name):
        end = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 20
        while True:
            try:
                end.connect(os.path.join(self.folder.name, name))
                return end
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise vmlib.HarnessError("QEMU did not start") from None
                time.sleep(0.01)

    def answer(self):
        text = b""
        while not text.endswith(b"(qemu) "):
            data = self.control.recv(1 << 16)
            if not data:
                raise vmlib.HarnessError("QEMU ended")
            text += data
        return text.decode(errors="replace")

    def monitor(self, command):
        """Give QEMU's monitor one line; returns its answer."""
        try:
            self.control.sendall(command.encode() + b"\n")
            return self.answer()
        except OSError:
            raise vmlib.HarnessError("QEMU ended") from None

    def type(self, text, pause=0.03):
        """Type characters; control characters as Ctrl chords ("\\x03" is Ctrl-C)."""
        for character in text:
            self.press(key(character), pause)

    def press(self, chord, pause=0.03):
        """Press a chord by QEMU's names, such as ctrl-alt-f1, page_up."""
        self.monitor(f"sendkey {chord} 10")
        time.sleep(pause)  # the key is up again, and the guest has seen it

    def screen(self):
        """The VGA text as 25 strings, without spaces at their ends."""
        dump = os.path.join(self.folder.name, "screen")
        self.monitor(f'pmemsave {VGA_TEXT:#x} {2 * COLUMNS * ROWS} "{dump}"')
        with open(dump, "rb") as file:
            characters = file.read()[::2].decode("cp437").replace("\0", " ")
        return [characters[at : at + COLUMNS].rstrip() for at in range(0, COLUMNS * ROWS, COLUMNS)]

    def wait_for_screen(self, text, timeout=60):
        """Waits until the text stands on the screen; returns the screen, or fails and shows it."""
        deadline = time.monotonic() + timeout
        while True:
            screen = self.screen()
            if any(text in line for line in screen):
                return screen
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(
                    f"{text!r} is not on the screen:\n" + "\n".join(screen).rstrip()
                )
            time.sleep(0.05)

    def wait_for_end(self, timeout=60):
        """Waits until the guest has switched itself off; True if it did so in order."""
        return self.process.wait(timeout) == vmlib.SWITCHED_OFF
