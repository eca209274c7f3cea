"""The host channel's parser, without an emulator."""

import pytest

from vmlib import Frames


def frame(kind, payload=b""):
    return Frames.MAGIC + kind.encode() + len(payload).to_bytes(4, "little") + payload


def parse(data, step=None):
    """Feed data in pieces of `step` bytes; frames in order, and all noise joined."""
    frames, found, noise = Frames(), [], b""
    step = step or len(data)
    for at in range(0, len(data), step):
        parts = list(frames.feed(data[at : at + step]))
        found += [part for part in parts if part[0]]
        noise += b"".join(payload for kind, payload in parts if kind is None)
    parts = list(frames.finish())
    found += [part for part in parts if part[0]]
    return found, noise + b"".join(payload for kind, payload in parts if kind is None)


@pytest.mark.parametrize("step", [1, 2, 3, 7, None])
def test_frames_are_found_in_noise_however_they_arrive(step):
    data = b"BIOS\x7f" + frame("b") + b"\x7fMN?" + frame("o", b"a\x7fMNWb\0") + b"bye\x7fM"
    assert parse(data, step) == ([("b", b""), ("o", b"a\x7fMNWb\0")], b"BIOS\x7f\x7fMN?bye\x7fM")


def test_an_unknown_type_is_noise():
    assert parse(frame("?") + frame("q")) == ([("q", b"")], frame("?"))


def test_a_panic_within_an_unfinished_frame_is_found():
    unfinished = frame("o", b"x" * 1000)[:100]
    found, _ = parse(unfinished + frame("p", b"panic: oh\n"))
    assert found == [("p", b"panic: oh\n")]
