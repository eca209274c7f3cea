"""A hostile driver and a hostile file server harm nobody but those who ask them: work beside them gives the same results, nothing leaks, the kernel
stays up; and they are named in the log for what they tried. The services that rule over programs do not rule over the kernel."""

import os

import pytest

import vmlib

HOSTILE, WILD = (os.path.join(vmlib.BUILD, "services", name) for name in ("hostile", "wild"))
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


@pytest.mark.parametrize("service", ["pm", "vfs", "posix"])
def test_the_kernel_stands_whatever_the_mightiest_ask_of_it(service, tmp_path):
    """With what they may do, they can do away with every program, but not with the kernel. How far the system comes does not matter."""
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    manifest = f"/services/{service}.manifest"
    image.write_text(image.read(manifest) + b"violations: refused\n", manifest)
    said = []
    run = vmlib.Run(["true"], said.append, said.append, said.append, count=True, shift=3, timeout=15, image=image.path, service=[(service, WILD)])
    run.run()
    assert not run.panicked_at and (run.why != "ended" or run.switched_off), b"".join(said)[-3000:]
