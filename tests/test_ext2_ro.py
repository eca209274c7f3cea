"""vfs/ext2_ro in the place of ext2: the same files, no changes, and nothing lost when it dies."""

import hashlib
import os
import subprocess

import pytest

import vmlib
from longlib import long

SERVERS = {"ext2": [], "ext2_ro": [("ext2", os.path.join(vmlib.BUILD, "services", "ext2_ro"))]}
SECTOR, THIRD = 512, 24 << 20
LOOK = (
    "cd {0}; find . -xdev | sort | xargs stat -c '%n %f %u %g %s %h %i %b %D %t %T %Y %Z'; find . -xdev -type f | sort | xargs md5sum; "
    "find . -xdev -type l | sort | xargs -n 1 readlink; find . -xdev"
)


def said(vm, script, **options):
    result = vm(["sh", "-c", script], **options)
    assert result.status == 0, result
    return result.stdout.decode().splitlines()


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Files of each kind that ext2 stores differently: holes, each depth of indirect blocks, links,
    folders with a hash tree."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "many").mkdir()
    for n in range(2000):
        (folder / "many" / f"a name of some length {n}".replace(" ", "-")).touch()
    os.mkfifo(folder / "fifo")
    os.symlink("many", folder / "short")
    os.symlink("../" * 200 + "tmp", folder / "long")
    os.link(folder / "short", folder / "second", follow_symlinks=False)
    for name, places in {
        "direct": [0, 11],
        "indirect": [12, 200],
        "double": [267, 269, 9000],
        "triple": [268 + 256 * 256 + 5],
        "hole": [],
    }.items():
        with open(folder / name, "wb") as file:
            for place in places:
                file.seek(place * 1024)
                file.write(f"{name} {place}\n".encode() * 150)
            file.truncate((places or [300])[-1] * 1024 + 2500)
    return folder


@pytest.fixture(scope="session")
def disk(files, tmp_path_factory):
    """The system's disk with a third partition, of blocks of 1024 bytes, on which `files` are."""
    path = str(tmp_path_factory.mktemp("disk") / "disk.img")
    third = path + ".3"
    for command in (
        [
            "mke2fs",
            "-q",
            "-t",
            "ext2",
            "-b",
            "1024",
            "-O",
            "dir_index",
            "-d",
            str(files),
            third,
            f"{THIRD >> 10}k",
        ],
        ["e2fsck", "-fyD", third],
        ["e2fsck", "-fn", third],
    ):
        assert subprocess.run(command, capture_output=True).returncode in (0, 1)
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, path)
    start = os.path.getsize(path) // SECTOR
    with open(path, "r+b") as file, open(third, "rb") as part:
        file.seek(start * SECTOR)
        file.write(part.read())
    subprocess.run(
        ["sfdisk", "--quiet", "--append", path],
        input=f"start={start}, size={THIRD // SECTOR}, type=83",
        text=True,
        check=True,
    )
    return image.path


@long
def test_the_root_looks_the_same(vm):
    mounted = ("./boot ", "./dev ", "./proc ", "./tmp ")
    seen = {
        name: [
            line
            for line in said(vm, LOOK.format("/"), service=service)
            if not line.startswith(mounted)
        ]
        for name, service in SERVERS.items()
    }
    assert len(seen["ext2"]) > 500 and seen["ext2_ro"] == seen["ext2"]


@long
def test_another_partition_looks_the_same_and_as_it_was_made(vm, disk, files):
    script = (
        "mount -t ext2 -o ro /dev/vda3 /mnt || exit; "
        + LOOK.format("/mnt")
        + "; cat many/*-1999; cd /; umount /mnt; ls /mnt"
    )
    seen = {
        name: said(vm, script, service=service, image=disk) for name, service in SERVERS.items()
    }
    assert seen["ext2_ro"] == seen["ext2"]
    sums = {line[34:]: line[:32] for line in seen["ext2_ro"] if line[32:35] == "  ."}
    assert len(sums) > 2000
    for name in ("direct", "indirect", "double", "triple", "hole"):
        assert sums[f"./{name}"] == hashlib.md5((files / name).read_bytes()).hexdigest()
    assert os.readlink(files / "long") in seen["ext2_ro"] and "many" in seen["ext2_ro"]


CHANGES = [
    "touch /root/new",
    "sh -c 'echo x >>/etc/passwd'",
    "rm /etc/passwd",
    "mkdir /root/new",
    "rmdir /mnt",
    "mv /etc/passwd /etc/other",
    "chmod 600 /etc/passwd",
    "chown 7 /etc/passwd",
    "truncate -s 1 /etc/passwd",
    "ln /etc/passwd /root/new",
    "ln -s x /root/new",
    "mknod /root/new p",
    "touch /etc/passwd",
    "mount -o remount,rw /",
]


@long
def test_every_change_is_refused_and_says_why(vm):
    before, *answers, after = said(
        vm,
        "md5sum </dev/vda2; "
        + "; ".join(f"({c}) 2>&1" for c in CHANGES)
        + "; sync; md5sum </dev/vda2",
        service=SERVERS["ext2_ro"],
    )
    assert before == after and len(answers) == len(CHANGES), answers
    for change, answer in zip(CHANGES, answers):
        assert "ead-only file system" in answer or "EROFS" in answer, (change, answer)


def test_it_is_killed_under_load_and_nobody_notices(vm):
    lines = said(
        vm,
        "(while :; do find /bin /etc /lib /usr/lib/minnow-tests -type f | sort | xargs cat | md5sum; done >/tmp/sums) & n=0; "
        "while [ $n -lt 300 ] || [ $(wc -l </tmp/sums) -lt 4 ]; do service kill ext2; n=$((n+1)); done; "
        "kill $!; sort -u /tmp/sums | wc -l; echo $n; "
        "service list | awk '$1 == \"ext2\" { print $2, $4 }'",
        service=SERVERS["ext2_ro"],
    )
    assert lines[0] == "1" and lines[2] == f"running {lines[1]}", lines
