"""The kernel's messages, tested natively by tests/native, in both emulators."""

import pytest

import nativelib
import vmlib


@pytest.mark.parametrize("emu", vmlib.EMULATORS)
def test_messages(tmp_path, emu):
    result = nativelib.run(tmp_path, emu)
    lines = result.stdout.decode().splitlines()
    assert [line for line in lines if line.startswith("FAILED")] == []
    assert sum(line.startswith("ok ") for line in lines) > 70
    assert result.status == 0
