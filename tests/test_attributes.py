"""Extended attributes on the disk, beside what e2fsprogs make of them."""

import re
import subprocess

import pytest

import vmlib

XATTR = "/usr/lib/minnow-tests/_xattr"
VALUE = "v" * 200  # too long for a place in the inode, where ext2 does not look


@pytest.fixture
def shared(tmp_path):
    """The system's disk, with two files /root/a and /root/b that share a block of attributes."""
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    start, length = image.partitions[1]
    root, content = str(tmp_path / "root.img"), str(tmp_path / "content")
    with open(image.path, "rb") as file:
        file.seek(start)
        open(root, "wb").write(file.read(length))
    open(content, "w").write("x")

    def debugfs(command):
        return subprocess.run(
            ["debugfs", "-w", "-R", command, root], check=True, capture_output=True, text=True
        ).stdout

    for command in (
        "feature ext_attr",
        f"write {content} /root/a",
        f"write {content} /root/b",
        f"ea_set /root/a user.shared {VALUE}",
    ):
        debugfs(command)
    block = int(re.search(r"File ACL: (\d+)", debugfs("stat /root/a"))[1])
    assert block
    debugfs(f"set_inode_field /root/b file_acl {block}")
    debugfs("set_inode_field /root/b blocks 16")
    with open(root, "r+b") as file:
        file.seek(block * 4096 + 4)
        file.write((2).to_bytes(4, "little"))
    assert subprocess.run(["e2fsck", "-fn", root], capture_output=True).returncode == 0
    with open(image.path, "r+b") as file:
        file.seek(start)
        file.write(open(root, "rb").read())
    return image.path


def lines(vm, script, image):
    return vm(["sh", "-c", script], image=image).stdout.decode().splitlines()


def test_a_shared_block_is_read_and_copied_when_one_file_changes(vm, shared):
    """After each run e2fsck has looked at the disk, its counts of users included."""
    read = f"for f in a b; do {XATTR} get /root/$f user.shared; {XATTR} list /root/$f; done"
    before = [VALUE, "user.shared "] * 2
    assert lines(vm, read, shared) == before
    assert lines(vm, f"{XATTR} set /root/b user.own mine; {read}", shared) == [
        VALUE,
        "user.shared ",
        VALUE,
        "user.own user.shared ",
    ]


@pytest.mark.parametrize(
    "change",
    [
        "rm /root/a",
        f"{XATTR} remove /root/a user.shared",
        f"{XATTR} set /root/a user.big $(head -c 3000 /dev/zero | tr '\\0' x)",
        f"{XATTR} set /root/a user.big $(head -c 4000 /dev/zero | tr '\\0' x)",
    ],
    ids=["unlink", "remove", "set", "no room"],
)
def test_the_other_file_keeps_its_attributes(vm, shared, change):
    seen = lines(vm, f"{change}; sync; {XATTR} get /root/b user.shared", shared)
    assert seen == [VALUE]


def test_e2fsprogs_read_what_was_set(vm, tmp_path):
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    script = f"echo x >/root/f; for n in 3 1 2; do {XATTR} set /root/f user.n$n value$n; done"
    vm(["sh", "-c", script], image=image.path, keep=image.path)
    start, length = image.partitions[1]
    with open(image.path, "rb") as file:
        file.seek(start)
        open(tmp_path / "root.img", "wb").write(file.read(length))
    for n in "123":
        told = subprocess.run(
            ["debugfs", "-R", f"ea_get /root/f user.n{n}", str(tmp_path / "root.img")],
            capture_output=True,
            text=True,
        ).stdout
        assert f"value{n}" in told
