"""What only root may do, and the host must be spared: programs/_rooted.c says of each whether it came about."""

EXPECTED = [
    "adjust(ADJ_TICK, 8999, &x) = -1 EINVAL",
    "adjust(ADJ_TICK, 11001, &x) = -1 EINVAL",
    "adjust(ADJ_FREQUENCY, INT64_MAX, &x) = -1 EINVAL",
    "adjust(ADJ_STATUS, STA_PLL, &x) = 0",
    "adjtimex(&by) = -1 EINVAL",
    "clock_settime(CLOCK_REALTIME, &t) = -1 EINVAL",
    "syscall(SYS_iopl, 0) = 0",
    "syscall(SYS_iopl, 3) = -1 EPERM",
    "syscall(SYS_iopl, 4) = -1 EINVAL",
    "syscall(SYS_ioperm, 65533, 3, 0) = 0",
    "syscall(SYS_ioperm, 65533, 3, 1) = -1 EPERM",
    "syscall(SYS_ioperm, 65533, 4, 1) = -1 EINVAL",
    "syscall(SYS_ioperm, 0, 0, 1) = -1 EINVAL",
    "syscall(SYS_ioperm, -1, 2, 0) = -1 EINVAL",
    "2: EMFILE",
    "200",
]


def test_what_root_sets_comes_about(vm):
    result = vm(["/usr/lib/minnow-tests/_rooted"])
    lines = result.stdout.decode().splitlines()
    assert result.status == 0 and not [line for line in lines if line.endswith(": NO")], result
    assert [line for line in EXPECTED if line not in lines] == [], result
