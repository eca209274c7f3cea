"""The engine that grades a class with Slurm, against commands that stand for Slurm's: each way in
which a task, a job, a node, the controller or the shared folder can fail is a line of its own, and
nothing is graded wrong. `lab/admin selftest class-slurm` has the real ones."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import vmlib
from longlib import in_full

ADMIN = os.path.join(vmlib.ROOT, "lab", "admin")
sys.path.insert(0, os.path.join(vmlib.ROOT, "lab"))

from grader import cluster as cluster_module, selftest

# sbatch, squeue, sacct, scancel and scontrol. plan.json says what becomes of each submission's
# tasks, one after the other; each squeue lets three tasks go on. log.txt has all that was asked.
FAKE = r"""#!/usr/bin/python3
import json, os, shlex, subprocess, sys
here = os.environ["FAKE_SLURM"]
tool, words = os.path.basename(sys.argv[0]), sys.argv[1:]
option = dict(w.lstrip("-").split("=", 1) for w in words if "=" in w)

def load(name, default):
    try:
        with open(f"{here}/{name}") as file:
            return json.load(file)
    except FileNotFoundError:
        return default

def save(name, data):
    with open(f"{here}/{name}", "w") as file:
        json.dump(data, file)

def fail(text):
    print(f"{tool}: error: {text}", file=sys.stderr)
    sys.exit(1)

with open(f"{here}/log.txt", "a") as file:
    print(tool, *words, file=file)
plan, tasks, how = load("plan.json", {}), load("tasks.json", {}), load("how.json", {})
if tool in how.get("dead", []):
    fail("Unable to contact slurm controller (connect failure)")

def go_on(key, task):
    if task["state"] != "PENDING":
        return
    todo = plan.get(task["name"], [])
    act = todo.pop(0) if todo else "run"
    if act in ("run", "ran", "vanish"):
        env = dict(os.environ, SLURM_ARRAY_TASK_ID=key.split("_")[1])
        with open(task["log"], "w") as log:
            status = subprocess.run(["sh", "-c", task["line"]], env=env, stderr=log).returncode
        task["state"] = "FAILED" if status else "COMPLETED"
        if act == "ran":
            task["state"] = todo.pop(0)
        task["gone"] = act == "vanish"
    elif act == "gone":
        task["gone"], task["state"] = True, "UNKNOWN"
    elif act == "fails":
        task["state"] = "FAILED"
        with open(task["log"], "w") as log:
            log.write("Traceback\npython3: not on this node\n\n")
    else:
        task["state"] = act
    if act == "PENDING":
        todo.insert(0, act)

if tool == "scontrol":
    print("MaxArraySize            = %d" % how.get("most", 1001))
elif tool == "sbatch":
    job = len({key.split("_")[0] for key in tasks}) + 1
    if job > how.get("jobs", 99):
        fail("Batch job submission failed: Job violates accounting/QOS policy")
    with open(shlex.split(option["wrap"])[-1]) as file:
        names = [name for name, _ in json.load(file)["tasks"]]
    assert option["array"] == f"0-{len(names) - 1}" and len(names) <= how.get("most", 1001)
    for index, name in enumerate(names):
        log = option["output"].replace("%a", str(index)).replace("%%", "%")
        tasks[f"{job}_{index}"] = dict(
            name=name, job=option["job-name"], state="PENDING", line=option["wrap"], log=log)
    print(f"{job};cluster")
elif tool == "squeue":
    for key, task in tasks.items():
        if not task.get("gone") and task["job"] == option["name"]:
            why = "Nodes down" if task["state"] == "PENDING" else ""
            print(key.replace("_", "|"), task["state"], why, sep="|")
    for key in [key for key, task in tasks.items() if task["state"] == "PENDING"][:3]:
        go_on(key, tasks[key])
elif tool == "sacct":
    task = tasks[words[-1]]
    if not how.get("accounting"):
        fail("Slurm accounting storage is disabled")
    print(task["state"])
