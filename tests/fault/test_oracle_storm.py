"""The oracle programs print the same as on Linux while services die, one after the other, each when it
is at work."""

import pytest

import faultlib
import test_oracle
from faultlib import FULL
from longlib import in_full

NAMES = faultlib.KEPT + faultlib.AFRESH
# What takes a service's time for the measure of something, and what is about the services themselves.
MEASURE_TIME = {"clocks"}
PROGRAMS = [p for p in test_oracle.PROGRAMS if p not in MEASURE_TIME]


def storm(vm, program, seed, mean, names, tmp_path):
    """Runs the program while they die: it prints the same as on Linux. {service: deaths}."""
    status, output = test_oracle.on_linux(program, tmp_path)
    result = vm(
        [
            "sh",
            "-c",
            f"service storm {seed} {mean} {' '.join(names)}; /usr/lib/minnow-tests/{program}; s=$?; service storm 1 0; "
            "service list >&2; exit $s",
        ],
        count=True,
        timeout=200,
    )
    assert (
        result.stdout.decode(errors="replace").splitlines()
        == output.decode(errors="replace").splitlines()
    ), result
    assert result.status == status
    return {
        line.split()[0]: int(line.split()[3])
        for line in result.stderr.decode(errors="replace").splitlines()
        if "booted" in line
    }


@pytest.mark.parametrize("program", PROGRAMS if FULL else ["processes", "breakpoints"])
def test_same_output_as_on_linux_while_services_die(vm, program, tmp_path):
    # so that even of the shortest there are sixteen
    deaths = sum(storm(vm, program, 1, 100000, NAMES, tmp_path).values())
    assert deaths > 0
    if FULL:
        faultlib.figure(f"oracle {program}: as on Linux, with {deaths} deaths")


# What is asked for stands beside the answer, or is final before the answer takes its place: of
# hundreds of deaths some come in between.
@pytest.mark.parametrize(
    "program, service, mean",
    [("xattrs", "ext2", 20000), ("in_place", "posix", 5000), in_full("in_place", "vfs", 2000)],
)
def test_a_question_is_not_overwritten_by_its_answer(vm, program, service, mean, tmp_path):
    for seed in range(1, 9 if FULL else 2):
        assert storm(vm, program, seed, mean, [service], tmp_path)[service] > 20


# POSIX is at work for a hundredth of PM's time there, so by the same storm it would die four times, or never.
@pytest.mark.parametrize("seed", range(1, 5) if FULL else [1])
@pytest.mark.parametrize(
    "names, mean, least",
    [in_full(["pm", "posix"], 300000, 1000), in_full(["posix"], 20000, 50)],
    ids=["pm", "posix"],
)
def test_arguments_are_whole_while_pm_and_posix_die(vm, names, mean, least, seed, tmp_path):
    """What PM keeps of a program's memory is undone together with the memory itself, also in the middle
    of a loop and with a full undo log."""
    deaths = storm(vm, "arguments", seed, mean, names, tmp_path)
    assert deaths[names[0]] > least
