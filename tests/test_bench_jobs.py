"""`make bench-jobs`: small jobs run in the system and are counted, and the table says what the
figures say."""

import bench_jobs
import joblist
import pytest
from bench_jobs import Figures, Listener

FORKS, PAGES = (
    next(job for job in joblist.JOBS if job.name == name) for name in ("forks", "copied")
)


def test_jobs_run_in_the_system_and_are_counted():
    figures = bench_jobs.run_jobs(bench_jobs.minnow, [FORKS, PAGES], None, count=True, small=True)
    forks, pages = figures["forks"], figures["copied"]
    assert (forks.status, forks.result) == (0, f"{FORKS.small}\n")
    assert (pages.status, pages.result) == (0, f"{PAGES.small} processes, sum {PAGES.small * 8}\n")
    # A process is born and ends in no less than these, and its space is entered and left.
    assert 50_000 < forks.instructions / FORKS.small < 2_000_000
    assert 2 <= forks.loads / FORKS.small < 500
    # To copy a page takes more than to look at it: 512 words.
    assert pages.instructions > PAGES.small * 1024 * 512
    assert not bench_jobs.faults([FORKS, PAGES], {bench_jobs.minnow: figures})


def test_a_job_that_needs_more_than_the_image_has_is_told():
    job = joblist.Job("lost", "no such program", 1, 1, 1.0, "no-such-program")
    figures = bench_jobs.run_jobs(bench_jobs.minnow, [job], None, small=True)
    assert figures["lost"].status == 127 and figures["lost"].time > 0
    assert bench_jobs.faults([job], {bench_jobs.minnow: figures}) == ["lost: status 127 on minnow"]


def listen(*pieces):
    clock = iter([10.0, 12.5, 20.0, 21.0])
    listener = Listener(lambda: next(clock))
    for piece in pieces:
        listener(piece)
    return listener.figures


def test_marks_and_results_are_told_apart_however_they_arrive():
    text = b"lost\nbegin a\nend a 0\n3 fish\nend of it\nbegin b\nend b 7\n"
    expected = {
        "a": Figures(status=0, result="3 fish\nend of it\n", time=2.5),
        "b": Figures(status=7, time=1.0),
    }
    assert listen(text) == expected
    assert listen(*(text[i : i + 1] for i in range(len(text)))) == expected


def test_counts_belong_to_the_jobs_in_their_order():
    figures = {"a": Figures(), "b": Figures()}
    bench_jobs.add_counts(figures, [(100, 3), (150, 5), (1000, 5), (1007, 25)])
    assert [(f.instructions, f.loads) for f in figures.values()] == [(50, 2), (7, 20)]
    with pytest.raises(bench_jobs.vmlib.HarnessError):
        bench_jobs.add_counts(figures, [(1, 1)])


def figures(instructions, time):
    """Of two jobs, from pairs."""
    return {
        job.name: Figures(status=0, result="", instructions=i, loads=7, time=t)
        for job, i, t in zip((FORKS, PAGES), instructions, time)
    }


def test_the_table_has_ratios_means_and_marks():
    ours = figures((2_000_000, 8_000_000), (1.0, 1.0))
    theirs = figures((1_000_000, 1_000_000), (2.0, 0.5))
    *_, first, second, _, instructions, time, above, note = bench_jobs.table(
        [FORKS, PAGES], ours, theirs
    )
    assert first.split()[-9:] == "2.0 1.0 2.00 7 7 1.00 2.00 0.50 0.6".split()
    assert instructions == "instructions: geometric mean 4.00, arithmetic mean 5.00, largest 8.00"
    assert time == "time: geometric mean 1.00, arithmetic mean 1.25, largest 2.00"
    assert second.endswith("*") and not first.endswith("*")
    assert above == "* 1 above the aim:" and note == f"  {PAGES.title}: {PAGES.note}"


def test_what_is_not_known_of_linux_is_left_blank():
    ours = figures((2_000_000, 8_000_000), (1.0, 1.0))
    lines = bench_jobs.table(
        [FORKS, PAGES], ours, {"forks": Figures(instructions=1_000_000, loads=9)}
    )
    assert "instructions: geometric mean 2.00, arithmetic mean 2.00, largest 2.00" in lines
    assert not any(line.startswith("time:") for line in lines)
    assert lines[-1] == "* 0 above the aim"


def test_different_results_are_a_fault():
    ours, theirs = figures((1, 1), (1, 1)), figures((1, 1), (1, 1))
    theirs["copied"].result = "other\n"
    found = bench_jobs.faults([FORKS, PAGES], {bench_jobs.minnow: ours, bench_jobs.linux: theirs})
    assert len(found) == 1 and found[0].startswith("copied: different results")
