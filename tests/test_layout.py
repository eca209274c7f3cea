"""Where the kernel and the services stand in memory: elsewhere at each boot, on no page that is both
writable and executable, and only root can find it out."""

import re

import pexpect.fdpexpect
import pytest

import machine


def look(options=""):
    """A booted system at its prompt: (address of the kernel's descriptor table, pages in sight).

    A page is (address, executable, writable, the user's). QEMU shows what the processor's tables say then: the kernel's, and those
    of the program or service that ran last."""
    with machine.Machine(options=options) as vm:
        session = pexpect.fdpexpect.fdspawn(vm.serial, timeout=60)
        session.expect("# ")
        table = re.search(r"GDT=\s+([0-9a-f]+)", vm.monitor("info registers"))
        pages = [
            (int(at, 16), flags[0] == "-", flags[8] == "W", flags[7] == "U")
            for at, flags in re.findall(
                r"^([0-9a-f]{16}): [0-9a-f]{16} (\S{9})\s*$", vm.monitor("info tlb"), re.M
            )
        ]
    return int(table.group(1), 16), pages


@pytest.fixture(scope="module")
def boots():
    return [look() for _ in range(3)]


def test_the_kernel_and_the_services_stand_somewhere_else_each_time(boots):
    assert len({kernel for kernel, _ in boots}) > 1
    assert (
        len(
            {
                min(at for at, executable, _, user in pages if executable and user)
                for _, pages in boots
            }
        )
        > 1
    )


def test_without_chance_they_stand_where_they_always_do():
    first, second = look("nokaslr"), look("nokaslr")
    assert first[0] == second[0] and first[0] >> 31 == 0x1FFFFFFFF
    stride = 1 << 32
    for _, pages in (first, second):
        assert all(
            0x400000 <= at % stride < 0x800000
            for at, executable, _, user in pages
            if executable and user and at < 1 << 44
        )


def test_nothing_is_writable_and_executable(boots):
    for _, pages in boots:
        assert len(pages) > 100 and any(executable for _, executable, _, _ in pages)
        assert not [hex(at) for at, executable, writable, _ in pages if executable and writable]


@pytest.mark.parametrize(
    "command",
    ["cat /proc/minnow/log", "dmesg", "service list", "cat /proc/minnow/trace", "service log pm"],
)
def test_what_tells_addresses_is_roots(vm, command):
    result = vm(["sh", "-c", f"{command} >/dev/null && su student -c '{command}'"])
    assert result.status != 0 and result.stdout == b"", result


def test_what_anybody_may_read_tells_no_address(vm):
    """A user sees neither addresses of the kernel's half nor those of services."""
    script = "for f in /proc/* /proc/1/* /proc/minnow/*; do test -f $f && cat $f; done 2>/dev/null"
    said = vm(["su", "student", "-c", script]).stdout.decode(errors="replace")
    assert len(said) > 2000
    assert not re.findall(r"\bf{4}[89a-f][0-9a-f]{11}\b", said)
