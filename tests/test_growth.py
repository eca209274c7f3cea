"""What an operation costs does not grow with the number of other things of a kind: among ten times
as many it takes at most twice the instructions. (make bench prints the figures.)"""

import pytest

import bench


@pytest.mark.parametrize(
    "things", ["timers", "open files", "descriptors in poll", "mounts", "sleeping processes"]
)
def test_ten_times_as_many_cost_no_more_than_twice(things):
    pairs = bench.pairs_of(bench.crowds(things))
    assert pairs
    for kind, ((n, few), (_, many)) in pairs.items():
        assert many <= bench.GROWTH_AIM * few, (kind, n, few, many)
