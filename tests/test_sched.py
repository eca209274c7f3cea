"""The policy of scheduling, in the system: how much of the processor programs get that want it at the
same time (tests/programs/_load.c). Counted runs: the figures are the same every time."""

import os

import pytest

import vmlib
from longlib import in_full, long, with_few

LOAD = "/usr/lib/minnow-tests/_load"
ROUND_ROBIN = os.path.join(vmlib.BUILD, "services", "sched_rr")
WILD = os.path.join(vmlib.BUILD, "services", "sched_wild")


# In scripts: until the programs compute. (Before, the clock jumps over the time that the disk takes.)
COMPUTING = "until grep -q '_load.[0-9]*. *1 ' /proc/minnow/sched; do usleep 20000; done"


def load(vm, jobs, ms=2000, **options):
    """The figures behind each of the jobs, "hog 0" and the like."""
    result = vm([LOAD, str(ms), *" ".join(jobs).split()], count=True, check=False, **options)
    assert result.status == 0, result
    lines = [line.split() for line in result.stdout.decode().splitlines()]
    assert [" ".join(line[:2]) for line in lines] == jobs
    return [[int(word) for word in line[2:]] for line in lines]


def times(vm, jobs, ms=2000, **options):
    return [figures[0] for figures in load(vm, jobs, ms, **options)]


@pytest.mark.parametrize(
    "policy", [{}, in_full({"service": [("sched", ROUND_ROBIN)]})], ids=["sched", "sched_rr"]
)
def test_equals_get_equal_shares(vm, policy):
    got = times(vm, ["hog 0"] * 4, **policy)
    assert sum(got) > 1950  # and the policy costs nothing to speak of
    assert all(abs(share - 500) < 75 for share in got), got


@long
def test_shares_go_by_nice_value(vm):
    normal, worse = times(vm, ["hog 0", "hog 19"])
    assert 3 < normal / worse < 5, (normal, worse)
    better, normal = times(vm, ["hog -20", "hog 0"])
    assert 1.7 < better / normal < 2.6, (better, normal)


def test_nobody_starves(vm):
    """Neither the worst among thirty better ones starves, nor one that computes among short jobs
    without end."""
    got = times(vm, ["hog -20", *["hog 0"] * 30, "hog 19"], 3000)
    assert got[-1] >= 8 and min(got) >= 8, got
    hog, jobs = times(vm, ["hog 0", "fork 0"])
    assert hog > 500 and jobs > 500, (hog, jobs)


@pytest.mark.parametrize(
    "policy", [{}, in_full({"service": [("sched", ROUND_ROBIN)]})], ids=["sched", "sched_rr"]
)
def test_who_sleeps_is_served_at_once(vm, policy):
    """The reply is quick though four programs compute."""
    for count, mean, worst in load(vm, ["hog 0"] * 4 + ["wake 10", "wake 3"], **policy)[4:]:
        assert count >= 190 and mean < 200 and worst < 20000, (count, mean, worst)


def test_who_is_interrupted_gets_his_share(vm):
    """A program with timers is not put behind the others whenever one of its timers goes off."""
    hog, sleeper, other = times(vm, ["hog 0", "signals 0", "hog 0"])
    assert all(abs(share - 667) < 120 for share in (hog, sleeper, other)), (hog, sleeper, other)


def test_under_round_robin_better_nice_values_come_first(vm):
    assert times(vm, ["hog 0", "hog 19"], service=[("sched", ROUND_ROBIN)])[1] < 20


def test_who_computes_sinks(vm):
    """As /proc/minnow/sched shows it: the last priority, and the quantum of that nice value. (The file
    is read several times: the disk takes its time to bring the program, and the clock jumps over time
    in which no program runs.)"""
    script = f"{LOAD} 1500 hog 0 hog 19 & for i in 1 2 3 4 5 6 7 8; do usleep 170000; cat /proc/minnow/sched; done; wait"
    looks = vm(["sh", "-c", script], count=True).stdout.decode().split("thread")[1:]
    rows = [[line.split() for line in look.splitlines() if "_load" in line] for look in looks]
    hogs = [
        sorted((row[3:6] for row in look if row[2] == "1"), key=lambda row: row[1]) for look in rows
    ]
    assert [["15", "12", "32000"], ["15", "15", "8000"]] in hogs, rows


