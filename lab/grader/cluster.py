"""A class on a cluster: munge, Slurm's controller and two nodes on this machine, in a temporary
folder; a node has a tree of processes of its own, so that it can lose its power. A class is graded
there while a node dies, while somebody cancels the job and while Ctrl-C ends the command; its
gradebook must be that of this machine alone, to the byte."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import Stop, broken, local, slurm, trial

DAEMONS = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
}
NODES = ("node1", "node2")
FEW, MANY = 12, 200  # submissions
START = 60  # seconds for all daemons to be there
LONGEST = 3600  # seconds for a class

CONFIGURATION = """ClusterName=minnow
SlurmctldHost=localhost
SlurmctldPort={ports[0]}
SlurmUser=slurm
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/controller/pid
SlurmdPidFile={folder}/%n/pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MaxArraySize=101
SchedulerParameters=sched_interval=2,bf_interval=2
NodeName=node1 NodeHostname=localhost NodeAddr=localhost Port={ports[1]} CPUs=1 RealMemory=4000
NodeName=node2 NodeHostname=localhost NodeAddr=localhost Port={ports[2]} CPUs=1 RealMemory=4000
PartitionName=main Nodes=node1,node2 Default=YES MaxTime=INFINITE State=UP
"""


class NoCluster(Exception):
    """The daemons do not start on this machine; the text says what they said."""


def missing():
    """Why a cluster cannot be had here, or nothing."""
    packages = [package for tool, package in DAEMONS.items() if not which(tool)]
    if packages:
        return f"{', '.join(packages)} not installed (tests/setup --class)"
    return "" if os.geteuid() == 0 else "only root can start its daemons"


def which(tool):
    return shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in sockets]


class Cluster:
    def __init__(self, folder):
        self.folder, self.running = folder, {}
        self.environment = dict(os.environ, SLURM_CONF=os.path.join(folder, "slurm.conf"))

    def __enter__(self):
        os.chmod(self.folder, 0o755)
        for name, user in (
            ("munge", "munge"),
            ("controller", "slurm"),
            *((n, "root") for n in NODES),
        ):
            os.mkdir(os.path.join(self.folder, name), 0o755)
            about = pwd.getpwnam(user)
            os.chown(os.path.join(self.folder, name), about.pw_uid, about.pw_gid)
        with open(self.environment["SLURM_CONF"], "w") as file:
            file.write(CONFIGURATION.format(folder=self.folder, ports=free_ports(3)))
        munge = os.path.join(self.folder, "munge")
        with open(os.path.join(munge, "key"), "wb") as file:
            file.write(os.urandom(128))
            os.fchmod(file.fileno(), 0o400)
            os.fchown(file.fileno(), pwd.getpwnam("munge").pw_uid, -1)
        files = {"socket": "socket", "key-file": "key", "log-file": "log"}
        files |= {"pid-file": "pid", "seed-file": "seed"}
        try:
            words = [f"--{word}={munge}/{name}" for word, name in files.items()]
            self.start("munge", "munge", "munged", "-F", *words)
            self.until(lambda: os.path.exists(os.path.join(munge, "socket")), "munge")
            self.start("controller", "slurm", "slurmctld", "-D")
            for node in NODES:
                self.start_node(node)
            self.until(lambda: self.idle() == len(NODES), "the nodes")
        except BaseException as error:
            self.__exit__()
            if isinstance(error, Stop):
                raise NoCluster(str(error)) from None
            raise
        return self

    def __exit__(self, *_):
        for name in list(self.running):
            self.stop(name)

    def start(self, name, user, *words):
        about = pwd.getpwnam(user)
        ids = [f"--reuid={about.pw_uid}", f"--regid={about.pw_gid}", "--clear-groups"]
        with open(os.path.join(self.folder, f"{name}.log"), "ab") as log:
            self.running[name] = subprocess.Popen(
                ["setpriv", *ids, "--pdeathsig=KILL", which(words[0]), *words[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )

    def start_node(self, node):
        apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self.start(node, "root", *apart, which("slurmd"), "-D", "-N", node)

    def stop(self, name):
        """At once, with all that it has started."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def until(self, good, what):
        end = time.monotonic() + START
        while time.monotonic() < end:
            if good():
                return
            time.sleep(0.2)
        logs = ""
        for name in self.running:
            with open(os.path.join(self.folder, f"{name}.log"), errors="replace") as file:
                logs += "".join(file.readlines()[-3:])
        raise broken(f"{what} did not start: {logs}")

    def ask(self, *words):
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True)
        return done.stdout.split()

    def idle(self):
        return self.ask("sinfo", "-hN", "-o", "%T").count("idle")

    def tasks(self):
        """The states of all tasks, and where they run: STATE@NODE."""
        return self.ask("squeue", "-hr", "-tall", "-o", "%T@%N")

    def active(self):
        return [task for task in self.tasks() if task.partition("@")[0] in slurm.ACTIVE]