elif tool == "scancel":
    for task in tasks.values():
        if task["state"] == "PENDING" and task["job"] == option["name"]:
            task["state"] = "CANCELLED"
save("tasks.json", tasks)
save("plan.json", plan)
"""


class Cluster:
    """A class, three who are refused at once, and Slurm's commands."""

    def __init__(self, folder, names=("ann", "bob", "eve")):
        self.folder, self.bin, self.out = folder, folder / "bin", folder / "out"
        self.bin.mkdir()
        for tool in ("sbatch", "squeue", "sacct", "scancel", "scontrol"):
            (self.bin / tool).write_text(FAKE)
            (self.bin / tool).chmod(0o755)
        for name in names:
            (folder / "class" / name).mkdir(parents=True)
        self.environment = dict(
            os.environ,
            PATH=f"{self.bin}:{os.environ['PATH']}",
            FAKE_SLURM=str(folder),
            MINNOW_BUILT="1",
            SQUEUE_PARTITION="another",
        )

    def start(self, *words, **plan):
        for name in [name for name in plan if name in ("how",)]:
            (self.folder / f"{name}.json").write_text(json.dumps(plan.pop(name)))
        (self.folder / "plan.json").write_text(json.dumps(plan))
        return subprocess.Popen(
            [sys.executable, "-B", ADMIN, "grade-class", "01-ipc", self.folder / "class", self.out]
            + ["--engine", "slurm", "--poll", "0.02", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            preexec_fn=vmlib.default_signals,
        )

    def grade(self, *words, **plan):
        """(status, the last line of what it said)"""
        said = (process := self.start(*words, **plan)).communicate(timeout=600)[1].strip()
        return process.returncode, said.splitlines()[-1]

    def states(self):
        with open(self.out / "grades.csv", newline="") as file:
            return {row["student"]: (row["state"], row["remark"]) for row in csv.DictReader(file)}

    def asked(self, tool):
        return [
            line
            for line in (self.folder / "log.txt").read_text().splitlines()
            if line.split()[0] == tool
        ]

    def tasks(self):
        return json.loads((self.folder / "tasks.json").read_text())


REFUSED = ("refused", "refused: main.c is missing")
GOOD = {"ann": REFUSED, "bob": REFUSED, "eve": REFUSED}


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


def test_class_is_one_job_and_leaves_nothing(cluster):
    (cluster.folder / "class/eve/main.c").write_text("int main(void) { return nothing; }\n")
    status, said = cluster.grade()
    assert (status, cluster.states()) == (0, {**GOOD, "eve": ("does not build", "")}), said
    (line,) = cluster.asked("sbatch")
    assert "--array=0-2" in line and "--mem=1024M" in line and "--time=60" in line
    assert sorted(os.listdir(cluster.out)) == ["ann", "bob", "eve", "grades.csv"]
    alone = cluster.folder / "alone"
    subprocess.run(
        [sys.executable, "-B", ADMIN, "grade-class", "01-ipc", cluster.folder / "class", alone],
        env=cluster.environment,
        check=True,
        capture_output=True,
    )
    assert (alone / "grades.csv").read_bytes() == (cluster.out / "grades.csv").read_bytes()


def test_large_class_is_split(tmp_path):
    cluster = Cluster(tmp_path, names=["eve", *(f"s{n}" for n in range(4))])
    status, said = cluster.grade("--memory", "700", "--minutes", "9", how={"most": 2})
    assert status == 0 and set(cluster.states().values()) == {REFUSED}, said
    assert ["--array=0-1", "--array=0-1", "--array=0-0"] == [
        word
        for line in cluster.asked("sbatch")
        for word in line.split()
        if word.startswith("--array")
    ]
    assert all("--mem=700M --time=9" in line for line in cluster.asked("sbatch"))


def test_limit_of_jobs_at_once_is_waited_for(tmp_path):
    """What the controller does not take at first is submitted when it does."""
    cluster = Cluster(tmp_path, names=["eve", *(f"s{n}" for n in range(6))])
    process = cluster.start(how={"most": 4, "jobs": 1}, eve=["PENDING"])
    wait_for(lambda: len(cluster.asked("sbatch")) > 3)
    (tmp_path / "how.json").write_text('{"most": 4}')
    wait_for(lambda: len(cluster.tasks()) == 7)
    (tmp_path / "plan.json").write_text("{}")
    assert process.communicate(timeout=600) and process.returncode == 0
    assert len(cluster.states()) == 7


def wait_for(good):
    end = time.monotonic() + 300
    while time.monotonic() < end:
        try:
            if good():
                return
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.02)
    raise AssertionError("it does not come about")


