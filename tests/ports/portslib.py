"""A job, in the system and on Linux. A job is a shell script that uses programs of commands/ports.
It runs in an empty folder of the second disk, with that disk's programs before all others."""

import difflib
import os
import shutil
import subprocess
import tempfile

import pytest
import vmlib

RECIPES = os.path.join(vmlib.ROOT, "commands", "ports")
IMAGE = os.path.join(vmlib.BUILD, "ports.img")
TREE = os.path.join(vmlib.BUILD, "ports")  # what is on the image
BUILT = os.path.join(vmlib.ROOT, "build", "userland", "ports")
MEMORY = 1024  # MiB

# The disk is the second one on the controller that has both; beside a virtio disk it is the first.
MOUNT = """
mkdir /ports
mount -t ext2 /dev/hdb /ports 2>/dev/null || mount -t ext2 /dev/hda /ports || exit
"""
# What programs look for where they were configured to be.
ENTER = """
for place in lib64 usr/lib usr/include usr/share usr/src; do
    mkdir -p /$place
    for what in /ports/$place/*; do
        [ -e /$place/${what##*/} ] || ln -s $what /$place/
    done
done
export PATH=/ports/usr/bin:/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=dumb TZ=UTC0 LC_ALL=C
unset OLDPWD
umask 022
mkdir /ports/work/job && cd /ports/work/job || exit
"""
SERVICES = "\n---- services\n"
SHOW_SERVICES = f"""
printf '{SERVICES}'
cat /proc/minnow/services
"""
WATCH = f"""
( job )
status=$?
{SHOW_SERVICES}
exit $status
"""

# Inside of a mount namespace, as its root: the tree of the system's own image, with Linux' /dev and /proc.
ON_LINUX = """
mount --bind "$2" "$1/ports" && mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" &&
    mount -t tmpfs none "$1/tmp" && mount -t tmpfs none "$1/ports/work" && exec chroot "$1" /bin/sh -c "$3"
"""


def ask_recipe(port, command):
    """What a shell command says that has read the recipe."""
    recipe = os.path.join(RECIPES, port)
    return subprocess.run(
        ["bash", "-c", f'. "$1"; {command}', "bash", recipe], capture_output=True, text=True
    ).stdout


def job_of(port):
    """The function job() of a recipe; None if there is none."""
    return ask_recipe(port, "declare -f job") or None


def skip_unfetched(port):
    """Skips the test if the port, or what it needs, is not on the disk."""
    for name in [port, *ask_recipe(port, 'echo "${needs-}"').split()]:
        if not os.path.isdir(os.path.join(BUILT, name)):
            pytest.skip(f"{name} could not be fetched: is the network there?")


def on_linux(job, timeout):
    """(status, standard output, standard error)"""
    with tempfile.TemporaryDirectory(prefix="minnow-ports-") as folder:
        root = os.path.join(folder, "root")
        shutil.copytree(os.path.join(vmlib.BUILD, "root"), root, symlinks=True)
        os.mkdir(os.path.join(root, "ports"))
        done = subprocess.run(
            ["unshare", "-r", "-m", "sh", "-c", ON_LINUX, "sh", root, TREE]
            + [ENTER + job + "\njob\n"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            preexec_fn=vmlib.default_signals,
            timeout=timeout,
            env={"PATH": "/bin:/sbin:/usr/bin:/usr/sbin"},
        )
    return done.returncode, done.stdout, done.stderr


def without_services(text):
    """What was printed before SHOW_SERVICES; the table of services as words of each line"""
    output, _, services = text.partition(SERVICES.encode())
    return output, [line.split() for line in services.decode().splitlines()[1:]]


def check_services(table):
    assert table, "the machine did not get to the end of the job"
    for _, name, state, deaths, *_ in table:
        assert (state, deaths) == ("running", "0"), f"{name} is {state}, and died {deaths} times"


def in_system(job, timeout, **options):
    """(status, standard output, standard error, the table of services as words of each line)"""
    options.setdefault("mem", MEMORY)
    script = MOUNT + ENTER + job + WATCH
    result = vmlib.run(["sh", "-c", script], second=IMAGE, timeout=timeout, check=True, **options)
    output, table = without_services(result.stdout)
    return result.status, output, result.stderr, table


def lines_of(text):
    return text.decode(errors="replace").splitlines()


def check(job, timeout=600, success=False, **options):
    """The job has the same result here and there, with status 0 if it has to be a success, and all
    services live and answer."""
    expected = on_linux(job, timeout)
    status, output, errors, services = in_system(job, timeout, **options)
    told = [
        [f"status {code}", "-- output", *lines_of(out), "-- errors", *lines_of(err)]
        for code, out, err in (expected, (status, output, errors))
    ]
    differ = "\n".join(difflib.unified_diff(*told, "Linux", "here", lineterm="", n=1))
    assert not differ, differ
    check_services(services)
    assert status == 0 or not success, errors
