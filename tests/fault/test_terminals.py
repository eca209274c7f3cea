"""Two people use the two terminals while services die: all that they type and are shown is the same as
when none dies, on the serial line byte for byte, on the console by the screen at the end. These
machines run by the host's clock."""

import time

import pexpect.fdpexpect

import faultlib
import machine
from faultlib import FULL
from longlib import long

ROUNDS = 12 if FULL else 2
MEAN = 300_000  # nanoseconds between deaths
WEATHER = f"service storm 3 {MEAN} {' '.join(faultlib.KEPT + faultlib.AFRESH)}"
AT_SERIAL = [
    "seq 1 400 | sort -rn",
    "stty -echo; echo unseen; stty echo",
    "printf 'a\\tb\\rc\\n\\033[1mbold\\033[m'; echo",
    "ls -l /bin | md5sum",
    "tr a-z A-Z </etc/passwd",
]
AT_SCREEN = ["seq 1 60", "echo $((6*7)) | sed s/4/four-/", "find /etc | sort | md5sum"]


def type_slowly(vm, command):
    """Types on a clear screen. A keyboard keeps a few keys only: the next wait until these are
    seen."""
    vm.type("\x0c")
    for end in range(4, len(command) + 4, 4):
        vm.type(command[end - 4 : end])
        vm.wait_for_screen(command[:end].rstrip())
    vm.type("\n")


def session(weather):
    """The output of the serial line, the screen at the end, and how often services died."""
    with machine.Machine() as vm:
        line = pexpect.fdpexpect.fdspawn(vm.serial, timeout=120)
        line.expect_exact("# ")
        vm.wait_for_screen("~#")
        line.sendline(weather)
        line.expect_exact("# ")
        transcript = []
        for number in range(ROUNDS):
            for text in AT_SERIAL:
                line.sendline(f"{text}; echo end-$(({number}+1000))")
                line.expect_exact(f"\nend-{number + 1000}\r\n")
                transcript.append(line.before)
                line.expect_exact("# ")
            type_slowly(vm, AT_SCREEN[number % len(AT_SCREEN)] + f"; echo end-$(({number}+1000))")
            for _ in range(2000):  # until the prompt is there again
                rows = [row for row in vm.wait_for_screen(f"end-{number + 1000}") if row]
                if rows[-1].endswith("~#"):
                    break
                time.sleep(0.05)
            transcript.append(rows)
        line.sendline("service storm 1 0; service list | awk '{n += $4} END {print \"deaths\", n}'")
        line.expect(r"deaths (\d+)\r\n")
        return transcript, int(line.match[1])


@long
def test_two_terminals_show_what_they_showed_without():
    good, none = session("true")
    bad, deaths = session(WEATHER)
    assert none == 0 and deaths > 100 * ROUNDS, deaths
    for a, b in zip(good, bad):
        assert a == b
    if FULL:
        faultlib.figure(f"terminals: {ROUNDS} rounds at both, {deaths} deaths, every byte the same")
