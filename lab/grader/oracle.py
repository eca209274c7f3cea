"""Linux as the oracle: what a test program prints on the host, stored beside the lab with the hash of its source, so that grading needs no
privilege and every machine expects the same. Run again when a test program changes."""

import hashlib
import os
import subprocess
import tempfile

from . import broken, build, write_file


def output(lab, test, seed):
    """Runs the program on Linux, in an empty folder that stands for the root of the lab's disk."""
    program = os.path.join(build.BUILD, "labs", lab.id, test.program)
    with tempfile.TemporaryDirectory(prefix="minnow-oracle-") as folder:
        done = subprocess.run(
            [program, *test.run.split()[1:], str(seed)],
            env=dict(os.environ, LAB_ROOT=folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
        )
    if done.returncode:
        raise broken(
            f"{test.id} fails on Linux with seed {seed}: {done.stdout[-500:].decode(errors='replace')}"
        )
    return done.stdout.decode("latin-1")


def store(lab):
    """Stores the outputs of all tests and seeds, and returns how many."""
    count = 0
    for seeds, folder in ((lab.seeds, "tests"), (lab.hidden_seeds, "instructor")):
        for test in (t for t in lab.tests if t.oracle):
            with open(os.path.join(lab.folder, "tests", test.program + ".c"), "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            for seed in seeds:
                head = f"{test.id}, seed {seed}, printed on Linux by {test.program}.c, SHA-256 {digest}\n"
                write_file(
                    os.path.join(lab.folder, folder, "expected", f"{test.id}-{seed}.txt"),
                    head + output(lab, test, seed),
                )
                count += 1
    return count
