"""What an instructor hands out and looks through: the classroom's template, the container and the
editor's files, submissions that are alike."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile

import pytest

import vmlib
from longlib import long

LABS = os.path.join(vmlib.ROOT, "lab")
sys.path.insert(0, LABS)

from grader import Stop, build, lab as labs, make, mutants, replay, similarity

SOLUTION = os.path.join(LABS, "01-ipc/instructor/solution/main.c")


@pytest.fixture(scope="module", autouse=True)
def built():
    os.environ["MINNOW_BUILT"] = "1"


def read(*path):
    with open(os.path.join(vmlib.ROOT, *path)) as file:
        return file.read()


# ---- submissions that are alike ----

# Somebody else's: names in a list in order, one function for all that reads.
INDEPENDENT = r"""
#include "names.h"
#include "service.h"

struct node {
    struct node *next;
    unsigned char bytes[NAME_BYTES + 1];
    int64_t n, vn;
    char v[VALUE_BYTES];
};
static struct node pool[NAMES_MAX], *head, *unused;
static struct pending_list line;

static int compare(const struct node *x, const unsigned char *key, int64_t n)
{
    int64_t i = 0;
    while (i < x->n && i < n) {
        if (x->bytes[i] != key[i])
            return x->bytes[i] > key[i] ? 1 : -1;
        i++;
    }
    return x->n == n ? 0 : x->n > n ? 1 : -1;
}

static struct node **lookup(const unsigned char *key, int64_t n)
{
    struct node **at = &head;
    for (; *at; at = &(*at)->next)
        if (compare(*at, key, n) >= 0)
            break;
    return at;
}

static void unlink_node(struct node **at)
{
    struct node *gone = *at;
    *at = gone->next;
    gone->next = unused;
    unused = gone;
}

static int64_t answer(struct message *m, int remove)
{
    unsigned char key[NAME_BYTES];
    int64_t n = m->w[0], room = (int64_t)m->w[2] - n;
    switch (n <= 0 || n > NAME_BYTES || room < 0 ? -EINVAL : copy_in(m, 0, key, n)) {
    case 0: break;
    case -EINVAL: return -EINVAL;
    default: return -EFAULT;
    }
    struct node **at = lookup(key, n);
    if (!*at || compare(*at, key, n)) {
        if (remove != 2)
            return -ENOENT;
        return pending_add(&line, m) ? LATER : -EAGAIN;
    }
    if (remove == 1) {
        unlink_node(at);
        return 0;
    }
    if ((*at)->vn > room)
        return -ERANGE;
    int64_t size = (*at)->vn, failed = copy_out(m, n, (*at)->v, size);
    if (!failed && remove)
        unlink_node(at);
    return failed ?: size;
}

static int64_t get(struct message *m) { return answer(m, 0); }
static int64_t removes(struct message *m) { return answer(m, 1); }
static int64_t take(struct message *m) { return answer(m, 2); }

static int64_t list(struct message *m)
{
    struct node *x = head;
    for (uint64_t k = m->w[0]; x && k; k--)
        x = x->next;
    if (!x)
        return -ENOENT;
    return (uint64_t)x->n > m->w[2] ? -ERANGE : copy_out(m, 0, x->bytes, x->n) ? -EFAULT : x->n;
}

