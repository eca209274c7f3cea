"""What an instructor makes out of a lab: the autograder's zip, the students' tree, a new lab."""

import fnmatch
import io
import os
import re
import shutil
import tarfile
import tempfile
import zipfile

from . import LABS, ROOT, USAGE, Stop, build, lab as labs

# ---- the students' tree ----

NOT_SOURCES = [
    "build",
    "*/__pycache__",
    "*.pyc",
    "__pycache__",
    ".git",
    ".ci",
    "lab/*/src",
    "*.zip",
]
PROOFS_OF_GRADER = (
    "selftest",
    "mutants",
    "mutate",
    "trial",
    "cluster",
    "hostile",
    "oracle",
    "make",
)
PROOFS = [
    "lab/hostile",
    *[f"lab/grader/{name}.py" for name in PROOFS_OF_GRADER],
    "lab/grader/templates*",
    "tests/test_lab*.py",
]
NOT_RELEASED = [
    *NOT_SOURCES,
    *PROOFS,
    "lab/*/instructor",
    "lab/admin",
    "lab/INSTRUCTORS.md",
    "lab/IDEAS.md",
    *[f"lab/grader/{name}.py" for name in ("classroom", "local", "slurm", "similarity")],
    "lab/grader/README.md",
]
NOT_PACKED = [
    *NOT_SOURCES,
    ".gitignore",
    "lab/hostile",
    "lab/*/instructor/solution",
    "lab/*/instructor/mutants",
    "lab/*/instructor/rubric.md",
]


# What pages and makefiles say of those files: {pattern of names: [(what, what instead)]}.
FOR_STUDENTS = {
    "*README.md": [
        (r"\n`IDEAS\.md`[^\n]*", ""),
        (r"\n    instructor/ [^\n]*", ""),
        (r", `hostile/` submissions that mean harm", ""),
        (r"`instructor/` stays .*", ""),
        (r"\n[^\n]*make test-labs  #[^\n]*", ""),
        (r"\n\| `test_lab\w*\.py`[^\n]*", ""),
        (r" \(`lab/admin oracle [^)]*\)", ""),
        (r"`lab/admin reference LAB` has", "your instructor has"),
    ],
    ".gitignore": [(r"/lab/\*/reference/\n", "")],  # theirs has it
    "Makefile": [(r"\n#   make test-labs[^\n]*", "")],
    "lab/build.mk": [(r"\n# make test-labs:.*?\n\n", "\n"), (r" test-labs", "")],
}


def for_students(name, text):
    for pattern, changes in FOR_STUDENTS.items():
        if fnmatch.fnmatch(name, pattern):
            for what, instead in changes:
                text = re.sub(what, instead, text, flags=re.S)
    return text


def kept(relative, without):
    return not any(fnmatch.fnmatch(relative, pattern) for pattern in without)


def walk(without):
    """The tree's files, relative to its root."""
    for folder, inner, names in os.walk(ROOT):
        here = os.path.relpath(folder, ROOT)
        here = "" if here == "." else here + "/"
        inner[:] = sorted(i for i in inner if kept(here + i, without))
        yield from (here + name for name in sorted(names) if kept(here + name, without))


def release(target, without=NOT_RELEASED):
    """Copies the students' tree, and returns how many files."""
    if os.path.exists(target) and os.listdir(target):
        raise Stop(USAGE, f"{target} is not empty")
    count = 0
    for name in walk(without):
        where = os.path.join(target, name)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        shutil.copy2(os.path.join(ROOT, name), where, follow_symlinks=False)
        if any(fnmatch.fnmatch(name, pattern) for pattern in FOR_STUDENTS):
            with open(where, "r+") as file:
                text = for_students(name, file.read())
                file.seek(0)
                file.write(text)
                file.truncate()
        count += 1
    return count


# ---- Gradescope ----

SETUP = """#!/bin/bash
# Runs once, as root and with the network, when Gradescope builds the image of the autograder.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends make gcc g++ libc6-dev binutils qemu-system-x86 mtools e2fsprogs util-linux python3 patch
apt-get install -y --no-install-recommends "gcc-$(gcc -dumpversion | cut -d. -f1)-plugin-dev"
for package in python3-tomli util-linux-extra; do apt-get install -y --no-install-recommends $package || true; done
cd "${AUTOGRADER:-/autograder}/source"
tar -xf kit.tar.xz
# The libraries of services are compiled by the compiler that will compile the students' files.
rm -rf build/undo.so build/lib build/obj
make -s BUILD=build SETUP=no @LIBRARIES@
chmod -R go-w .
"""

RUN = """#!/bin/bash
# Grades one submission. Needs no network, no terminal, no /dev/kvm, and no root: but where it is root, the students' files are compiled by
# somebody who can read nothing of this.
cd "${AUTOGRADER:-/autograder}/source" || exit 3
[ "$(id -u)" = 0 ] && chmod o= . ../results
out=$(mktemp -d) || exit 3
publish() { mv ../results/results.json.new ../results/results.json || exit 3; }
rm -f ../results/results.json
export LC_ALL=C.UTF-8
MINNOW_BUILT=1 python3 -B lab/admin grade-one @LAB@ ../submission "$out" 2>"$out/said"
status=$?
cat "$out/said"
case $status in
0|1|2) cp "$out/results.json" ../results/results.json.new && publish ;;
5)     python3 -B - "$out/said" >../results/results.json.new <<'END' && publish
import json, sys
print(json.dumps({"score": 0, "output": open(sys.argv[1]).read(), "output_format": "text", "visibility": "visible"}))
END
       ;;
*)     echo "the grading itself failed: no score" ; exit "$status" ;;
esac
rm -rf "$out"
[ -e ../results/results.json ] || exit 3
"""


