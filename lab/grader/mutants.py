"""A lab's mutants: known wrong solutions, each a patch of the reference and a .toml that says which tests it must fail."""

import difflib
import glob
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field

from . import (
    ROOT,
    USAGE,
    Stop,
    broken,
    build,
    lab as labs,
    record as records,
    submission,
    write_file,
)


@dataclass
class Mutant:
    name: str
    files: dict  # {name: bytes}
    fails: set  # the tests that it must fail; what needs one of them is not run
    why: str
    emulators: list = field(default_factory=lambda: ["qemu"])


def folder_of(lab):
    return os.path.join(lab.instructor, "mutants")


def paths(lab):
    return sorted(glob.glob(os.path.join(folder_of(lab), "*.patch")))


def name_of(path):
    return os.path.basename(path)[: -len(".patch")]


def solution(lab):
    return submission.collect(lab, os.path.join(lab.instructor, "solution"))[0]


def patched(files, patch, fuzz=2):
    """The files with the patch applied; None where it does not fit."""
    with tempfile.TemporaryDirectory(prefix="minnow-mutant-") as folder:
        for name, data in files.items():
            write_file(os.path.join(folder, name), data)
        done = subprocess.run(
            ["patch", "-s", "-p1", f"--fuzz={fuzz}", "-d", folder, "-i", patch], capture_output=True
        )
        if done.returncode:
            return None
        return {name: submission.read(folder, name) for name in files}


def load(lab):
    found, whole = [], solution(lab)
    for patch in paths(lab):
        files = patched(whole, patch)
        if files is None:
            raise broken(
                f"{name_of(patch)} does not fit the solution: lab/admin mutant {lab.id} --refresh"
            )
        about = labs.read_toml(patch[: -len("patch")] + "toml")
        try:
            found.append(
                Mutant(name_of(patch), files, **{**about, "fails": set(about.get("fails", []))})
            )
        except TypeError as error:
            raise broken(f"{name_of(patch)}.toml: {error}") from None
    return found


# ---- writing them ----


def difference(before, after):
    """A patch from {name: bytes} to another."""
    return "".join(
        line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
        for name in sorted(before)
        for line in difflib.unified_diff(
            before[name].decode().splitlines(keepends=True),
            after[name].decode().splitlines(keepends=True),
            f"a/{name}",
            f"b/{name}",
        )
    )


def write(lab, name, folder):
    """Writes the patch from the solution to the files in a folder; its name, which gets a number if it has none."""
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise Stop(USAGE, f"{name}: a mutant's name has small letters, digits and dashes")
    known = [name_of(path) for path in paths(lab)]
    if not re.match(r"\d\d-", name):
        same = [n for n in known if n[3:] == name]
        highest = max((int(n[:2]) for n in known if n[:2].isdigit()), default=0)
        name = same[0] if same else f"{highest + 1:02}-{name}"
    text = difference(solution(lab), submission.collect(lab, folder)[0])
    if not text:
        raise Stop(USAGE, f"the files in {folder} are the solution's")
    write_file(os.path.join(folder_of(lab), name + ".patch"), text)
    return name


def needs_toml(lab, name):
    return not os.path.exists(os.path.join(folder_of(lab), name + ".toml"))


def write_toml(lab, name, why):
    """Grades the mutant with the visible seeds, writes its .toml, and returns the tests that it fails."""
    files = patched(solution(lab), os.path.join(folder_of(lab), name + ".patch"))
    record = records.grade(lab, files)
    if not record["build"]["ok"]:
        raise Stop(USAGE, f"{name} does not build: {record['build']['output']}")
    fails = [t["id"] for t in record["tests"] if t["status"] == "failed"]
    said = why.replace("\\", "\\\\").replace('"', '\\"')
    listed = ", ".join(f'"{test}"' for test in fails)
    write_file(
        os.path.join(folder_of(lab), name + ".toml"), f'why = "{said}"\nfails = [{listed}]\n'
    )
    return fails


# ---- when the solution has changed ----


def git(*words):
    done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True)
    return done.stdout if done.returncode == 0 else b""


def versions(lab):
    """The solution as it was at each commit that changed it, the newest first; {name: bytes} each."""
    where = os.path.relpath(os.path.join(lab.instructor, "solution"), ROOT)
    for commit in git("log", "--format=%H", "--", where).decode().split():
        files = {name: git("show", f"{commit}:{where}/{name}") for name in lab.submit}
        if all(files.values()):
            yield files


def merged(base, spoilt, now):
    """What the way from base to spoilt makes of `now`; None if the two ways meet."""
    with tempfile.TemporaryDirectory(prefix="minnow-merge-") as folder:
        for name, data in (("now", now), ("base", base), ("spoilt", spoilt)):
            write_file(os.path.join(folder, name), data)
        done = subprocess.run(
            ["git", "merge-file", "-p", "now", "base", "spoilt"], cwd=folder, capture_output=True
        )
        return done.stdout if done.returncode == 0 else None


def carried_over(now, patch, history):
    """The mutant's files, made of today's solution. None: by hand, please."""
    files = patched(now, patch, fuzz=0)
    if files is not None:
        return files
    for base in history:
        spoilt = patched(base, patch, fuzz=0)
        if spoilt is None:
            continue
        files = {name: merged(base[name], spoilt[name], now[name]) for name in now}
        return None if None in files.values() else files
    return patched(now, patch)


def refresh(lab):
    """Writes all patches again for the solution as it is now: [(name, what came of it, whether that is good)]. A patch that no longer
    fits is merged three ways: with the newest solution in the repository's history that it fits."""
    now, history, said = solution(lab), list(versions(lab)), []
    for patch in paths(lab):
        files = carried_over(now, patch, history)
        text = difference(now, files) if files else ""
        if files is None:
            said.append((name_of(patch), "does not apply any more: left as it was", False))
        elif not text:
            said.append(
                (name_of(patch), "the solution has that change itself: left as it was", False)
            )
        else:
            with open(patch) as file:
                same = file.read() == text
            if not same:
                write_file(patch, text)
            said.append((name_of(patch), "as it was" if same else "written again", True))
    return said