int main(void)
{
    for (int i = NAMES_MAX; i--; unused = &pool[i])
        pool[i].next = unused;
    static const handler_t handlers[] = { [op_number(NAMES_GET)] = get,
        [op_number(NAMES_TAKE)] = take, [op_number(NAMES_REMOVE)] = removes, [op_number(NAMES_LIST)] = list };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
"""


def renamed(text):
    for old, new in (("entries", "table"), ("entry", "slot"), ("find", "seek"), ("waiters", "q")):
        text = re.sub(rf"\b{old}\b", new, text)
    return re.sub(r"/\*.*?\*/", "/* mine */", text, flags=re.S).replace("    ", "\t")


def reordered(text):
    """The operations, which need not stand in this order, backwards."""
    head, rest = text.split("/* ---- operations ---- */")
    parts = rest.split("\n\n")
    body, main = parts[:-1], parts[-1]
    return head + "\n\n".join([*reversed(body), main])


needs_sim = pytest.mark.skipif(not shutil.which("sim_c"), reason="no similarity-tester")


@pytest.fixture
def alike(tmp_path):
    lab = labs.load("01-ipc")
    with open(SOLUTION) as file:
        text = file.read()
    mutant = mutants.load(lab)[2].files["main.c"].decode()
    programs = {
        "ann": text,
        "copied": text,
        "renamed": renamed(text),
        "reordered": reordered(text),
        "mutant": mutant,
        "alone": INDEPENDENT,
        "skeleton": read("lab/01-ipc/skeleton/main.c"),
    }
    for name, program in programs.items():
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "main.c").write_text(program)
    (tmp_path / "class" / "refused").mkdir()
    return lab, tmp_path / "class"


@needs_sim
def test_copied_renamed_and_reordered_programs_are_found(alike):
    lab, folder = alike
    lines = similarity.report(lab, str(folder), 50).splitlines()
    assert "group: ann copied mutant renamed reordered" in lines
    pairs = {tuple(line.split()[2:4]): int(line.split()[0]) for line in lines if " % " in line[:8]}
    assert pairs["ann", "copied"] == pairs["ann", "renamed"] == 100
    assert pairs["ann", "mutant"] >= 90 and pairs["ann", "reordered"] >= 80
    assert len(pairs) == 10 and lines[-1] == "10 pairs of 50 % or more"
    assert not [pair for pair in pairs if "alone" in pair or "skeleton" in pair]
    assert "not compared: skeleton: hardly more than was handed out" in lines
    assert "not compared: refused: refused: main.c is missing" in lines


@needs_sim
def test_programs_written_apart_share_little_but_the_skeleton(alike):
    lab, folder = alike
    found, _ = similarity.compare(
        lab, {name: str(folder / name) for name in ("ann", "alone", "skeleton")}
    )
    assert all(percent < 25 for percent in found.values()), found


def test_similarity_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Stop, match="sim_c is not installed: install similarity-tester") as stop:
        similarity.compare(labs.load("01-ipc"), {})
    assert stop.value.status == 3


def test_groups_join_pairs():
    assert similarity.groups([("a", "b"), ("c", "d"), ("b", "e")]) == [("a", "b", "e"), ("c", "d")]


# ---- the classroom's template ----


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    target = tmp_path_factory.mktemp("classroom") / "template.zip"
    make.pack_classroom(labs.load("02-sched"), str(target))
    with zipfile.ZipFile(target) as archive:
        for member in archive.infolist():
            path = archive.extract(member, target.parent)
            os.chmod(path, member.external_attr >> 16 or 0o755)
    return target.parent / "02-sched"


def test_template_has_one_lab_and_nothing_of_the_instructors(template):
    names = {
        os.path.relpath(os.path.join(folder, name), template)
        for folder, _, found in os.walk(template)
        for name in found
    }
    assert {"lab/02-sched/src/main.c", "lab/02-sched/skeleton/main.c", "lab/lab"} <= names
    assert {"Dockerfile", ".devcontainer/devcontainer.json", ".vscode/launch.json"} <= names
    assert not [
        n for n in names if re.search(r"instructor|lab/admin|01-ipc|05-fs|lab/.*mutants|slurm", n)
    ]
    assert os.access(template / "lab/lab", os.X_OK)
    assert '"default": "02-sched"' in (template / ".vscode/tasks.json").read_text()
    ignored = (template / ".gitignore").read_text().split()
    assert "/lab/*/src/" not in ignored, "the student's work is in the repository"
    page = (template / ".github/README.md").read_text()
    assert "02-sched" in page and "`lab/02-sched/src/main.c`" in page and "@" not in page


def test_workflow_runs_the_labs_own_commands(template):
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((template / ".github/workflows/grade.yml").read_text())
    job = workflow["jobs"]["grade"]
    assert job["container"] == "debian:12"
    steps = [step.get("run") or step["uses"] for step in job["steps"]]
    assert steps.index("make image lab-programs") < steps.index("lab/lab grade 02-sched")
    upload = job["steps"][-1]
    assert upload["if"] == "always()" and "build/grade/02-sched/" in upload["with"]["path"]
    assert all(len(line) < 120 for line in steps)


def workflow_steps(template):
    """{name: command} of the workflow's own."""
    text = (template / ".github/workflows/grade.yml").read_text()
    found = re.findall(
        r"- name: (\w+)\n(?:        if: .*\n)?        run: (?:\|\n)?((?:.*\n)+?)"
        r"(?=      - |        env:)",
        text,
    )
    return {name: re.sub(r"^ +", "", lines, flags=re.M) for name, lines in found}


@long
def test_workflow_grades_what_is_pushed(template):
    """Its commands, in the repository, with the tree's build beside it."""
    steps = workflow_steps(template)
    assert set(steps) == {"tools", "build", "grade", "results"}
    (template / "build").mkdir()
    for name in os.listdir(vmlib.BUILD):
        if name != "grade":
            os.symlink(os.path.join(vmlib.BUILD, name), template / "build" / name)
    environment = dict(os.environ, MINNOW_BUILT="1", BUILD="build")
    environment |= {"OWNER": "ann", "COMMIT": "c0ffee", "GITHUB_STEP_SUMMARY": "summary"}
    shutil.copy(
        os.path.join(LABS, "02-sched/instructor/solution/main.c"), template / "lab/02-sched/src"
    )
    for name in ("grade", "results"):
        done = subprocess.run(
            ["bash", "-e", "-c", steps[name]],
            cwd=template,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((template / "result.json").read_text())
    assert (result["owner"], result["commit"], result["score"]) == ("ann", "c0ffee", 70)
    assert "70 of 70 visible points" in (template / "summary").read_text()


# ---- a new lab ----


def test_new_labs_mutants_fit_its_solution(tmp_path):
    """The formatter lays out the solution and leaves the patches alone."""
    instructor = os.path.join(LABS, "grader/templates/instructor")
    patches = [name for name in os.listdir(f"{instructor}/mutants") if name.endswith(".patch")]
    assert patches
    for name in patches:
        shutil.copy(f"{instructor}/solution/main.c", tmp_path)
        subprocess.run(
            ["patch", "-s", "-F0", "-p1", "-i", f"{instructor}/mutants/{name}"],
            cwd=tmp_path,
            check=True,
        )
        assert os.path.isfile(f"{instructor}/mutants/{name[:-6]}.toml")


# ---- the container and the editor ----


def test_container_has_what_setup_installs():
    """One place knows the packages: tests/setup, which the Dockerfile runs where it has copied
    it."""
    text = read("Dockerfile")
    ((source, target),) = re.findall(r"^COPY (\S+) (\S+)$", text, re.M)
    runs = re.findall(r"^RUN (.*)$", text, re.M)
    assert source == "tests/setup" and target in runs, "tests/setup with no option: everything"
    assert text.startswith("#") and re.search(r"^FROM debian:12$", text, re.M)
    apart = set(re.search(r"install -y --no-install-recommends (.*)", text)[1].split())
    listed = subprocess.run(
        [os.path.join(vmlib.ROOT, "tests/setup"), "--list"], capture_output=True, text=True
    ).stdout.split()
    assert {"gdb", "qemu-system-x86"} <= set(listed) and not apart & set(listed)
    assert not {"munge", "slurmd"} & set(listed), "what only an instructor needs"
    container = json.loads(read(".devcontainer/devcontainer.json"))
    dockerfile = os.path.join(vmlib.ROOT, ".devcontainer", container["build"]["dockerfile"])
    assert os.path.samefile(dockerfile, os.path.join(vmlib.ROOT, "Dockerfile"))


def test_replay_without_a_name_takes_what_failed_first_in_the_last_grading(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "BUILD", str(tmp_path))
    with pytest.raises(Stop, match="nothing has failed in the last grading") as stop:
        replay.first_failure()
    assert stop.value.status == 4
    failed = {"id": "b", "status": "failed", "seed": 2}
    for age, lab, tests in (
        (100, "01-ipc", [{"id": "x", "status": "failed", "seed": 1}]),
        (50, "02-sched", [{"id": "a", "status": "passed"}, failed, {**failed, "id": "c"}]),
    ):
        folder = tmp_path / "grade" / lab
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps({"lab": lab, "tests": tests}))
        os.utime(folder / "record.json", (time.time() - age,) * 2)
    assert replay.first_failure() == "02-sched:b:2"
    (tmp_path / "grade/02-sched/record.json").write_text('{"lab": "02-sched", "tests": []}')
    with pytest.raises(Stop):
        replay.first_failure()


def test_editor_stops_where_the_server_begins(tmp_path):
    """GDB, asked as Microsoft's cppdbg asks it by .vscode/launch.json, while the task of tasks.json
    runs."""
    (launch,) = json.loads(read(".vscode/launch.json"))["configurations"]
    tasks = {task["label"]: task for task in json.loads(read(".vscode/tasks.json"))["tasks"]}
    task = tasks[launch["preLaunchTask"]]
    words = task["command"].split()
    assert words == ["lab/lab", "replay", "--gdb"]
    here = lambda text: text.replace("${workspaceFolder}/build", vmlib.BUILD)
    with subprocess.Popen(
        [sys.executable, "-B", os.path.join(vmlib.ROOT, words[0]), *words[1:]]
        + ["01-ipc:put-get:1", "--source", os.path.dirname(SOLUTION), "--out", str(tmp_path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        cwd=vmlib.ROOT,
    ) as replayed:
        ready = re.compile(task["problemMatcher"]["background"]["endsPattern"])
        assert any(
            ready.search(line) for line in replayed.stdout
        ), "the task says when GDB can come"
        console = lambda text: f'-interpreter-exec console "{here(text)}"\n'
        orders = "".join(console(command["text"]) for command in launch["setupCommands"])
        orders += f"-file-exec-and-symbols {here(launch['program'])}\n"
        orders += f"-target-select remote {here(launch['miDebuggerServerAddress'])}\n"
        orders += "".join(console(c["text"]) for c in launch["postRemoteConnectCommands"])
        gdb = subprocess.Popen(
            ["gdb", "-q", "-nx", "--interpreter=mi"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        gdb.stdin.write(orders + f"-{launch['launchCompleteCommand']}\n")
        gdb.stdin.flush()
        stopped = ""
        end = time.monotonic() + 300
        for line in gdb.stdout:
            if line.startswith("*stopped") and 'func="main"' in line or "^error" in line:
                stopped = line
                break
            assert time.monotonic() < end
        gdb.stdin.write("-gdb-exit\n")
        gdb.communicate(timeout=60)
        replayed.kill()
    assert 'func="main"' in stopped and "main.c" in stopped, stopped
