"""What an operation costs does not grow with the number of other things of a kind: among ten times
as many it takes at most twice the instructions. (make bench prints the figures.)"""

import pytest

import bench
from longlib import in_full

CROWDS = [
    "timers",
    "open files",
    "descriptors in poll",
    "mounts",
    "sleeping processes",
    in_full("names in tmpfs"),
]
REGIONS = [f"mmap + munmap among {n} regions" for n in ("1,000", "10,000")]


def check(rows):
    pairs = bench.pairs_of(rows)
    assert pairs
    for kind, ((n, few), (_, many)) in pairs.items():
        assert many <= bench.GROWTH_AIM * few, (kind, n, few, many)


@pytest.mark.parametrize("things", CROWDS)
def test_ten_times_as_many_cost_no_more_than_twice(things):
    check(bench.crowds(things))


def test_ten_times_as_many_regions_cost_no_more_than_twice():
    check(bench.measure(REGIONS))
