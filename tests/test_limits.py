"""Greedy and broken programs, damaged disks: a request for too much is refused, a file that is no
program is not run, a disk without a sound file system is not mounted; and no service dies of it."""

import os
import random
import struct
import subprocess

import pytest

import vmlib
from longlib import in_full
from test_fuzz import services

EXHAUST = "/usr/lib/minnow-tests/exhaust"


def after(vm, script, timeout=90, **options):
    """The lines that a script prints; afterwards all services are there."""
    result = vm(
        ["sh", "-c", f"{script}; echo '== status' $?; cat /proc/minnow/services"],
        timeout=timeout,
        **options,
    )
    assert result.status == 0, result
    said, rest = result.stdout.decode().split("== status ")
    for name, (state, deaths) in services(rest).items():
        assert state == "running" and deaths == 0, name
    return said.splitlines(), int(rest.split()[0])


@pytest.mark.parametrize(
    "what, said",
    [
        ("fork-limited", ["19 EAGAIN"]),
        ("fork-all", ["many EAGAIN"]),
        ("bomb", ["over: ESRCH"]),
        ("memory-touched", ["hog: signal 9"]),
        ("memory-limited", ["limited ENOMEM"]),
        (
            "descriptors",
            [
                "1 EMFILE",
                'open("/", O_RDONLY) = -1 EMFILE',
                "pipe(ends) = -1 EMFILE",
                "fcntl(0, F_DUPFD, 0) = -1 EMFILE",
            ],
        ),
        ("pipes", ["pipe(report) = 0", "pipe(ends) = 0"]),
        ("threads", ["many EAGAIN"]),
        (
            "arguments",
            [
                f'execve("/bin/true", {how}) = -1 E2BIG'
                for how in ("one, none", "list, none", "none, list")
            ],
        ),
        ("timers", ["worked"]),
        ("transfer", ["done"]),
    ],
)
def test_what_is_exhausted_is_refused(vm, what, said):
    assert after(vm, f"{EXHAUST} {what}") == (said, 0)


@pytest.mark.parametrize(
    "what, said", [("moves", "refused, other errors: 0, lost: 0"), ("parted", "still shared: 0")]
)
def test_who_has_used_all_up_is_refused_the_little_that_is_missing(vm, what, said):
    """Page tables for a mapping that moves; descriptors of its own for a program that begins."""
    assert after(vm, f"/usr/lib/minnow-tests/_scarce {what}") == ([said], 0)


def test_the_last_fork_costs_what_the_first_did(vm):
    assert after(vm, f"{EXHAUST} fork-cost", count=True) == (["at last as at first"], 0)


@pytest.mark.parametrize("what", ["fork-all", "memory-touched", "threads", "pipes", "bomb"])
def test_the_system_survives_in_32_mib(vm, what):
    """A program that needs a page when there is none is killed, be it the shell or the harness' own; one
    that is to be started then (the bomb's children live on) cannot be: 126."""
    result = vm(["sh", "-c", f"{EXHAUST} {what}; cat /proc/minnow/services"], mem=32, timeout=90)
    assert result.status in (0, 126, 137), result
    assert b"stopped" not in result.log and b"died" not in result.log, result.log


@pytest.mark.parametrize("folder", ["/tmp", "/root", "/boot"])
def test_full_file_systems_say_so_and_keep_what_was_synced(vm, folder):
    said, status = after(vm, f"cd {folder}; {EXHAUST} disk; ls")
    assert status == 0
    assert said[:5] == [
        "write(kept, block, sizeof block) = 65536",
        "fsync(kept) = 0",
        "E28",
        "E28",
        "write(kept, block, sizeof block) < 0 ? -errno : 1 = -28",
    ]
    assert said[6:13] == [
        "fsync(fd) < 0 ? errno != ENOSPC && errno != EIO : 0 = 0",
        "ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET) = 0",
        "write(fd, block, sizeof block) = 65536",
        'unlink("full") = 0',
        "read(again, block, sizeof block) = 65536",
        "1",
        'unlink("kept") = 0',
    ]


@pytest.mark.parametrize("folder", ["/tmp", "/root", "/boot"])
def test_what_a_removed_file_took_is_free_at_once(vm, folder):
    assert after(vm, f"cd {folder}; {EXHAUST} removed") == (["refused: 0, miscounted: 0"], 0)


@pytest.mark.parametrize("folder", ["/tmp", "/root"])
def test_mapped_files_that_are_cut_and_removed_leave_nothing(vm, folder):
    assert after(vm, f"cd {folder}; {EXHAUST} churning") == (["child: exit 0", "lost: 0"], 0)