def test_the_policy_is_not_asked_by_who_is_alone(vm):
    script = f"grep ' sched ' /proc/minnow/services; {LOAD} 500 hog 0; grep ' sched ' /proc/minnow/services"
    before, hog, after = vm(["sh", "-c", script], count=True).stdout.decode().splitlines()
    assert int(hog.split()[2]) >= 499
    assert int(after.split()[5]) - int(before.split()[5]) <= 4, (
        before,
        after,
    )  # while the programs were started


def test_programs_run_on_without_the_policy(vm):
    """The policy is stopped, and then started again, while two programs compute."""
    script = f"{LOAD} 2000 hog 0 hog 0 & {COMPUTING}; service stop sched; usleep 700000; service status sched; service start sched; wait; grep ' sched ' /proc/minnow/services"
    result = vm(["sh", "-c", script], count=True)
    lines = result.stdout.decode().splitlines()
    got = [int(line.split()[2]) for line in lines if line.startswith("hog")]
    assert len(got) == 2 and all(abs(share - 1000) < 150 for share in got), result
    assert lines[-1].split()[2:4] == ["running", "0"] and int(lines[-1].split()[5]) > 20, result


def test_programs_do_not_notice_that_it_dies(vm):
    script = (
        f"{LOAD} 2000 hog 0 hog 0 fork 0 & {COMPUTING}; for i in 1 2 3 4 5 6 7 8; do usleep 150000; service kill sched; done; wait; "
        "grep ' sched ' /proc/minnow/services"
    )
    result = vm(["sh", "-c", script], count=True)
    lines = result.stdout.decode().splitlines()
    got = [int(line.split()[2]) for line in lines[:3]]
    assert sum(got) > 1800 and min(got) > 200, result
    assert lines[-1].split()[2:4] == ["running", "8"], result


@pytest.mark.parametrize(
    "policy", [{}, in_full({"service": [("sched", WILD)]})], ids=["sched", "sched_wild"]
)
def test_signals_come_through_while_the_policy_is_asked(vm, policy):
    jobs = ["hog 0", "signals 0", "signals 19", "hog 0"]
    for job, figures in zip(jobs, load(vm, jobs, **policy)):
        if job == "signals 0":
            assert figures[1] > 100, figures
        assert figures[2:] in ([], [0]), figures


def test_a_wild_policy_stops_nobody(vm):
    got = times(vm, ["hog 0", "hog 0", "hog 0", "wake 20"], service=[("sched", WILD)])
    assert sum(got[:3]) > 1800 and min(got[:3]) > 550, got
    assert got[3] > 80, got


@pytest.mark.parametrize("emu", with_few(vmlib.EMULATORS, {"qemu"}))
def test_without_a_policy_nobody_starves(vm, emu):
    """Short jobs without end run beside programs whose priority had sunk before the policy stopped."""
    script = (
        "while :; do /bin/true; done & while :; do :; done & sleep 1; for k in 1 2 3; do service stop sched; /bin/true; ls / >/dev/null; "
        "service start sched; done; service stop sched; /bin/true; echo there; kill %1 %2"
    )
    assert vm(["sh", "-c", script], emu=emu).stdout == b"there\n"


@long
def test_load_averages_follow_the_number_of_ready_threads(vm):
    script = (
        "cut -d ' ' -f 1 /proc/loadavg; (while :; do :; done) & sleep 11; "
        "cut -d ' ' -f 1 /proc/loadavg; uptime; kill $!"
    )
    result = vm(["sh", "-c", script])
    before, after, uptime = result.stdout.decode().splitlines()
    assert before == "0.00" and float(after) > 0.1, result
    assert float(uptime.split("average: ")[1].split(",")[0]) > 0.1, result
