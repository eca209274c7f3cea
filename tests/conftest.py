"""The fixture of the tests under pytest. This file also puts tests/ on Python's path, so that
`import vmlib` works in all of them."""

import pytest

import vmlib


@pytest.fixture
def vm():
    """vm(command, **options): run a command in the system and get a vmlib.Result.

    After each run the written image is checked; a file system that is not clean makes the
    status 123 and stands in stderr. `check=False` leaves that out.
    """

    def run(command, check=True, **options):
        return vmlib.run(command, check=check, **options)

    return run


def pytest_configure(config):
    config.addinivalue_line("markers", "long: for the long run (longlib.py)")
    config.addinivalue_line("markers", "fault: one of tests/fault, which the long run has in full")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name == "fault":
            item.add_marker("fault")