@pytest.mark.parametrize("folder", ["/tmp", "/root"])
def test_a_store_into_a_hole_of_a_full_file_system_is_sigbus(vm, folder):
    assert after(vm, f"cd {folder}; {EXHAUST} hole") == (
        [
            "ftruncate(fd, PAGES * 4096) = 0",
            "signal 7, code 2",
            "in the middle",
            "msync(map, PAGES * 4096, MS_SYNC) = 0",
            "fsync(fd) = 0",
            'unlink("full") || close(full) = 0',
            "store_pages(map, stored, PAGES) = 256",
            "munmap(map, PAGES * 4096) || fsync(fd) = 0",
            "wrong pages: 0",
            'unlink("hole") || close(fd) = 0',
        ],
        0,
    )


@pytest.mark.parametrize("folder", ["/tmp", "/root", "/boot", "/proc", "/dev"])
def test_reading_a_folder_far_behind_its_end_finds_nothing(vm, folder):
    assert after(vm, f"cd {folder}; {EXHAUST} beyond") == (["looked"], 0)


def test_a_thousand_folders_deep(vm):
    said, _ = after(vm, f"cd /root; {EXHAUST} deep")
    assert said[1] == "1000" and said[-1] == 'rmdir("deep") = 0'


@pytest.mark.parametrize(
    "emu, mem",
    [("qemu", 32), ("qemu", 128), ("qemu", 512), in_full("qemu", 3000), in_full("bochs", 2500)],
)
def test_a_program_gets_the_memory_that_is_called_available(vm, emu, mem):
    said, status = after(
        vm,
        f"su student -c '{EXHAUST} memory-available'; ls /proc/minnow | wc -l",
        emu=emu,
        mem=mem,
        timeout=400,
    )
    assert said[:3] == ["hog: signal 9", "what it said", "5 MiB at least"] and status == 0


# Offset, format and value of what is wrong in a file header, or of the first program header (behind 64 bytes).
NO_PROGRAMS = {
    "magic": (0, "B", 0),
    "class": (4, "B", 1),
    "byte order": (5, "B", 2),
    "type": (16, "<H", 4),
    "machine": (18, "<H", 3),
    "no headers": (56, "<H", 0),
    "header size": (54, "<H", 32),
    "headers far away": (32, "<Q", 1 << 40),
    "headers nowhere": (32, "<Q", (1 << 64) - 8),
    "headers too many": (56, "<H", 65535),
}
STRANGE_PROGRAMS = {
    "larger in the file": (64 + 40, "<Q", 1),
    "address too high": (64 + 16, "<Q", 1 << 47),
    "address around": (64 + 16, "<Q", (1 << 64) - 4096),
    "entry nowhere": (24, "<Q", 0x10),
    "entry in the kernel": (24, "<Q", (1 << 64) - 4096),
    "huge": (64 + 40, "<Q", 1 << 46),
    "offset odd": (64 + 8, "<Q", 1),
    "offset far": (64 + 8, "<Q", 1 << 40),
    "address zero": (64 + 16, "<Q", 0),
    "no permissions": (64 + 4, "<I", 0),
    "all around": (64 + 40, "<Q", (1 << 64) - 1),
}


def test_malformed_programs_are_not_run(vm, tmp_path):
    original = open(os.path.join(vmlib.BUILD, "programs", "clocks"), "rb").read()
    changes = {**NO_PROGRAMS, **STRANGE_PROGRAMS}
    for n, (offset, form, value) in enumerate(changes.values()):
        changed = bytearray(original)
        struct.pack_into(form, changed, offset, value)
        (tmp_path / f"{n:02}").write_bytes(changed)
    for n, length in enumerate((0, 1, 63, 64, 100, 4095), 50):
        (tmp_path / f"{n:02}").write_bytes(original[:length])
    noise = random.Random(1)
    for n in range(60, 99):  # many wrong bytes in the headers
        changed = bytearray(original[:40000])
        for _ in range(noise.choice((1, 3, 10))):
            changed[noise.randrange(4, 64 + 56 * 6)] = noise.randrange(256)
        (tmp_path / f"{n:02}").write_bytes(changed)
    for path in tmp_path.iterdir():
        path.chmod(0o755)
    said, _ = after(vm, f"cd /tmp/p; {EXHAUST} execute *", add=[(str(tmp_path), "/tmp/p")])
    found = dict(line.split(": ", 1) for line in said if line[:2].isdigit() and line[2:4] == ": ")
    for n, name in enumerate(changes):
        if name in NO_PROGRAMS:
            assert found[f"{n:02}"] == "ENOEXEC", name
        else:
            assert found[f"{n:02}"] in ("ENOEXEC", "ENOMEM", "EINVAL") or found[
                f"{n:02}"
            ].startswith("signal"), name
    assert all(found[f"{n}"] == "ENOEXEC" for n in range(50, 55))


