"""A hostile driver and a hostile file server harm nobody but those who ask them: work beside them gives the same results, nothing leaks, the kernel
stays up; and they are named in the log for what they tried."""

import os

import pytest

import vmlib

HOSTILE = os.path.join(vmlib.BUILD, "services", "hostile")
WORK = ("for i in 1 2 3; do find /bin /etc /lib | sort | md5sum; cat /bin/* | md5sum; seq 3000 | sort -rn | md5sum; cp /bin/busybox /root/b; cmp /root/b /bin/busybox; "
        "/usr/lib/minnow-tests/signals | md5sum; done; ")
ASK = {   # what asks the hostile service, over and over
    "procfs": ["cat /proc/meminfo", "ls /proc", "ls -l /proc/self", "cat /proc/minnow/log", "stat /proc/1"],
    "rtc": ["cat /dev/rtc0", "hwclock", "date -r /dev/rtc0"],
    "ata": ["cat /dev/hda", "echo x >/dev/hda1", "stat /dev/hda", "mount -t ext2 /dev/hda2 /mnt"],
}


@pytest.mark.parametrize("service", sorted(ASK))
def test_a_hostile_service_harms_nobody_else(service):
    undisturbed = vmlib.run(["sh", "-c", WORK + "echo end"])
    ask = "".join(f"({command}) >/root/out 2>&1 & p=$!; sleep 1; kill -9 $p; wait $p; " for command in ASK[service])
    script = f"service replace {service} /root/hostile; (while :; do {ask} done) 2>/root/err & {WORK} echo end; service status {service} >&2; service log >&2 || :"
    result = vmlib.run(["sh", "-c", script], add=[(HOSTILE, "/root/hostile")], timeout=100)
    assert result.status == 0, result
    assert result.stdout == undisturbed.stdout and result.stdout.endswith(b"end\n")
