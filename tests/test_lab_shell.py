"""lab/lab run: a shell in the system with a student's server in its place."""

import os
import sys

import pexpect

import vmlib


def test_a_file_server_of_a_student_serves_the_shell():
    solution = os.path.join(vmlib.ROOT, "lab/05-fs/instructor/solution")
    shell = pexpect.spawn(
        sys.executable,
        ["-B", os.path.join(vmlib.ROOT, "lab/lab"), "run", "05-fs", "--source", solution],
        env=dict(os.environ, MINNOW_BUILT="1"),
        timeout=120,
        encoding="utf-8",
    )
    shell.expect("minnow:~# ")
    shell.sendline("mount -t minix /dev/vda3 /mnt && echo made >/mnt/file && cat /mnt/file")
    shell.expect("made\r*\n")
    shell.sendline("service list | grep minix")
    shell.expect(r"minix +running")
    shell.send("\x1dx")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0
