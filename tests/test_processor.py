"""The processor's corners (programs/processor.c): a program that sets odd flags, jumps to where
nothing is, loads the kernel's segments or returns by a spoiled signal frame ends as on Linux, in both
emulators, and the kernel stays up."""

import os
import subprocess

import pexpect.fdpexpect
import pytest

import machine
import vmlib
from test_limits import after

PROGRAM = os.path.join(vmlib.BUILD, "programs", "processor")

# Where an emulator differs from a processor. QEMU 7.2 has no `int1`, raises no stack fault at an address
# that is not canonical, and reads the stack for a program's `iret` and far `ret` with the kernel's
# rights, which SMAP forbids each time.
OTHERWISE = {
    "qemu": [
        "in_circuit_breakpoint",
        "stack_nowhere",
        "changed_sp_nowhere",
        "return_nowhere",
        "far_to_kernel",
        "far_to_data",
        "far_to_task",
        "far_to_nothing",
        "far_to_own_code",
    ],
    "bochs": [],
}


# What hosts differ in: whether NT survives a return from the kernel, whether a return by `sysret` or by
# `iret`, which looks at the stack, ends a call, and by which signal. This is what a processor does by its
# manual, and what Linux then makes of it.
OF_THE_MANUAL = [
    "call_with_stack_nowhere: exit 0",
    "changed_sp_nowhere: signal 7",
    "flags after a call: 400 4000 40000 200000",
    "after interrupts: 44400",
]


def without(lines):
    """The lines that are the same on all hosts."""
    subjects = tuple(line.split(":")[0] + ":" for line in OF_THE_MANUAL)
    return [line for line in lines if not line.startswith(subjects)]


@pytest.mark.parametrize("emu", vmlib.EMULATORS)
def test_corners_of_the_processor_end_as_on_linux(vm, emu):
    cases = OTHERWISE[emu]
    linux = subprocess.run(
        [PROGRAM, *cases], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    said, status = after(
        vm,
        f"su student -c '/usr/lib/minnow-tests/processor {' '.join(cases)}'",
        emu=emu,
        timeout=240,
    )
    assert (without(said), status) == (without(linux.stdout.splitlines()), linux.returncode)
    expected = [line for line in OF_THE_MANUAL if line.split(":")[0] not in cases]
    assert [line for line in said if line in OF_THE_MANUAL] == expected, said


def test_what_the_emulator_does_otherwise_harms_nobody(vm):
    """A program whose `ret` faults again and again spins, and can be killed like any other that does."""
    said, status = after(
        vm,
        "/usr/lib/minnow-tests/processor >/root/said & sleep 3; killall -9 processor; echo alive",
    )
    assert said[-1:] == ["alive"] and status == 0


def test_a_non_maskable_interrupt_is_nobodys():
    """The interrupt comes while a program runs, while servers and the kernel do, and while the
    processor is idle. (SIGKILL, because a job that was just forked ignores SIGTERM, as its shell does,
    until it first runs.)"""
    with machine.Machine() as vm:
        session = pexpect.fdpexpect.fdspawn(vm.serial, timeout=60)
        session.expect("# ")
        for line in ("while :; do :; done & p=$!", "kill -9 $p; find / >/dev/null 2>&1 &", "wait"):
            session.send(line + "\r")
            for _ in range(20):
                vm.monitor("nmi")
            session.expect("# ")
        session.send("echo ali$((0))ve\r")
        session.expect("ali0ve")


# What a processor does by its manual (Intel SDM vol. 3, 17.2 and 17.3.1), and what Linux makes of it:
# which breakpoints were met, and the two words that the tracee writes, each time.
WATCHED = """
breakpoints 1, values 7 1
breakpoints 1, values 8 2
child: exit 0
and for reading, eight bytes
breakpoints 8, values 0 0
breakpoints 8, values 7 1
breakpoints 8, values 7 2
breakpoints 8, values 8 2
child: exit 0
breakpoints 4, values 0 1
breakpoints 4, values 7 2
breakpoints 2, values 8 2
breakpoints 4, values 8 12
breakpoints 2, values 8 12
child: exit 0
stopped by 17
1 10001
grandchild: exit 0
breakpoints 1, values 6 0
1 10001
stopped by 5
0 0
child: exit 0
breakpoints 1, values 9 0
child: exit 0
"""


@pytest.mark.parametrize("emu", vmlib.EMULATORS)
def test_breakpoints_of_the_processor_are_the_tracees_alone(vm, emu):
    """They are met where they were set, by the thread that has them, and not by its children, by services
    at the same addresses, or by what the kernel writes."""
    said = vm(["/usr/lib/minnow-tests/_watchpoints"], emu=emu, timeout=240).stdout.decode()
    lines = [line for line in said.splitlines() if not line.startswith(("set(", "stopped by 19"))]
    assert lines == WATCHED.split("\n")[1:-1]
