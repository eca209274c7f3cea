"""Least authority: a program with the manifest of each service in turn tries every kernel call,
every other service, every port, interrupt and piece of device memory. The kernel grants exactly
what the manifest says, and counts each refusal."""

import glob
import os
import re

import pytest

import vmlib

BY_ARGUMENT = {"INFO": "info", "TRACE": "info"}  # as the probe makes them


def kernel_calls():
    """{kernel call: the right that it needs, or None}, in the order of their numbers."""
    text = open(os.path.join(vmlib.ROOT, "kernel/abi/minnow/kcalls.def")).read()
    rows = re.findall(r"^(?:KCALL\((\w+), \w+, \d+, (\w+),|MESSAGE\((\w+),)", text, re.M)
    anybody = ("", "ANY", "BOTH", "PROGRAM")
    calls = {c or m: None if right in anybody else right.lower() for c, right, m in rows}
    return calls | BY_ARGUMENT


def manifests():
    paths = glob.glob(os.path.join(vmlib.ROOT, "*", "*.manifest")) + glob.glob(
        os.path.join(vmlib.ROOT, "*", "*", "*.manifest")
    )
    return {os.path.basename(path)[:-9]: open(path).read() for path in paths}


def words(manifest, *keys):
    found = []
    for line in manifest.splitlines():
        key, _, rest = line.split("#")[0].partition(":")
        if key in keys:
            found += [word for word in rest.replace(",", " ").split() if word != "-"]
    return found


def callees(manifest):
    """The services that a manifest lets a service call; `devices` are those of the table of devices."""
    with open(os.path.join(vmlib.ROOT, "kernel/abi/minnow/devices.def")) as file:
        devices = re.findall(r'^\w+\(\w+, (?:"\w*", )?"(\w*)"', file.read(), re.M)
    named = words(manifest, "calls")
    return {*named, *(devices if "devices" in named else [])}


def numbers(ranges):
    result = set()
    for part in ranges:
        first, _, last = part.partition("-")
        result |= set(range(int(first, 16), int(last or first, 16) + 1))
    return result


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """{service: {what: [ranges]}}, and the services in the order of their slots from 2 on."""
    folder = tmp_path_factory.mktemp("authority")
    image = vmlib.Image.copy(vmlib.DISK_IMAGE, str(folder / "disk.img"))
    listed = image.read("/services/boot.services")
    listed = (listed if isinstance(listed, str) else listed.decode()).splitlines()
    names = [line.split()[0] for line in listed if line.strip() and not line.startswith("#")]
    known = manifests()
    config = [
        "multiboot2 /kernel.elf",
        "module2 /services/rs rs",
        "module2 /services/boot.services boot.services",
    ]
    for name in names:
        image.write_text(
            (known[name] + "\nviolations: refused\n").encode(), f"/services/{name}.manifest"
        )
        config += [
            f"module2 /services/probe {name}",
            f"module2 /services/{name}.manifest {name}.manifest",
        ]
    image.write_text(
        f"calls: {' '.join(names)} rs\nrights: info\nports: 0xe9\nmemory: 256K\npriority: 7\n".encode(),
        "/services/reporter.manifest",
    )
    config += [
        "module2 /services/reporter reporter",
        "module2 /services/reporter.manifest reporter.manifest",
        "boot",
        "",
    ]
    for name in ("probe", "reporter"):
        image.write(os.path.join(vmlib.BUILD, "services", name), f"/services/{name}")
    image.write_text("\n".join(config).encode(), vmlib.GRUB_CONFIG)
    image.write_text("\n".join([*names, "reporter", ""]).encode(), "/services/boot.services")
    result = vmlib.run(["probe"], image=image.path, timeout=60)
    assert result.status == 0, result
    said = {name: {} for name in names}
    for line in result.log.decode(errors="replace").splitlines():
        words_ = line.split()
        if len(words_) > 2 and words_[1] == "probe" and words_[0][:-1] in said:
            said[words_[0][:-1]].setdefault(words_[2], []).extend(words_[3:])
        elif line.startswith("reporter: counted"):
            said[words_[2]]["counted"] = words_[3:]
        elif "is refused what its manifest does not allow" in line:
            said[words_[1]]["logged"] = said[words_[1]].get("logged", 0) + 1
    return said, names


def test_each_service_may_what_its_manifest_says_and_no_more(report):
    said, names = report
    known, needing = manifests(), kernel_calls()
    calls = list(needing)
    slots = {name: slot for slot, name in enumerate(["rs", *names], 1)}
    for name in names:
        manifest, may = known[name], said[name]
        rights = set(words(manifest, "rights"))
        allowed = {calls[n] for n in numbers(may["calls"]) if n < len(calls)}
        wrong = {
            call
            for call, right in needing.items()
            if right and call in allowed and right not in rights
        }
        assert not wrong, (name, wrong)
        missing = {
            call for call, right in needing.items() if call not in allowed and right in rights
        }
        assert not missing, (name, missing)
        assert numbers(may["targets"]) == {slots[n] for n in callees(manifest) if n in slots}, name
        notifies = {slots[n] for n in words(manifest, "notifies", "forwards") if n in slots}
        assert numbers(may["notifies"]) & set(slots.values()) == notifies, name
        assert numbers(may["forwards"]) == notifies | numbers(may["targets"]), name
        assert numbers(may["irqs"]) == {int(n) for n in words(manifest, "irqs")}, name
        ports = {n for part in words(manifest, "ports") for n in numbers([part.replace("0x", "")])}
        assert numbers(may["ports"]) == ports, name
        pages = {
            n >> 12
            for part in words(manifest, "device-memory")
            for n in [int(x, 16) for x in part.split("-")]
        }
        assert numbers(may.get("low-memory", [])) == {
            n for page in pages for n in range(min(pages), max(pages) + 1)
        }, name
        assert not may.get("memory"), name
        assert may["dma"] == ["yes" if "dma" in rights else "no"], name
        assert may["halt"] == ["yes" if "rs" in rights else "no"], name
        assert may["dump"] == ["yes" if "dump" in rights else "no"], name
        assert may["budget"] == ["-12"], name


def test_every_refusal_is_counted_and_logged(report):
    said, names = report
    for name in names:
        assert said[name]["counted"] == said[name]["refused"], name
        assert said[name]["logged"] == 100, name  # the kernel logs so many of one service
