"""The command `service` and the manager behind it: what it shows, refuses, replaces and takes back."""

import os
import subprocess

import pytest

import elflib
import vmlib
from longlib import in_full, long

RTC, PIPE, SCHED = (
    os.path.join(vmlib.BUILD, "boot", "services", name) for name in ("rtc", "pipe", "sched")
)
LOAD = (
    "(for i in 1 2 3 4; do find /bin /etc /lib | cat | sort | md5sum; cp /bin/busybox /tmp/b; cmp /tmp/b /bin/busybox; cp /bin/busybox /root/b; "
    "cmp /root/b /bin/busybox; cp /bin/busybox /boot/b; cmp /boot/b /bin/busybox; done; echo end) & "
)
# A driver that is not at rest for two seconds is not replaced, and the command says so. On a machine
# whose processors are taken that happens, and whoever wants it replaced says it again.
REPLACE = "replace() { for n in $(seq 20); do service replace $* && return; done; return 1; }; "


def said(vm, script, **options):
    result = vm(["sh", "-c", script], **options)
    assert result.status == 0, result
    return result.stdout.decode().splitlines()


def spoiled(program, to, code):
    """A copy of an ELF file with other machine code at its entry."""
    data = bytearray(open(program, "rb").read())
    entry = int.from_bytes(data[24:32], "little")
    at = entry - elflib.LINKED_AT + elflib.FILE_AT
    data[at : at + len(code)] = code
    to.write_bytes(data)
    return str(to)


def test_every_service_is_listed_as_running(vm):
    lines = said(vm, "service list; service status vfs")
    assert lines[0].split()[:2] == ["NAME", "STATE"]
    rows = {line.split()[0]: line.split()[1] for line in lines[1:]}
    assert {"rs", "pm", "vfs", "posix", "ext2"} <= set(rows) and set(rows.values()) <= {
        "running",
        "STATE",
    }


def test_no_device_lacks_an_answer_to_read_or_write(vm):
    lines = said(
        vm,
        "for d in $(find /dev -type c ! -name 'tty*' ! -name ptmx ! -name console ! -name host); do "
        "(head -c 1 $d; echo x >$d) 2>&1 >/dev/null; done; (echo x >/dev/rtc0) 2>&1; true",
    )
    assert lines[-1].endswith("Invalid argument"), lines
    assert not [line for line in lines if "not implemented" in line], lines


def test_a_file_system_without_a_device_is_remounted(vm):
    lines = said(
        vm,
        "cd /tmp; echo a >a; for m in /tmp /proc /dev; do mount -o remount,ro $m; done; echo b >a; touch /dev/x; "
        "grep -c ' ro,' /proc/mounts; for m in /tmp /proc /dev; do mount -o remount,rw $m; done; echo b >>a; cat a; "
        "grep -c ' rw,' /proc/mounts",
    )
    assert lines == ["3", "a", "b", "6"], lines