@pytest.mark.parametrize(
    "state", ["NODE_FAIL", in_full("BOOT_FAIL"), in_full("PREEMPTED"), in_full("gone")]
)
def test_lost_task_is_submitted_again(cluster, state):
    status, said = cluster.grade(bob=[state, state])
    assert (status, cluster.states()) == (0, GOOD), said
    assert len(cluster.asked("sbatch")) == 3


def test_task_that_is_lost_again_and_again_is_given_up(cluster):
    status, said = cluster.grade("--tries", "2", bob=["NODE_FAIL"] * 9)
    assert status == 3 and len(cluster.asked("sbatch")) == 2
    assert said == (
        "admin: 1 of 3 are not graded: its task was lost 2 times (NODE_FAIL; --tries);"
        " --resume tries again"
    )
    assert cluster.states()["bob"][0] == "NOT GRADED" and cluster.states()["ann"] == REFUSED


@pytest.mark.parametrize(
    "plan, said",
    [
        (["CANCELLED"], "its task was cancelled by somebody (scancel)"),
        (["ran", "TIMEOUT"], "its task had not ended after 60 minutes (--minutes)"),
        (["ran", "OUT_OF_MEMORY"], "its task needs more than 1024 MiB (--memory)"),
        (["ran", "CANCELLED"], "its task was cancelled by somebody (scancel)"),
        (["fails"], "its task ended as FAILED: python3: not on this node"),
        (["COMPLETED"], "its task has left no result in {}: do the nodes share it?"),
    ],
)
def test_task_that_fails_has_no_grade(cluster, plan, said):
    """Whatever it has left: a compiler that was killed for its memory says that the program does
    not build."""
    status, line = cluster.grade(eve=plan)
    said = said.format(cluster.out / ".slurm")
    assert (status, line) == (3, f"admin: 1 of 3 are not graded: {said}; --resume tries again")
    assert cluster.states() == {**GOOD, "eve": ("NOT GRADED", said)}
    assert ",NOT GRADED,,,," in (cluster.out / "grades.csv").read_text()
    assert cluster.grade("--resume")[0] == 0 and cluster.states() == GOOD
    assert cluster.asked("sbatch")[-1].count("--array=0-0") == 1, "only what was not done"


def test_controller_forgets_and_the_accounting_knows(cluster):
    status, _ = cluster.grade(how={"accounting": True}, bob=["vanish"])
    assert status == 0 and cluster.states() == GOOD and len(cluster.asked("sbatch")) == 1


def test_commands_are_not_there(cluster):
    (cluster.bin / "sbatch").unlink()
    cluster.environment["PATH"] = f"{cluster.bin}:/nowhere"
    os.symlink(shutil.which("qemu-system-x86_64"), cluster.bin / "qemu-system-x86_64")
    status, said = cluster.grade()
    assert status == 3 and not (cluster.out / "grades.csv").exists()
    assert said == (
        "admin: sbatch not found: --engine slurm needs Slurm's commands (Debian: slurm-client)"
    )


@pytest.mark.parametrize(
    "dead, said",
    [
        ("scontrol", "Slurm's controller does not answer: scontrol"),
        ("sbatch", "the job was not accepted: sbatch"),
    ],
)
def test_controller_does_not_answer(cluster, dead, said):
    assert cluster.grade(how={"dead": [dead]}) == (
        3,
        f"admin: {said}: error: Unable to contact slurm controller (connect failure)",
    )


