"""The engine that grades a class with Slurm: an array job, one submission a task. The results'
folder is shared with the nodes, and so is this tree.

A task runs `lab/admin grade-task LIST`, which grades as the local engine does, into a folder of the
task's own below OUT/.slurm. That folder becomes OUT/NAME when Slurm says that the task is
COMPLETED, and not otherwise: a program that was killed for its memory or its time looks like a
student's failure. So a task that was given up and lives on writes over nothing, and whatever ends
this process, --resume takes what has been done and grades the rest.

Slurm's own variables choose what no option does: SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_QOS
..."""

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass

from . import INFRASTRUCTURE, LABS, ROOT, broken, build, local, write_file

FOLDER = ".slurm"  # of the results'; no submission has such a name
TOOLS = ("sbatch", "squeue", "scancel", "scontrol")
ACTIVE = set(
    "PENDING CONFIGURING RUNNING COMPLETING SUSPENDED RESIZING SIGNALING STAGE_OUT STOPPED"
    " REQUEUED REQUEUE_HOLD REQUEUE_FED SPECIAL_EXIT".split()
)
LOST = {"NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "UNKNOWN"}  # such a task is submitted again
LATE = 20  # polls until a file server has certainly shown what a task has left
CANCEL = 60  # seconds for tasks to end when they are cancelled


@dataclass
class Limits:
    memory: int = 1024  # MiB of a task
    minutes: int = 60  # of a task
    wait: float = 1440.0  # minutes: the class is given up when no task starts or ends for so long
    tries: int = 3  # of a task that is lost with its node
    poll: float = 3.0  # seconds between two questions to the controller


@dataclass
class Task:
    name: str
    path: str
    tries: int = 0
    folder: str = ""  # where its results come
    late: int = 0  # polls since it completed without a result to be seen


def ask(*words):
    """(whether it went well, what it said) of one of Slurm's commands. The user's SQUEUE_... must
    not choose what is shown."""
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env={name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")},
    )
    said = done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}"
    return done.returncode == 0, done.stdout if done.returncode == 0 else said.splitlines()[-1]


