"""Linux is the oracle: each program of tests/programs prints what it sees, and has to print the same
in the system as on the host. (bench and the programs with an underscore in front are no oracles.)"""

import glob
import os
import subprocess

import pytest

import vmlib

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD", "build")
ROOT = os.path.dirname(HERE)
NOT_ORACLES = {"bench", "exhaust", "fuzz", "processor"}
PROGRAMS = sorted(
    name
    for name in (os.path.basename(f)[:-2] for f in glob.glob(f"{HERE}/programs/*.c"))
    if name[0] != "_" and name not in NOT_ORACLES
)


def start_on_linux(program, folder):
    return subprocess.Popen(
        [os.path.join(ROOT, BUILD, "programs", program)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=vmlib.default_signals,
    )


def ended(linux):
    try:
        output, _ = linux.communicate(timeout=120)
    finally:
        linux.kill()
    return linux.returncode, output


def on_linux(program, folder):
    return ended(start_on_linux(program, folder))


@pytest.mark.parametrize("program", PROGRAMS)
def test_same_output_as_on_linux(vm, program, tmp_path):
    linux = start_on_linux(program, tmp_path)  # both at once: many sleep most of their time
    try:
        result = vm([f"/usr/lib/minnow-tests/{program}"])
    except BaseException:
        linux.kill()
        raise
    status, output = ended(linux)
    assert (
        result.stdout.decode(errors="replace").splitlines()
        == output.decode(errors="replace").splitlines()
    )
    assert result.status == status


# Programs that would disturb the machine they run on, or that its other work disturbs (a realtime
# process that waits for a page loses its place): what they print on Linux 6.1, in a machine of its
# own (linuxlib.Run), is kept beside them.
RECORDED = sorted(
    os.path.basename(f)[: -len(".linux")] for f in glob.glob(f"{HERE}/programs/*.linux")
)


@pytest.mark.parametrize("program", RECORDED)
def test_same_output_as_linux_had(vm, program):
    with open(os.path.join(HERE, "programs", f"{program}.linux")) as file:
        recorded = file.read()
    result = vm([f"/usr/lib/minnow-tests/{program}"])
    assert result.stdout.decode(errors="replace").splitlines() == recorded.splitlines()
    assert result.status == 0


SCRIPTS = {
    "pipeline": "seq 1000 | sort -rn | head -3 | tr '\\n' ' '; echo",
    "here-document": "cat <<X\na $((1+2)) b\nX\n",
    "status": "(exit 5); echo $?; false || echo no; ! true; echo $?",
    "trap": "trap 'echo caught' TERM; kill -TERM $$; echo after",
    "background": "sleep 0 & wait $!; echo $?; (exit 9) & wait $!; echo $?",
    "redirections": "echo a >f; echo b >>f; cat <f; cat f 2>&1 >/dev/null; ls nothing 2>/dev/null; echo $?",
    "files": "mkdir -p d/e; echo x >d/e/f; ln -s e d/l; cat d/l/f; mv d/e/f d/g; rm -r d/e; ls d; readlink d/l; rmdir d 2>/dev/null; echo $?",
    "find": "mkdir -p t/a/b t/c; touch t/a/1 t/a/b/2 t/c/3; find t -type f | sort; du -s t >/dev/null; echo $?",
    "awk and sed": "seq 10 | awk '{s+=$1} END {print s}'; echo hello | sed 's/l/L/g'",
    "tar": "mkdir s; seq 100 >s/n; tar cf - s | (mkdir o; cd o; tar xf -); cmp s/n o/s/n && echo same",
    "substitution": 'x=$(echo a; echo b); echo "$x"; for i in 1 2 3; do echo -n $i; done; echo',
    "exec": "exec sh -c 'echo $0 $1' name arg",
    "umask": "umask 027; : >m; mkdir n; stat -c %a m n; chmod 4711 m; stat -c %a m",
    "dd": "dd if=/dev/zero of=z bs=1000 count=7 2>/dev/null; wc -c <z; dd if=z bs=1 skip=6990 2>/dev/null | wc -c",
    "fifo": "mkfifo p; (echo through >p) & cat p; wait; rm p",
    "job status": "sh -c 'kill -9 $$'; echo $?; sh -c 'kill -15 $$'; echo $?",
}


@pytest.mark.parametrize("shell", ["ash", "dash"])
def test_scripts_as_on_linux(vm, shell, tmp_path):
    """All scripts in one boot; on the host they run under the same BusyBox, in the same shells."""
    tools = os.path.join(ROOT, "build/userland")
    script = "export PS4=; " + "".join(
        f"echo '== {name}'; mkdir w; (cd w; {'$SH'} -c '{text.replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}' 2>&1); rm -rf w\n"
        for name, text in SCRIPTS.items()
    )
    here = tmp_path / "bin"
    here.mkdir()
    for link in open(f"{tools}/busybox.links").read().split():
        os.symlink(f"{tools}/busybox", here / os.path.basename(link))
    program = {"ash": "busybox sh", "dash": "dash"}[shell]
    host = subprocess.run(
        [f"{tools}/busybox", "sh", "-c", script.replace("$SH", f"{tools}/{program}")],
        cwd=tmp_path,
        env={"PATH": str(here), "HOME": "/"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    guest = {"ash": "/bin/busybox sh", "dash": "/bin/dash"}[shell]
    result = vm(["sh", "-c", "cd /root; " + script.replace("$SH", guest)])
    assert result.stdout.decode().splitlines() == host.stdout.decode().splitlines()


def test_sse_exceptions_are_told_apart_as_on_linux(vm):
    """Only Bochs raises these exceptions."""
    host = subprocess.run(
        [os.path.join(ROOT, BUILD, "programs", "faults"), "sse"], capture_output=True, timeout=60
    )
    assert (
        vm(["/usr/lib/minnow-tests/faults", "sse"], emu="bochs", timeout=200).stdout == host.stdout
    )
