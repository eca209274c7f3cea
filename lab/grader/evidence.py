"""What must be after a boot as it was before: the boot partition, from which kernel and services come, and on the root the programs that
run and the plan that says what they are to do. A verdict of programs that somebody has changed is worth nothing.

No manifest of a lab lets its server reach these partitions. This is the wall behind it, and it stands on the host."""

import functools
import hashlib
import os
import subprocess
import tempfile

import vmlib

from . import build

FOLDERS = ["/bin", "/sbin", "/lib", "/usr", "/etc"]  # of the root


def digest(path, start=0, length=None):
    """The digest of a file, or of a part of it."""
    h = hashlib.sha256()
    with open(path, "rb") as file:
        file.seek(start)
        left = os.path.getsize(path) - start if length is None else length
        while left and (data := file.read(min(left, 1 << 20))):
            h.update(data)
            left -= len(data)
    return h.hexdigest()


def boot_partition(image):
    return digest(image.path, *image.partitions[0])


def programs(image):
    """{path: digest} of the files below FOLDERS on an image's root; of a symbolic link, where it leads."""
    with tempfile.TemporaryDirectory(prefix="minnow-root-") as folder:
        vmlib.call(
            "debugfs",
            "-R",
            f'rdump {" ".join(FOLDERS)} "{folder}"',
            f"{image.path}?offset={image.partitions[1][0]}",
        )
        found = {}
        for where, inner, names in os.walk(folder):
            for name in names + inner:
                path = os.path.join(where, name)
                guest = path[len(folder) :]
                if os.path.islink(path):
                    found[guest] = os.readlink(path)
                elif os.path.isfile(path):
                    found[guest] = digest(path)
        build.still_room()  # without room some files would be missing
        return found


@functools.cache
def pristine(path, _changed):
    return programs(vmlib.Image(path))


def wanted(source, added):
    """What programs() has to say of a root that was made from the image `source`, with these files, [(host, guest)], added."""
    return pristine(source, os.stat(source).st_mtime_ns) | {
        guest: digest(host) for host, guest in added
    }


def changed(image, boot_before, source, added):
    """The names of what is not as it was."""
    expected, now = wanted(source, added), programs(image)
    return [
        *(["the boot partition"] if boot_partition(image) != boot_before else []),
        *sorted(
            name for name in expected.keys() | now.keys() if expected.get(name) != now.get(name)
        ),
    ]
