"""Programs of other people on the system's own disk (STANDARD_PORTS of commands/ports.mk), as who logs in finds them. What they all
do in full is tests/ports."""

import os
import re

import pytest

import vmlib

with open(os.path.join(vmlib.ROOT, "commands", "ports.mk"), encoding="utf-8") as rules:
    STANDARD = re.search(r"^STANDARD_PORTS := (.*)$", rules.read(), re.M).group(1).split()

# What each does, and what it then says.
JOBS = {
    "file": ("file -b /etc/passwd", "ASCII text"),
    "less": ("less -E /etc/hostname", "minnow"),
    "lua": ("lua -e 'print(6 * 7)'", "42"),
    "make": ("printf 'all:; @echo made\\n' | make -f -", "made"),
    "nano": ("nano --version | head -1", " GNU nano, version 7.2"),
    "sqlite3": ("sqlite3 :memory: 'select 6 * 7'", "42"),
    "strace": (
        "strace -o /tmp/t -e trace=open cat /etc/hostname >/dev/null; grep -c hostname /tmp/t",
        "1",
    ),
    "tcc": (
        "cd /tmp && echo 'int puts(const char *); int main(void) { return puts(\"compiled\") < 0; }' >p.c && "
        "tcc -static -o p p.c && ./p",
        "compiled",
    ),
    "tree": ("tree -i /boot/grub | tail -1", "1 directory, 1 file"),
}


@pytest.mark.parametrize("name", STANDARD)
def test_a_program_does_what_it_is_there_for(vm, name):
    if not os.path.isdir(os.path.join(vmlib.BUILD, "userland", "ports", name)):
        pytest.skip(f"{name} could not be fetched")
    job, says = JOBS[name]
    result = vm(["sh", "-c", job])
    assert (result.status, result.stdout.decode()) == (0, says + "\n"), result


def test_busybox_sleeps_for_a_part_of_a_second_and_knows_system_v_ipc(vm):
    script = "sleep 0.1 && ipcs -s | sed -n 2p; ipcrm -Q 5 2>&1; ldd /bin/busybox 2>&1 | tail -1"
    result = vm(["sh", "-c", script])
    lines = result.stdout.decode().splitlines()
    assert lines[0] == "------ Semaphore Arrays --------", result
    assert "key (5)" in lines[1] and "Not a valid dynamic program" in lines[2], result


# A log, by a socket; users; jobs; disks and their file systems.
ADMINISTRATION = """
syslogd; until [ -S /run/log ]; do sleep 0.1; done
logger -t me hello; until grep hello /var/log/messages 2>/dev/null; do sleep 0.1; done | sed 's/.* me/me/'
addgroup sea; adduser -D -G sea fish; echo fish:secret | chpasswd 2>&1; su fish -c id; stat -c %a /etc/shadow; grep -o 'fish:\\$6\\$' /etc/shadow; su student -c 'cat /etc/shadow' 2>&1; deluser fish
echo '* * * * * true' | crontab - && crontab -l
for what in getsz getro getss; do blockdev --$what /dev/vda2; done; fdisk -l /dev/vda | grep -c '^/dev'
disk=$(ls /dev/hd[ab] | while read d; do [ $(blockdev --getsize64 $d 2>/dev/null || echo 0) = 8388608 ] && echo $d; done)
for kind in ext2 vfat; do
    mkfs.$kind $disk >/dev/null && blkid $disk | sed 's/.*TYPE=//' && mount -t $kind $disk /mnt && echo text >/mnt/file && cat /mnt/file && umount /mnt
done
"""


def test_what_an_administrator_does(vm, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(8 << 20))
    result = vm(["sh", "-c", ADMINISTRATION], second=str(disk))
    lines = result.stdout.decode().splitlines()
    assert lines == [
        "me: hello",
        "chpasswd: password for 'fish' changed",
        "uid=1001(fish) gid=1001(sea) groups=1001(sea)",
        "600",
        "fish:$6$",
        "cat: can't open '/etc/shadow': Permission denied",
        "* * * * * true",
        "131072",
        "0",
        "512",
        "2",
        '"ext2"',
        "text",
        '"vfat"',
        "text",
    ], result


def test_a_login_says_where_one_is(vm):
    result = vm(["sh", "-c", "script -qc 'sh -l -c true' /tmp/screen >/dev/null; cat /tmp/screen"])
    assert b"This is Minnow" in result.stdout, result