@pytest.mark.parametrize(
    "command, complaint",
    [
        ("kill nobody", "nobody: no such service"),
        ("start vfs", "vfs: it is in that state already"),
        ("stop vfs", "vfs: it keeps state that cannot be handed over"),
        ("stop virtio_blk", "virtio_blk: the program to start it again is on its own disk"),
        ("stop ata", "ata: the program to start it again is on its own disk"),
        ("replace rtc /etc/passwd", "rtc: not a program for a service"),
        ("replace rtc /etc/none", "/etc/none: No such file or directory"),
        ("replace vfs /boot/services/pm", "vfs: it keeps state that cannot be handed over"),
        ("replace rs /boot/services/pm", "rs: not possible for this service"),
        ("status nobody", "nobody: no such service"),
        ("log nobody", "nobody: no such service"),
        ("dance", "usage: service list"),
        ("kill", "usage: service list"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(vm, command, complaint):
    lines = said(
        vm,
        f"service {command} 2>&1 && echo DONE; service list | grep -vc 'running *1 *0 *0 booted'",
    )
    assert lines[0].startswith(
        complaint if complaint.startswith("usage") else "service: " + complaint
    )
    assert lines[-1] == "1" and "DONE" not in lines


@pytest.mark.parametrize(
    "code, complaint",
    [
        (b"\x0f\x0b", "has died"),  # ud2
        (b"\xeb\xfe", "does not come up"),  # jmp to itself
    ],
)
def test_a_replacement_that_fails_at_its_start_gives_way_to_the_former(
    vm, tmp_path, code, complaint
):
    bad = spoiled(RTC, tmp_path / "bad", code)
    lines = said(
        vm,
        "service replace rtc /tmp/bad 2>&1; service status rtc; service log rtc; cat /proc/driver/rtc 2>/dev/null; date -r /dev/rtc0 >/dev/null; echo up",
        add=[(bad, "/tmp/bad")],
    )
    assert "the former one runs again" in lines[0]
    assert lines[2].split()[1] == "running" and "booted" in lines[2]
    assert any(complaint in line for line in lines)


@pytest.mark.parametrize("service", ["vfs", in_full("ext2"), in_full("pipe")])
@pytest.mark.parametrize("code", [elflib.UD2, elflib.SPIN], ids=["fails", "spins"])
def test_a_broken_replacement_under_load_gives_the_state_back(vm, tmp_path, service, code):
    bad = elflib.patched(service, {"main": code}, tmp_path)
    lines = said(
        vm,
        f"echo kept >/tmp/kept; {LOAD} service replace {service} /tmp/bad 2>/root/said; wait; cat /root/said /tmp/kept; service status {service}",
        add=[(bad, "/tmp/bad")],
        check=True,
    )
    assert (
        any("the former one runs again" in line for line in lines)
        and "end" in lines
        and lines[-1].split()[1] == "running"
        and "booted" in lines[-1]
    )
    assert len({line for line in lines if line.endswith("  -")}) == 1 and "kept" in lines


def test_a_replacement_that_dies_soon_gives_way_when_it_is_at_rest(vm, tmp_path):
    bad = elflib.patched("tmpfs", {"do_stat": elflib.UD2}, tmp_path)
    lines = said(
        vm,
        "echo kept >/tmp/kept; service replace tmpfs /root/bad; stat /tmp/kept >/dev/null; usleep 100000; stat -c %s /tmp/kept; service status tmpfs",
        add=[(bad, "/root/bad")],
    )
    assert lines[0] == "5" and "booted" in lines[-1]


def test_a_replacement_that_speaks_another_protocol_gives_way(vm):
    lines = said(
        vm, "service replace sched /boot/services/rtc 2>&1; service status sched; service log sched"
    )
    assert "the former one runs again" in lines[0] and "booted" in lines[2]
    assert any("speaks another protocol" in line for line in lines)


def test_drivers_and_the_scheduler_are_replaced_under_load(vm):
    rr = os.path.join(vmlib.BUILD, "services", "sched_rr")
    lines = said(
        vm,
        LOAD
        + "for i in 1 2 3; do service replace sched /tmp/rr || exit 1; service replace sched /boot/services/sched || exit 1; "
        "service restart virtio_blk || exit 1; done; service status sched; wait",
        add=[(rr, "/tmp/rr")],
    )
    assert lines[-1] == "end" and len({line for line in lines if line.endswith("  -")}) == 1
    assert not any("differ" in line or "EOF" in line for line in lines)


@long
def test_disk_drivers_take_turns_under_load(vm):
    pio = os.path.join(vmlib.BUILD, "services", "ata_pio")
    lines = said(
        vm,
        LOAD
        + REPLACE
        + "for i in 1 2 3; do replace ata /tmp/pio || exit 1; sleep 1; replace ata /boot/services/ata || exit 1; sleep 1; done; wait",
        add=[(pio, "/tmp/pio")],
        disk="ata",
    )
    assert lines[-1] == "end" and len(set(lines[:-1])) == 1


@pytest.mark.parametrize("emu", vmlib.EMULATORS)
def test_the_system_boots_from_the_simple_disk_driver(vm, emu):
    pio = os.path.join(vmlib.BUILD, "services", "ata_pio")
    assert said(
        vm,
        "cat /bin/busybox | md5sum | cut -c1-5 >/root/x; sync; wc -c </root/x",
        emu=emu,
        disk="ata",
        service=[("ata", pio)],
    ) == ["6"]


@pytest.fixture(scope="session")
def others(tmp_path_factory):
    """The same services, compiled otherwise: other code, the same state."""
    folder = tmp_path_factory.mktemp("others")
    names = ["pipe", "local", "tmpfs", "ext2", "fat", "vfs"]
    subprocess.run(
        [
            "make",
            "-s",
            "-C",
            vmlib.ROOT,
            f"BUILD={folder}",
            "OPTIMIZE=-O1",
            *(f"{folder}/boot/services/{name}" for name in names),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return {name: str(folder / "boot" / "services" / name) for name in names}


@long
def test_servers_with_state_are_replaced_under_load_and_keep_it(vm, others):
    back = " ".join(f"service replace {name} /boot/services/{name};" for name in others)
    lines = said(
        vm,
        "echo kept >/tmp/kept; exec 5</tmp/kept; sleep 100 | cat & "
        + LOAD.replace("md5sum;", "md5sum;")
        + "".join(f"service replace {name} /root/{name}.new || exit 1; " for name in others)
        + "service list | grep replaced; "
        + back
        + "service list | grep -c booted; read line <&5; echo $line; wait %2",
        add=[(path, f"/root/{name}.new") for name, path in others.items()],
    )
    assert {line.split()[0] for line in lines if "replaced" in line} == set(others)
    assert "kept" in lines and lines[-1] == "end"
    assert len({line for line in lines if line.endswith("  -")}) == 1
    assert not any("differ" in line or "EOF" in line for line in lines)


def test_a_copy_outlives_its_driver_its_file_system_and_its_name_space(vm):
    lines = said(
        vm,
        "dd if=/dev/urandom of=/root/a bs=64k count=120 2>/dev/null; cp /root/a /root/b & for i in 1 2 3 4 5 6 7 8; do "
        "for s in virtio_blk ext2 vfs posix pm rs; do service kill $s; done; done; wait; cmp /root/a /root/b && echo equal; "
        "service list | awk 'NR > 1 && $4 >= 8' | wc -l",
    )
    assert lines == ["equal", "6"]


def booted_with(tmp_path, vm, **files):
    """The boot log of a system whose boot partition was changed: {file in /services: text}."""
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(tmp_path / "disk.img"))
    for name, text in files.items():
        image.write_text(text.encode(), "services/" + name.replace("__", "."))
    return "\n".join(said(vm, "cat /proc/minnow/log; service list", image=image.path))


@pytest.mark.parametrize(
    "manifest, reason",
    [
        ("calls: -\nmemory: plenty\n", "rtc.manifest:2: not an amount of memory"),
        ("colour: red\n", "rtc.manifest:1: unknown key"),
        ("memory: 192K\nports: 0x70-0x71\nstate: some\n", "rtc.manifest:3: state is kept or none"),
        ("memory: 192K\nirqs: 99\n", "rtc.manifest:2: interrupt lines are 0 to 15"),
        ("memory: 4K\n", "rtc: cannot be started: its manifest allows too little memory"),
    ],
)
def test_a_bad_manifest_is_named_with_its_line_and_the_rest_comes_up(
    vm, tmp_path, manifest, reason
):
    log = booted_with(tmp_path, vm, rtc__manifest=manifest)
    assert reason in log and "rtc          refused" in log


def test_a_name_taken_twice_and_a_need_that_nobody_meets(vm, tmp_path):
    boot = vmlib.Image(vmlib.DISK_IMAGE).read("services/boot.services")
    text = (boot.decode() if isinstance(boot, bytes) else boot) + "vfs\n"
    log = booted_with(
        tmp_path,
        vm,
        boot__services=text,
        rtc__manifest="memory: 1X\n",
        mem__manifest="memory: 320K\nneeds: rtc\n",
    )
    assert "the name is taken" in log
    assert "mem: needs rtc, which cannot run" in log and "mem          refused" in log


@pytest.mark.parametrize(
    "service, function, request_",
    [
        ("pipe", "do_stat", "echo x | stat -L /dev/stdin"),  # rolled back
        ("rtc", "do_read", "head -c 8 /dev/rtc0"),  # started afresh
    ],
)
def test_a_request_that_always_kills_its_server_fails_alone(
    vm, tmp_path, service, function, request_
):
    bad = elflib.patched(service, {function: elflib.UD2}, tmp_path)
    lines = said(
        vm,
        f"a() {{ service status {service} | tail -n 1 | awk '{{print $4}}'; }}; n=$(a); ({request_}) 2>&1; echo $(($(a) - n)); "
        f"echo other | cat; service log {service}",
        service=[(service, bad)],
    )
    assert any("I/O error" in line or "Input/output error" in line for line in lines), lines
    assert (
        "other" in lines and 2 <= int(lines[lines.index("other") - 1]) <= 8
    )  # twice each request that happens to do it
    assert any("twice and fails" in line for line in lines)


def test_services_are_listed_like_kernel_threads(vm):
    script = (
        "ps -o pid,ppid,args | grep '\\[vfs\\]'; pid=$(pidof vfs); kill -9 $pid 2>&1; "
        'cat /proc/$pid/cmdline | wc -c; su student -c "cat /proc/$pid/comm; ls /proc/$pid/fd; '
        "cat /proc/$pid/maps\" 2>&1; service list | grep -c '^vfs .*running'"
    )
    result = vm(["sh", "-c", script])
    line, killed, command, name, *refused, running = result.stdout.decode().splitlines()
    assert line.split()[1:] == ["0", "[vfs]"] and "No such process" in killed, result
    assert (command, name, running) == ("0", "vfs", "1"), result
    assert len(refused) == 2 and all("Permission denied" in r for r in refused), result
