"""The power fails in the middle of writes: e2fsck repairs the root, and nothing is lost that had
been fsynced, be it written by a call or through a mapping."""

import subprocess

import pexpect.fdpexpect
import pytest

import machine

WRITER = (
    "mkdir /root/w; i=0; while :; do i=$((i+1)); seq $i 3000 >/root/w/$i; mv /root/w/$i /root/w/f$i; "
    "fsync /root/w/f$i && echo synced-$i; seq 9000 >/root/w/loose; done"
)


def partition(image, folder):
    start, size = image.partitions[1]
    path = f"{folder}/root.img"
    subprocess.run(
        [
            "dd",
            f"if={image.path}",
            f"of={path}",
            "bs=1M",
            "status=none",
            "iflag=skip_bytes,count_bytes",
            f"skip={start}",
            f"count={size}",
        ],
        check=True,
    )
    return path


@pytest.mark.parametrize("files", [1, 7, 20])
def test_synced_files_survive_a_power_cut(files, tmp_path):
    with machine.Machine() as vm:
        session = pexpect.fdpexpect.fdspawn(vm.serial, timeout=100)
        session.expect("# ")
        session.sendline(WRITER)
        session.expect(f"synced-{files}\r\n")
        vm.process.kill()
        vm.process.wait()
        root = partition(vm.image, tmp_path)
    repair = subprocess.run(["e2fsck", "-fy", root], capture_output=True, text=True)
    assert repair.returncode in (0, 1), repair.stdout
    assert subprocess.run(["e2fsck", "-fn", root], capture_output=True).returncode == 0
    for i in range(1, files + 1):
        content = subprocess.run(
            ["debugfs", "-R", f"cat /root/w/f{i}", root], capture_output=True, text=True
        ).stdout
        assert content == "".join(f"{n}\n" for n in range(i, 3001)), f"file {i} after {files}"


@pytest.mark.parametrize(
    "how",
    ["protect", "unmap", "msync", "msync-child", "fsync", "registers", "syncfs", "sync"],
)
def test_what_was_written_through_a_mapping_survives_a_power_cut(how, tmp_path):
    with machine.Machine() as vm:
        session = pexpect.fdpexpect.fdspawn(vm.serial, timeout=100)
        session.expect("# ")
        session.sendline(f"/usr/lib/minnow-tests/_dirty {how} /root/mapped; echo status $?")
        assert session.expect(["on the disk\r\n", r"status \d"]) == 0, session.after
        vm.process.kill()
        vm.process.wait()
        root = partition(vm.image, tmp_path)
    subprocess.run(["e2fsck", "-fy", root], capture_output=True)
    content = subprocess.run(
        ["debugfs", "-R", "cat /root/mapped", root], capture_output=True, text=True
    ).stdout
    assert content == "B" * 16 * 4096 + "end", {c: content.count(c) for c in "AB\0"}