def array_size():
    """The number of tasks that a job may have."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise broken(
            f"{', '.join(missing)} not found: --engine slurm needs Slurm's commands"
            " (Debian: slurm-client)"
        )
    good, said = ask("scontrol", "show", "config")
    if not good:
        raise broken(f"Slurm's controller does not answer: {said}")
    words = [line.split("=") for line in said.splitlines() if line.startswith("MaxArraySize")]
    return int(words[0][1]) if words else 1001


class Jobs:
    """The jobs of one class. Their name follows from the folder of the results, so that those of a
    killed command are found."""

    def __init__(self, lab, out, limits):
        self.lab, self.out, self.limits = lab, out, limits
        digest = hashlib.sha256(os.path.realpath(out).encode()).hexdigest()
        self.who = [f"--name=minnow-{digest[:12]}", f"--user={os.geteuid()}"]
        self.shared = os.path.join(os.path.abspath(out), FOLDER)
        self.flying = {}  # (job, index): Task
        self.most = array_size()

    def states(self):
        """{(job, index): (state, reason)} of all that the controller knows, or a string: why it
        does not answer."""
        good, said = ask(
            "squeue", "--noheader", "--array", "--states=all", "--format=%F|%K|%T|%r", *self.who
        )
        rows = [line.strip().split("|", 3) for line in said.splitlines()]
        return {(r[0], r[1]): (r[2], r[3]) for r in rows if len(r) == 4} if good else said

    def state_of(self, key, states):
        """The controller forgets jobs that ended some minutes ago; the accounting, where there is
        one, does not."""
        if key in states:
            return states[key][0]
        if not shutil.which("sacct"):
            return "UNKNOWN"
        good, said = ask("sacct", "-nXP", "--format=State", "--jobs", "_".join(key))
        return said.split()[0] if good and said.split() else "UNKNOWN"

    def submit(self, tasks):
        """Submits as many as the controller takes; the tasks that are left."""
        while tasks:
            some, rest = tasks[: self.most], tasks[self.most :]
            turn = tempfile.mkdtemp(prefix="", dir=self.shared)
            names = {"lab": self.lab.id, "tasks": [[task.name, task.path] for task in some]}
            write_file(os.path.join(turn, "list.json"), json.dumps(names))
            admin = os.path.join(LABS, "admin")
            line = [sys.executable, "-B", admin, "grade-task", os.path.join(turn, "list.json")]
            good, said = ask(
                "sbatch",
                "--parsable",
                self.who[0].replace("--name", "--job-name"),
                f"--array=0-{len(some) - 1}",
                f"--mem={self.limits.memory}M",
                f"--time={self.limits.minutes}",
                "--nodes=1",
                "--ntasks=1",
                "--cpus-per-task=1",
                "--no-requeue",  # who is tried how often is counted here
                f"--chdir={ROOT}",
                f"--output={turn.replace('%', '%%')}/%a.log",
                f"--wrap=exec {shlex.join(line)}",
            )
            if not good:
                shutil.rmtree(turn)
                if self.flying:  # a limit of jobs at once, or a controller that starts again
                    return tasks
                raise broken(f"the job was not accepted: {said}")
            job = said.split()[-1].partition(";")[0]
            write_file(os.path.join(turn, "job"), job)
            for index, task in enumerate(some):
                task.folder, task.late = os.path.join(turn, str(index)), 0
                task.tries += 1
                self.flying[job, str(index)] = task
            tasks = rest
        return tasks

    def left(self, todo, done):
        """Takes the results that came when nobody looked; the tasks that are still to do."""
        tasks, states = {name: Task(name, path) for name, path in todo.items()}, self.states()
        for turn in os.listdir(self.shared) if os.path.isdir(self.shared) else []:
            with contextlib.suppress(OSError, ValueError, KeyError):
                with open(os.path.join(self.shared, turn, "job")) as file:
                    job = file.read()
                with open(os.path.join(self.shared, turn, "list.json")) as file:
                    names = [name for name, _ in json.load(file)["tasks"]]
                for index, name in enumerate(names):
                    folder = os.path.join(self.shared, turn, str(index))
                    result = local.finished(folder) if name in tasks else None
                    if result and self.state_of((job, str(index)), states) == "COMPLETED":
                        self.take(tasks.pop(name).name, folder)
                        done(name, result)
        return list(tasks.values())

    def take(self, name, folder):
        target = os.path.join(self.out, name)
        if os.path.exists(target):
            shutil.rmtree(target)
        os.rename(folder, target)

    def look(self, task, state, done):
        """A task that has ended: its result is taken, or it is not graded and it is said why. True
        if it is to be submitted again."""
        result = local.result_of(task.folder) if state == "COMPLETED" else None
        if result:
            self.take(task.name, task.folder)
            done(task.name, result)
            return False
        if state in LOST and task.tries < self.limits.tries:
            return True
        shutil.rmtree(os.path.join(self.out, task.name), ignore_errors=True)
        said = {
            "CANCELLED": "its task was cancelled by somebody (scancel)",
            "TIMEOUT": f"its task had not ended after {self.limits.minutes} minutes (--minutes)",
            "OUT_OF_MEMORY": f"its task needs more than {self.limits.memory} MiB (--memory)",
            "COMPLETED": f"its task has left no result in {self.shared}: do the nodes share it?",
            **{word: f"its task was lost {task.tries} times ({word}; --tries)" for word in LOST},
        }.get(state, f"its task ended as {state}: {last_line(task.folder + '.log')}")
        where = os.path.join(self.out, task.name)
        done(task.name, local.note(where, task.name, INFRASTRUCTURE, said))
        return False

    def run(self, tasks, done):
        """Until all tasks are done."""
        still, before = time.monotonic(), None
        while tasks or self.flying:
            tasks = self.submit(tasks)
            states = self.states()
            known = states if isinstance(states, dict) else {}
            if isinstance(states, dict):
                for key, task in list(self.flying.items()):
                    state = self.state_of(key, states)
                    if state in ACTIVE:
                        continue
                    if state == "COMPLETED" and not local.result_of(task.folder):
                        task.late += 1
                        if task.late < LATE:
                            continue
                    del self.flying[key]
                    if self.look(task, state, done):
                        tasks.append(task)
            if shutil.disk_usage(self.out).free < build.LAST_ROOM:
                raise broken(f"{self.out} is full: make room, then --resume goes on")
            now = sorted((key, state) for key, (state, _) in known.items())
            if now != before and known:
                still, before = time.monotonic(), now
            elif time.monotonic() - still > 60 * self.limits.wait:
                reasons = Counter(known[key][1] for key in self.flying if key in known)
                why = reasons.most_common(1)[0][0] if reasons else states or "nothing is known"
                raise broken(
                    f"no task has started or ended for {self.limits.wait:g} minutes (--wait):"
                    f" {len(tasks) + len(self.flying)} are left, the first reason: {why};"
                    " --resume goes on"
                )
            if tasks or self.flying:
                time.sleep(self.limits.poll)

    def cancel(self):
        """No task is left, or the controller does not answer."""
        ask("scancel", *self.who)
        end = time.monotonic() + CANCEL
        while time.monotonic() < end:
            states = self.states()
            if isinstance(states, str) or not ACTIVE & {state for state, _ in states.values()}:
                return
            time.sleep(min(self.limits.poll, 1))


def last_line(path):
    try:
        with open(path, errors="replace") as file:
            return ([line.strip() for line in file if line.strip()] or ["it said nothing"])[-1]
    except OSError:
        return "there is no log of it"


@contextlib.contextmanager
def signals(to):
    """SIGTERM and SIGHUP, which ends what a lost connection had started, do what Ctrl-C does."""
    before = {number: signal.signal(number, to) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt(*_):
    raise KeyboardInterrupt


def grade(lab, todo, out, done, limits=Limits(), resume=False):
    jobs = Jobs(lab, out, limits)
    jobs.cancel()  # what a command that was killed has left
    todo = {name: os.path.abspath(path) for name, path in todo.items()}
    tasks = jobs.left(todo, done) if resume else [Task(*item) for item in todo.items()]
    shutil.rmtree(jobs.shared, ignore_errors=True)
    os.makedirs(jobs.shared, exist_ok=True)
    with signals(interrupt):
        try:
            jobs.run(tasks, done)
        except BaseException:
            jobs.cancel()
            raise
    shutil.rmtree(jobs.shared, ignore_errors=True)


def task(path):
    """What a task runs: the submission of the list that has its number."""
    index = int(os.environ["SLURM_ARRAY_TASK_ID"])
    with open(path) as file:
        known = json.load(file)
    name, submission = known["tasks"][index]
    folder = os.path.join(os.path.dirname(path), str(index))
    with signals(lambda *_: sys.exit(INFRASTRUCTURE)):
        with tempfile.TemporaryDirectory(prefix="minnow-task-") as temporary:
            os.chmod(temporary, 0o711)  # the compiler, who may be nobody, has a folder below it
            local.work(known["lab"], name, submission, folder, temporary)
