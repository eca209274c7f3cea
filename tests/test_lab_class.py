"""What an instructor looks through: submissions that are alike."""

import os
import re
import shutil
import sys

import pytest

import vmlib

LABS = os.path.join(vmlib.ROOT, "lab")
sys.path.insert(0, LABS)

from grader import Stop, lab as labs, selftest, similarity

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
    mutant = selftest.mutants(lab)[2].files["main.c"].decode()
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
