"""Faults injected as in MINIX's own experiments: one instruction of a running service is altered, all
kinds of work are done, the service is killed, which makes its code sound again, and the work is done
again (programs/_mutants.c). The kernel must stay up whatever happens; the test counts how many of the
other faults are found and repaired, and how many are not.

    register, destination    another register in the operand that is read, or the one that is written
    offset                   another displacement or constant
    skip                     nothing instead of the instruction
    branch                   the other way
    garbage                  a bit of it flipped"""

import collections
import json
import os
import random
import subprocess
import tempfile
import time

import pytest

import elflib
import faultlib
import vmlib
from faultlib import FULL

VICTIMS = [
    "ext2",
    "vfs",
    "pm",
    "posix",
    "pipe",
    "local",
    "tmpfs",
    "fat",
    "devfs",
    "procfs",
    "virtio_blk",
    "console",
    "serial",
    "pty",
    "mem",
    "rtc",
    "sched",
]
KINDS = ["register", "destination", "offset", "skip", "branch", "garbage"]
TRIALS, CHUNKS = (250, 40) if FULL else (12, 1)
STALL = 15  # seconds of the host's without a line: the system is lost
STOPPED, LOST = "the machine stopped itself", "the system is lost"


# What these functions write are addresses and lengths for a device that is a bus master: a wrong length
# has it write over all of memory, the kernel's too, and only an IOMMU could keep it from that. What
# others hand them they check.
BUS_MASTER = {"virtio_blk": "request"}