def make_class(lab, folder, count, mutant):
    """Most are refused, a tenth do not build, and three run: names, of which the later ones are
    refused."""
    solution = os.path.join(lab.instructor, "solution", "main.c")
    for number in range(count):
        path = os.path.join(folder, f"student{number:04}")
        os.makedirs(path)
        main = os.path.join(path, "main.c")
        if number == 0:
            shutil.copy(solution, main)
        elif number == 1:
            shutil.copy(os.path.join(lab.skeleton, "main.c"), main)
        elif number == 2:
            with open(main, "wb") as file:
                file.write(mutant.files["main.c"])
        elif number % 10 == 3:
            with open(main, "w") as file:
                file.write(f"int main(void) {{ return nothing{number}; }}\n")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def last_line(process):
    said = process.communicate(timeout=LONGEST)[1].decode(errors="replace").strip()
    return said.splitlines()[-1] if said else ""


def done_below(out):
    """How many submissions have been taken."""
    names = os.listdir(out) if os.path.isdir(out) else []
    return sum(local.finished(os.path.join(out, name)) is not None for name in names)


class Trial:
    def __init__(self, lab, cluster, folder, count, mutant):
        self.lab, self.cluster, self.count = lab, cluster, count
        self.there, self.out = os.path.join(folder, "there"), os.path.join(folder, "out")
        make_class(lab, self.there, count, mutant)
        self.words = [
            "grade-class",
            lab.id,
            self.there,
            self.out,
            "--engine",
            "slurm",
            "--poll",
            "1",
        ]
        self.wanted = b""

    def command(self, *words):
        return trial.command(*self.words, *words, environment=self.cluster.environment)

    def alone(self, jobs):
        out = self.out + "-alone"
        process = trial.command("grade-class", self.lab.id, self.there, out, "-j", str(jobs))
        said = last_line(process)
        if process.returncode:
            return said
        self.wanted = read(os.path.join(out, "grades.csv"))
        return ""

    def reach(self, process, good):
        while process.poll() is None:
            if good():
                return ""
            time.sleep(0.1)
        return f"it ended too early: {last_line(process)}"

    def node_dies_and_interrupt(self):
        """A node loses its power when it has a task; when another node has done more, Ctrl-C."""
        process = self.command()
        wrong = self.reach(process, lambda: "RUNNING@node2" in self.cluster.tasks())
        if wrong:
            return wrong
        self.cluster.stop("node2")
        for good in (
            lambda: "NODE_FAIL@node2" in self.cluster.tasks(),  # the controller forgets that soon
            lambda: done_below(self.out) >= self.count // 4,
        ):
            if wrong := self.reach(process, good):
                return wrong
        process.send_signal(signal.SIGINT)
        last_line(process)
        left = self.cluster.active()
        if left or process.returncode != 130:
            return f"status {process.returncode}, and tasks are left: {left}"
        return "it has a gradebook" if os.path.exists(f"{self.out}/grades.csv") else ""

    def somebody_cancels(self):
        """One node goes on; then all its tasks are cancelled by another's scancel. No student has a
        wrong number."""
        process = self.command("--resume")
        wrong = self.reach(process, lambda: "RUNNING@node1" in self.cluster.tasks())
        if wrong:
            return wrong
        self.cluster.ask("scancel", "--user=root")
        said = last_line(process)
        if process.returncode != 3 or "cancelled by somebody (scancel)" not in said:
            return f"status {process.returncode}: {said}"
        return self.differs(lambda row: b",NOT GRADED,,,," in row)

    def node_comes_back(self):
        self.cluster.start_node("node2")
        self.cluster.until(lambda: self.cluster.idle() == len(NODES), "node2")
        process = self.command("--resume")
        said = last_line(process)
        if process.returncode:
            return said
        if any(name.startswith(".") for name in os.listdir(self.out)):
            return "the shared folder is not cleared away"
        return self.differs(lambda row: False)

    def differs(self, excused):
        """Where the gradebook is not as that of this machine alone, to the byte."""
        got = read(os.path.join(self.out, "grades.csv"))
        rows, wanted = got.splitlines(True), self.wanted.splitlines(True)
        bad = [f"{r} and not {w}" for r, w in zip(rows, wanted) if r != w and not excused(r)]
        return "; ".join(bad) or ("" if len(rows) == len(wanted) else "rows are missing")

    def no_controller(self):
        self.cluster.stop("controller")
        shutil.rmtree(self.out)
        process = self.command()
        said = last_line(process)
        right = said.startswith("admin: Slurm's controller does not answer: ")
        return "" if right and process.returncode == 3 else f"status {process.returncode}: {said}"


def run(lab, mutant, jobs, count):
    """(what, what is wrong or nothing, seconds) of each step. NoCluster where none can be had."""
    if why := missing():
        raise NoCluster(why)
    with tempfile.TemporaryDirectory(prefix="minnow-cluster-") as folder:
        with Cluster(folder) as cluster:
            one = Trial(lab, cluster, folder, count, mutant)
            for what, act in (
                (f"{count} submissions on this machine alone", lambda: one.alone(jobs)),
                ("a node loses its power, then Ctrl-C", one.node_dies_and_interrupt),
                ("--resume with one node, then somebody's scancel", one.somebody_cancels),
                ("--resume with both: the same gradebook, to the byte", one.node_comes_back),
                ("the controller is gone", one.no_controller),
            ):
                start = time.monotonic()
                wrong = act()
                yield what, wrong, time.monotonic() - start
                if wrong:
                    return
