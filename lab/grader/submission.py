"""What a student hands in: only the files that lab.toml names, only ordinary files of ordinary size. Everything else is refused, with the reason, or, where it does no harm (further files), left out and named."""

import os
import stat
import zipfile

from . import REFUSED, USAGE, Stop, shown

LARGEST = 256 * 1024  # bytes a file
LARGEST_ZIP = 16 << 20
ALL_TOGETHER = 4096  # entries of a folder that are looked at


def refuse(text):
    """A Stop that refuses a submission. Names in the text may be the student's, so they are made safe for a terminal."""
    return Stop(REFUSED, "refused: " + shown.line(text))


def read(path, name):
    """The bytes of one file, without following links."""
    full = os.path.join(path, name)
    at = path
    for part in name.split("/")[:-1]:
        at = os.path.join(at, part)
        if os.path.islink(at):
            raise refuse(f"{part} is a symbolic link")
    try:
        handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise refuse(f"{name} is missing") from None
    except OSError as error:
        raise refuse(
            f"{name} is a symbolic link" if os.path.islink(full) else f"{name}: {error.strerror}"
        ) from None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise refuse(f"{name} is not an ordinary file")
        if about.st_size > LARGEST:
            raise refuse(f"{name} has {about.st_size} bytes; {LARGEST} are allowed")
        return file.read(LARGEST + 1)[:LARGEST]


def check_text(name, data):
    """Refuses a source that is not text, or that takes in other files of the machine which builds it."""
    if b"\0" in data:
        raise refuse(f"{name} is not text")
    for number, line in enumerate(data.split(b"\n"), 1):
        words = line.replace(b"#", b"# ").split()
        if b".incbin" in line or b"__has_embed" in line or words[1:2] == [b"embed"]:
            raise refuse(f"{name}, line {number}: takes in another file's bytes")
        if (
            words[:1] == [b"#"]
            and words[1:2] in ([b"include"], [b"include_next"], [b"import"])
            and (
                b"".join(words[2:3])[:1] not in (b'"', b"<")
                or b"".join(words[2:3])[1:2] == b"/"
                or b".." in line
            )
        ):
            raise refuse(
                f"{name}, line {number}: includes a file by a path that leads out of the tree"
            )


def collect(lab, path):
    """{name: bytes} of a submission, a folder or a zip; and the names that were left out."""
    if not os.path.lexists(path):
        raise Stop(USAGE, f"there is no {path}")
    if os.path.isfile(path):
        files, others = from_zip(lab, path)
    elif os.path.isdir(path):
        files = {name: read(path, name) for name in lab.submit}
        others = sorted(list_others(lab, path))
    else:
        raise refuse("it is neither a folder nor a zip")
    for name, data in files.items():
        check_text(name, data)
    return files, others


def list_others(lab, path):
    fixed = set(os.listdir(lab.skeleton)) - set(lab.submit)
    seen = 0
    for folder, inner, names in os.walk(path, followlinks=False):
        inner[:] = [i for i in inner if i != ".git"]
        for name in names:
            seen += 1
            if seen > ALL_TOGETHER:
                raise refuse(f"more than {ALL_TOGETHER} files")
            relative = os.path.relpath(os.path.join(folder, name), path)
            if relative not in lab.submit and relative not in fixed:
                yield relative


def from_zip(lab, path):
    """Reads the wanted members of a zip; nothing is unpacked, whatever else the zip holds."""
    files, others = {}, []
    if os.path.getsize(path) > LARGEST_ZIP:
        raise refuse(f"the zip has {os.path.getsize(path)} bytes; {LARGEST_ZIP} are allowed")
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # what a damaged zip can raise is in no document
        raise refuse(f"it is not a zip: {error}") from None
    with archive:
        members = archive.infolist()
        if len(members) > ALL_TOGETHER:
            raise refuse(f"more than {ALL_TOGETHER} files")
        for member in members:
            name = member.filename.removeprefix("./")  # as tar writes names
            if member.is_dir():
                continue
            if name.startswith("/") or ".." in name.split("/"):
                raise refuse(f"{name} would be unpacked outside of its folder")
            if stat.S_ISLNK(member.external_attr >> 16):
                raise refuse(f"{name} is a symbolic link")
            if name not in lab.submit:
                others.append(name)
                continue
            if name in files:
                raise refuse(f"{name} is in the zip twice")
            if member.file_size > LARGEST:
                raise refuse(f"{name} has {member.file_size} bytes; {LARGEST} are allowed")
            try:
                with archive.open(member) as file:
                    files[name] = file.read(LARGEST + 1)[:LARGEST]
            except Exception as error:
                raise refuse(f"{name}: {error}") from None
    for name in lab.submit:
        if name not in files:
            deeper = next(
                (
                    f" (it holds {other}: zip the files, not their folder)"
                    for other in others
                    if other.endswith("/" + name)
                ),
                "",
            )
            raise refuse(f"{name} is missing{deeper}")
    return files, sorted(others)


def pack(lab, path, target):
    """Writes the zip that is handed in; equal files make an equal zip."""
    files, _ = collect(lab, path)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), files[name])
    return sorted(files)