def instructions(name):
    """(address, bytes) of the service's instructions, from objdump."""
    text = subprocess.run(
        ["objdump", "-d", "-w", "--insn-width=16", elflib.program(name)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    function = ""
    for line in text.splitlines():
        fields = line.split("\t")
        if line.endswith(">:"):
            function = line.split("<")[1][:-2]
        if len(fields) >= 3 and "(bad)" not in line and function != BUS_MASTER.get(name):
            yield int(fields[0].strip(" :"), 16), bytes.fromhex(fields[1])


def opcode_at(code):
    """The place of the opcode, behind the prefixes."""
    at = 0
    while at < len(code) - 1 and (
        code[at] in (0x66, 0xF2, 0xF3, 0xF0, 0x2E, 0x65, 0x64) or 0x40 <= code[at] <= 0x4F
    ):
        at += 1
    return at


def modrm_at(code):
    """The place of the byte that names the registers, or None."""
    at = opcode_at(code)
    op = code[at]
    if op == 0x0F and at + 2 < len(code):
        second = code[at + 1]
        has = (
            second not in (0x05, 0x0B, 0x31, 0xA2)
            and not 0x80 <= second <= 0x8F
            and not 0xC8 <= second <= 0xCF
        )
        return at + 2 if has else None
    has = (
        (op < 0x40 and op & 7 < 4)
        or op in (0x63, 0x69, 0x6B, 0xC0, 0xC1, 0xC6, 0xC7, 0xF6, 0xF7, 0xFE, 0xFF)
        or 0x80 <= op <= 0x8F
        or 0xD0 <= op <= 0xD3
    )
    return at + 1 if has and at + 1 < len(code) else None


def mutate(code, kind, draw):
    """The instruction altered, or None when that kind does not apply to it."""
    new, m, op = bytearray(code), modrm_at(code), opcode_at(code)
    if (
        kind == "register"
        and m is not None
        and code[op] not in (0x80, 0x81, 0x83, 0xC6, 0xC7, 0xF6, 0xF7, 0xFF)
    ):
        new[m] ^= draw.randrange(1, 8) << 3
    elif kind == "destination" and m is not None and code[m] >= 0xC0:
        new[m] ^= draw.randrange(1, 8)
    elif kind == "offset" and m is not None and len(code) > m + 1:
        new[draw.randrange(m + 1, len(code))] ^= 1 << draw.randrange(8)
    elif kind == "skip":
        new[:] = b"\x90" * len(code)
    elif kind == "branch" and 0x70 <= code[op] <= 0x7F:
        new[op] ^= 1
    elif (
        kind == "branch"
        and code[op] == 0x0F
        and op + 1 < len(code)
        and 0x80 <= code[op + 1] <= 0x8F
    ):
        new[op + 1] ^= 1
    elif kind == "garbage":
        new[draw.randrange(len(code))] ^= 1 << draw.randrange(8)
    else:
        return None
    return bytes(new)


def plan(seed, count):
    """[(name, kind, line for _mutants)]"""
    draw = random.Random(seed)
    code = {name: list(instructions(name)) for name in VICTIMS}
    trials = []
    while len(trials) < count:
        name, kind = draw.choice(VICTIMS), draw.choice(KINDS)
        address, old = draw.choice(code[name])
        new = mutate(old, kind, draw)
        if new and len(new) <= 16:
            trials.append((name, kind, f"{name} {address} {new.hex()}\n"))
    return trials


class Boot(vmlib.Run):
    """A run that is given up when it prints nothing for STALL seconds."""

    def __init__(self, trials, folder):
        path = os.path.join(folder, "plan")
        with open(path, "w") as file:
            file.writelines(line for _, _, line in trials)
        self.lines, self.said, self.begun = [], b"", time.monotonic()
        super().__init__(
            ["/usr/lib/minnow-tests/_mutants", "/tmp/plan"],
            self.hear,
            lambda data: self.hear_error(data),
            lambda data: None,
            add=[(path, "/tmp/plan")],
            count=True,
            shift=3,
            check=True,
            timeout=STALL,
        )
        self.errors = b""

    def hear(self, data):
        self.said += data
        self.timeout = time.monotonic() - self.begun + STALL

    def hear_error(self, data):
        self.errors += data


def outcome(deaths, hangs, during, after):
    if after != "ok":
        return "lasting damage"
    if during == "refused":
        return "refused"
    if deaths:
        return {"ok": "died, nobody noticed"}.get(during, f"died, a program saw: {during}")
    return {"ok": "no effect"}.get(during, f"not found, a program saw: {during}")


def trial(trials, folder):
    """Runs trials in one boot until one spoils the system; [(kind, outcome)] of those that were made, the boot's status, and how it ended if not in order."""
    boot = Boot(trials, folder)
    status = boot.run()
    rows = [
        line.split()
        for line in boot.said.decode(errors="replace").splitlines()
        if len(line.split()) == 5
    ]
    done = [
        (trials[int(n)], outcome(int(deaths), int(hangs), during, after))
        for n, deaths, hangs, during, after in rows
    ]
    ended = (
        "panic"
        if status == vmlib.PANICKED and not boot.switched_off
        else STOPPED
        if status == vmlib.PANICKED
        else LOST
    )
    return done, status, ended, boot.errors.decode(errors="replace")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_kernel_stands_whatever_a_service_does(chunk, tmp_path):
    left, outcomes, damaged, falls, details = plan(chunk, TRIALS), collections.Counter(), 0, [], []
    while left:
        done, status, ended, errors = trial(left, str(tmp_path))
        for (name, kind, line), what in done:
            outcomes[what] += 1
            details.append([name, kind, line.split()[1:], what])
        damaged += status == vmlib.HARNESS_FAILED
        spoiled = len(done) < len(left)
        left = left[len(done) :]
        if (
            spoiled and (not done or done[-1][1] != "lasting damage") and left
        ):  # the next one has ended it all
            assert status != vmlib.DID_NOT_BOOT and status != 2, errors
            outcomes[ended] += 1
            details.append([left[0][0], left[0][1], left[0][2].split()[1:], ended])
            if ended == "panic":
                falls.append((left[0], errors[-2000:]))
            left = left[1:]
    faultlib.figure(
        "mutations "
        + json.dumps({"outcomes": outcomes, "disks not clean": damaged, "details": details})
    )
    assert not falls, falls
    assert sum(outcomes.values()) == TRIALS
    assert outcomes["no effect"] + outcomes["died, nobody noticed"] > TRIALS * 0.6, outcomes