WORK = """ls -lR / >/dev/null 2>&1; cat /etc/* /bin/dash $D/* >/dev/null 2>&1
mkdir $D/n; for i in 1 2 3; do echo $i >$D/n/$i; cp /etc/passwd $D/n/c$i; done; ls $D/n; rm -r $D/n; sync; du -s / >/dev/null 2>&1"""


@pytest.mark.parametrize("server", ["ext2", "ext2_ro"])
@pytest.mark.parametrize("seed", range(1, 9))
def test_damaged_root_is_refused_or_served(seed, server, tmp_path):
    """Superblock, group descriptors, inodes, folders with wrong bytes."""
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    noise = random.Random(seed)
    start, _ = image.partitions[1]
    with open(image.path, "r+b") as file:
        for _ in range(noise.choice((1, 4, 30, 200))):
            places = [(4096, 256), (16384, 4096 * 60), (0, 4096 * 700)] + (
                [] if seed % 3 else [(1024, 204)]
            )
            first, length = noise.choice(places)
            at = start + first + noise.randrange(length)
            file.seek(at)
            old = file.read(1)[0]
            file.seek(at)
            file.write(
                bytes([noise.choice((old ^ 1 << noise.randrange(8), 0, 255, noise.randrange(256)))])
            )
    said, log = [], []

    def listen(data):
        log.append(data)
        if b"no root:" in run.last_words:  # VFS will be tried again and again
            run.emulator.kill()

    run = vmlib.Run(
        ["sh", "-c", f"D=/root\n{WORK}; echo '== status' 0; cat /proc/minnow/services"],
        said.append,
        lambda _: None,
        listen,
        image=image.path,
        timeout=60,
        service=[("ext2", os.path.join(vmlib.BUILD, "services", server))],
    )
    status = run.run()
    text, log = b"".join(said).decode(errors="replace"), b"".join(log)
    if "== status" not in text:  # refused, and it says why; or the shell is damaged itself
        assert any(
            word in log for word in (b"cannot be mounted", b"corrupt", b"init:")
        ) or status in (126, 127, 139), (status, text, log)
        assert b"panic" not in log
        return
    for name, (state, deaths) in services(text.split("== status")[1]).items():
        assert state == "running" and deaths == 0, name


@pytest.mark.parametrize("folder", ["/root", "/boot", "/tmp"])
def test_a_mapping_may_be_larger_than_what_its_server_lends_at_a_time(vm, folder):
    assert after(vm, f"cd {folder}; {EXHAUST} mapped-much") == (
        ["ftruncate(fd, size) = 0", "child: exit 0", "much, wrong: 0", 'unlink("much") = 0'],
        0,
    )


def test_a_page_that_cannot_be_had_is_sigbus_and_its_neighbours_are_there(tmp_path):
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    start, length = image.partitions[1]
    root, content = str(tmp_path / "root.img"), str(tmp_path / "content")
    with open(image.path, "rb") as file:
        file.seek(start)
        open(root, "wb").write(file.read(length))
    open(content, "wb").write(bytes(range(1, 5)) * 4096)
    for command in (f"write {content} /root/bad", "set_inode_field /root/bad block[1] 0x7fffff00"):
        subprocess.run(["debugfs", "-w", "-R", command, root], check=True, capture_output=True)
    with open(image.path, "r+b") as file:
        file.seek(start)
        file.write(open(root, "rb").read())
    result = vmlib.run(["sh", "-c", f"{EXHAUST} touch /root/bad"], image=image.path, timeout=30)
    there = ["a byte", "signal 0, code 0", "signal 0, code 0"]
    assert [line.split(": ")[1] for line in result.stdout.decode().splitlines()] == (
        there + ["E117", "signal 7, code 2", "signal 7, code 2"] + there + there
    )


@pytest.mark.parametrize("seeds", [range(n, n + 25) for n in (1, 26, 51, 76)], ids=str)
def test_damaged_fat_is_refused_or_served(vm, seeds):
    """The boot partition, once the system has been loaded from it; damage adds up from round to round."""
    rounds = f"for s in {' '.join(map(str, seeds))}; do umount /boot; {EXHAUST} damage /dev/vda1 $s; mount -t vfat /dev/vda1 /boot 2>/dev/null && {{ echo mounted; D=/boot\n{WORK}; }}; done >/dev/null 2>&1"
    after(vm, rounds, check=False)
