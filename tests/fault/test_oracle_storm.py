"""The oracle programs print the same as on Linux while services die: one after the other, whoever is at work."""

import pytest

import faultlib
import test_oracle
from faultlib import FULL

NAMES = faultlib.KEPT + faultlib.AFRESH
# What takes a service's time for the measure of something, and what is about the services themselves.
MEASURE_TIME = {"clocks"}
PROGRAMS = [p for p in test_oracle.PROGRAMS if p not in MEASURE_TIME]


@pytest.mark.parametrize("program", PROGRAMS if FULL else ["processes"])
def test_same_output_as_on_linux_while_services_die(vm, program, tmp_path):
    status, output = test_oracle.on_linux(program, tmp_path)
    storm = f"service storm 1 1000000 {' '.join(NAMES)}"
    result = vm(["sh", "-c", f"{storm}; /usr/lib/minnow-tests/{program}; s=$?; service storm 1 0; service list >&2; exit $s"], count=True, timeout=200)
    assert result.stdout.decode(errors="replace").splitlines() == output.decode(errors="replace").splitlines(), result
    assert result.status == status
    deaths = sum(int(line.split()[3]) for line in result.stderr.decode(errors="replace").splitlines() if "booted" in line)
    assert deaths > 0
    if FULL:
        faultlib.figure(f"oracle {program}: as on Linux, with {deaths} deaths")
