"""What `make test` leaves to the long run, `make test-fault`: tests that take long, and of a test
with many cases those that resemble another. Named by themselves (TESTS=...), they run anywhere."""

import pytest

long = pytest.mark.long


def in_full(*values):
    """A case for the long run."""
    return pytest.param(*values, marks=long)


def with_few(cases, few, name=lambda case: case):
    """Cases of which `make test` has those named in `few` only; each name has to be a case's."""
    assert few <= {name(case) for case in cases}, few
    return [
        case if name(case) in few else in_full(*case) if isinstance(case, tuple) else in_full(case)
        for case in cases
    ]