def kit_files(lab):
    """Sources that a build needs, this lab and the grader; of the build, what runs."""
    for name in walk(NOT_PACKED):
        top = name.split("/")
        if (
            top[0] == "lab"
            and len(top) > 2
            and os.path.exists(os.path.join(LABS, top[1], "lab.toml"))
            and top[1] != lab.id
        ):
            continue
        yield name
    for name in [
        "disk.img",
        "sequence.html",
        *sorted({f"services/{s}" for s in lab.services.values()}),
        "labs/labrun",
        *sorted({f"labs/{lab.id}/{test.program}" for test in lab.tests}),
    ]:
        yield os.path.join("build", name)


def owned_by_root(member):
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def kit(lab):
    """The tar as bytes. Holes of the disk image cost nothing when compressed."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz", preset=3) as archive:
        for name in kit_files(lab):
            source = (
                os.path.join(build.BUILD, name[len("build/") :])
                if name.startswith("build/")
                else os.path.join(ROOT, name)
            )
            archive.add(source, name, recursive=False, filter=owned_by_root)
    return data.getvalue()


def pack_gradescope(lab, target):
    build.prepare(lab)
    libraries = " ".join(
        [f"build/lib/{os.path.basename(name)}.a" for name in ["libservice", *lab.libraries]]
        + ([f"build/services/{lab.server}"] if lab.base else [])
    )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("setup.sh", SETUP.replace("@LIBRARIES@", libraries)),
            ("run_autograder", RUN.replace("@LAB@", lab.id)),
        ):
            member = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            member.external_attr = 0o755 << 16
            archive.writestr(member, text)
        archive.writestr(zipfile.ZipInfo("kit.tar.xz", (2026, 1, 1, 0, 0, 0)), kit(lab))


# ---- a repository for GitHub's classrooms ----

# Tests of the system itself, which no lab needs.
NOT_OF_A_LAB = [f"tests/{name}" for name in ("test_*.py", "fault", "ports", "unit", "jobs")]


def pack_classroom(lab, target):
    """A template repository: the students' tree with this lab alone, the skeleton where the student
    works, and what grades each push. A folder, or a zip where the name ends so."""
    if target.endswith(".zip"):
        with tempfile.TemporaryDirectory(prefix="minnow-classroom-") as folder:
            pack_classroom(lab, os.path.join(folder, lab.id))
            shutil.make_archive(target[: -len(".zip")], "zip", folder)
        return
    others = [f"lab/{name}" for name in labs.names() if name != lab.id]
    release(target, [*NOT_RELEASED, *NOT_OF_A_LAB, *others])
    shutil.copytree(lab.skeleton, os.path.join(target, os.path.relpath(lab.source, ROOT)))
    with open(os.path.join(target, ".gitignore"), "w") as file:
        file.write("/build/\n__pycache__/\n/*.zip\n")
    with open(os.path.join(target, ".vscode", "tasks.json"), "r+") as file:
        text = re.sub(r'"default": "[^"]*"', f'"default": "{lab.id}"', file.read())
        file.seek(0)
        file.write(text)
        file.truncate()
    files = ", ".join(f"`{os.path.relpath(lab.source, ROOT)}/{name}`" for name in lab.submit)
    for name, where in CLASSROOM.items():
        with open(os.path.join(LABS, "grader", "templates-classroom", name)) as file:
            text = file.read()
        for word, value in {"LAB": lab.id, "TITLE": lab.title, "FILES": files}.items():
            text = text.replace(f"@{word}@", value)
        path = os.path.join(target, where)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)


CLASSROOM = {"grade.yml": ".github/workflows/grade.yml", "README.md": ".github/README.md"}


# ---- a new lab ----


def new_lab(name, server):
    """Makes a lab of the templates, with the names put in. Returns a text that says what to do
    next."""
    if not re.fullmatch(r"\d\d-[a-z0-9]+", name):
        raise Stop(USAGE, f"{name}: a lab's name is like 07-swap")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,13}", server):
        raise Stop(USAGE, f"{server}: a server's name has up to 14 small letters")
    folder = os.path.join(LABS, name)
    if os.path.exists(folder):
        raise Stop(USAGE, f"lab/{name} is there already")
    templates = os.path.join(LABS, "grader", "templates")
    for root, _, files in os.walk(templates):
        for file in files:
            with open(os.path.join(root, file)) as source:
                text = source.read().replace("@LAB@", name).replace("@SERVER@", server)
            where = os.path.join(
                folder, os.path.relpath(root, templates), file.replace("SERVER", server)
            )
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with open(where, "w") as target:
                target.write(text)
    labs.load(name)  # ends the command if something is wrong with it
    return (
        f"lab/{name}: it works as it is: lab/admin selftest {name}\n"
        f"then: HANDOUT.md and tests/ (what is asked), skeleton/ and instructor/solution/ (the server), instructor/mutants/ (what must be caught)"
    )
