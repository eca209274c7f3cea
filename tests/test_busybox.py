"""BusyBox's own test suite, run inside the system with the same binary and shell: what passes on Linux passes here.

One boot runs the suite on tmpfs, and the tests about files again on ext2. Tests that fail on Linux
too, in the same configuration, stand in FAILS with the reason. A test that fails and is not in FAILS
is a bug of the system; one that is in FAILS and passes is to be removed from it."""

import os
import re

import vmlib
from longlib import long

USERLAND = os.path.join(vmlib.ROOT, "build", "userland")
SOURCE = os.path.join(USERLAND, "busybox-source")

# Only arithmetic, and minutes of it in an emulator.
LEFT_OUT = set("bc dc factor md5sum sha1sum sha256sum sha3sum sha512sum".split())

# These run on ext2 as well.
FILES = (
    "ar busybox bzcat cat cmp cp cpio dd du find grep gzip gunzip ln ls mkdir mv patch readlink realpath rm rmdir sed sort "
    "tail tar tee touch unzip wc xargs".split()
)

FAILS = {
    "cpio lists hardlinks": "BusyBox's source has it as a TODO: cpio -t does not show links",
    "date-timezone": "musl's strptime knows no %z",
    "sed embedded NUL": "BusyBox's own, the suite counts it among SKIP_KNOWN_BUGS: it substitutes behind each NUL",
    "sed NUL in command": "BusyBox's own, among SKIP_KNOWN_BUGS",
    "sed nonexistent label": "BusyBox's own, among SKIP_KNOWN_BUGS: without input no jump is looked at",
    "start-stop-daemon with both -x and -a": "/bin/false is BusyBox, which has no applet named qwerty",
    "unzip (subdir only)": "the suite calls zip, which there is not",
}
FAILS_ON_EXT2 = {
    "du-m-works": "a file of 1 MiB has an indirect block on ext2, there and on Linux's; the suite was written on another kind",
}

# sh suite.sh FOLDER APPLET...
SUITE = """
mkdir -p $1 && cp -a /root/suite/. $1 && cp /bin/busybox $1 && cd $1/testsuite || exit 9
shift
SHELL=/bin/sh bindir=${PWD%/*} ECHO=echo LC_ALL=C ./runtest "$@" 2>&1
"""


def verdicts(text):
    """{name: the set of verdicts}, since names are not unique."""
    found = {}
    for verdict, name in re.findall(r"^(PASS|FAIL): (.*)$", text, re.M):
        found.setdefault(name, set()).add(verdict)
    return found


@long
def test_what_passes_on_linux_passes_here(vm, tmp_path):
    script = tmp_path / "suite.sh"
    script.write_text(SUITE)
    add = [
        (f"{SOURCE}/testsuite", "/root/suite/testsuite"),
        (f"{SOURCE}/.config", "/root/suite/.config"),
        (script, "/root/suite.sh"),
    ]
    result = vm(
        [
            "sh",
            "-c",
            f"sh /root/suite.sh /tmp/suite busybox $(busybox --list | grep -vxE '{'|'.join(sorted(LEFT_OUT))}');"
            f"echo '# ext2'; sh /root/suite.sh /root/ext2 {' '.join(FILES)}; echo '# end'; compat",
        ],
        add=add,
        timeout=240,
    )
    assert result.status == 0, result.stderr
    on_tmpfs, rest = result.stdout.decode(errors="replace").split("# ext2\n")
    on_ext2, missed = rest.split("# end\n")
    assert "no missing system call has been made" in missed
    for text, fails, least in (on_tmpfs, FAILS, 680), (on_ext2, FAILS | FAILS_ON_EXT2, 250):
        said = verdicts(text)
        failed = {name for name in said if "FAIL" in said[name]}
        assert failed == fails.keys() & said.keys()
        assert len(said) >= least