def test_node_that_never_comes_back(cluster):
    status, said = cluster.grade("--wait", "0.01", bob=["PENDING"])
    assert status == 3
    assert said == (
        "admin: no task has started or ended for 0.01 minutes (--wait): 1 are left, the first"
        " reason: Nodes down; --resume goes on"
    )
    assert not [task for task in cluster.tasks().values() if task["state"] == "PENDING"]
    assert cluster.grade("--resume")[0] == 0 and cluster.states() == GOOD


def test_controller_that_never_comes_back(cluster):
    process = cluster.start("--wait", "0.01", bob=["PENDING"])
    wait_for(lambda: cluster.asked("squeue"))
    (cluster.folder / "how.json").write_text('{"dead": ["squeue"]}')
    said = process.communicate(timeout=600)[1].strip().splitlines()[-1]
    assert process.returncode == 3 and "Unable to contact slurm controller" in said, said


@pytest.mark.parametrize("number", [signal.SIGINT, in_full(signal.SIGTERM), in_full(signal.SIGHUP)])
def test_end_by_a_signal_cancels_the_tasks(cluster, number):
    process = cluster.start(bob=["PENDING"])
    wait_for(lambda: cluster.tasks()["1_0"]["state"] == "COMPLETED")
    process.send_signal(number)
    assert process.communicate(timeout=600) and process.returncode == 130
    assert {task["state"] for task in cluster.tasks().values()} <= {"CANCELLED", "COMPLETED"}
    assert "CANCELLED" in {task["state"] for task in cluster.tasks().values()}
    assert not (cluster.out / "grades.csv").exists()


def test_killed_engine_is_taken_up(cluster):
    """Its tasks are cancelled, and what has been done since is taken."""
    process = cluster.start(eve=["PENDING"])
    wait_for(lambda: cluster.tasks()["1_1"]["state"] == "COMPLETED")
    process.kill()
    process.communicate()
    before = [task["state"] for task in cluster.tasks().values()]
    assert "PENDING" in before
    assert cluster.grade("--resume")[0] == 0 and cluster.states() == GOOD
    assert cluster.asked("sbatch")[-1].count("--array=0-0") == 1
    assert cluster.tasks()["1_2"]["state"] == "CANCELLED"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_shared_folder_is_full(cluster):
    cluster.out.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(cluster.out)], check=True)
    try:
        process = cluster.start(bob=["PENDING"])
        wait_for(lambda: cluster.tasks()["1_0"]["state"] == "COMPLETED")
        try:
            with open(cluster.out / "ballast", "wb") as file:
                file.write(bytes(3 << 20))
        except OSError:
            pass
        said = process.communicate(timeout=600)[1].strip().splitlines()[-1]
        assert process.returncode == 3
        assert said == f"admin: {cluster.out} is full: make room, then --resume goes on", said
        assert not [task for task in cluster.tasks().values() if task["state"] == "PENDING"]
        os.unlink(cluster.out / "ballast")
        assert cluster.grade("--resume")[0] == 0 and cluster.states() == GOOD
    finally:
        subprocess.run(["umount", "-l", str(cluster.out)], check=True)


def test_selftest_leaves_the_cluster_out_where_it_cannot_be(monkeypatch):
    lines = []
    tell = lambda line, **_: lines.append(line)
    monkeypatch.setattr(cluster_module, "which", lambda tool: None if tool == "slurmd" else tool)
    assert selftest.run([selftest.CLUSTER], tell=tell) == (0, 0)
    assert lines == ["class-slurm: skipped: slurmd not installed (tests/setup --class)"]
    monkeypatch.setattr(cluster_module, "which", lambda tool: tool)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    selftest.run([selftest.CLUSTER], tell=tell)
    assert lines[1:] == ["class-slurm: skipped: only root can start its daemons"]
    listed = subprocess.run(
        [os.path.join(vmlib.ROOT, "tests/setup"), "--class", "--list"],
        capture_output=True,
        text=True,
    ).stdout.split()
    assert {*cluster_module.DAEMONS.values(), "similarity-tester"} <= set(listed)
