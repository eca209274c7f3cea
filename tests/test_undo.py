"""The compiler's plugin (kernel/libservice/undo) notes each store of a service that is not to its own
stack, in as few notes as it may, and refuses what it could not undo."""

import os
import re
import subprocess

import pytest

import vmlib

PLUGIN = os.path.join(vmlib.BUILD, "undo.so")
FLAGS = ["-O2", "-std=gnu11", "-ffreestanding", "-mgeneral-regs-only", "-mno-red-zone"]

DECLARATIONS = """
#define ON_STACK __attribute__((on_stack))
struct plain { long a, b, c, d; struct { long much[600]; } large; } *p;
struct ON_STACK local { long a, b; };
long number(void);
void other(long *), fill(struct plain *);
"""


def compiled(text):
    return subprocess.run(
        [
            os.environ.get("CC", "gcc"),
            *FLAGS,
            f"-fplugin={PLUGIN}",
            *("-S", "-x", "c", "-o", "-", "-"),
        ],
        input=DECLARATIONS + text,
        capture_output=True,
        text=True,
    )


def function(body):
    return "void f(struct plain *p, struct plain *q, struct local *l, long n)\n{\n" + body + "\n}\n"


@pytest.mark.parametrize(
    "body, notes",
    [
        ("p->a = 1;", [""]),
        ("p->c = 3; p->a = 1; p->b = 2;", ["", "_2"]),
        ("p->a = 1; p->b = n; p->c = 3;", ["_3"]),
        ("p->a = 1; q->b = 2;", ["", ""]),
        ("p->a = 1; number(); p->b = 2;", ["", ""]),
        ("p->a = 1; p->d = 4;", ["", ""]),
        ("p->a = number();", [""]),
        ("long x; other(&x); x = n; other(&x);", []),
        ("struct plain x; fill(&x); x.a = n; fill(&x);", []),
        ("l->a = 1; l->b = 2;", []),
        ("l->a = 1; p->a = 1;", [""]),
    ],
)
def test_stores_are_noted(body, notes):
    run = compiled(function(body))
    assert run.returncode == 0, run.stderr
    assert re.findall(r"call\tundo_note(\w*)", run.stdout) == notes, run.stdout


@pytest.mark.parametrize(
    "text, message",
    [
        ("static struct local l; long *at(void) { return &l.a; }", "cannot be a static variable"),
        (
            "static struct local l[2]; long *at(void) { return &l->a; }",
            "cannot be a static variable",
        ),
        ("struct any { long n; struct local l; };", "must be so itself"),
        ("struct any { struct { struct local l[2]; } in; };", "must be so itself"),
        (function("p->large = q->large;"), "cannot be undone: use memcpy"),
    ],
)
def test_what_could_not_be_undone_is_refused(text, message):
    run = compiled(text)
    assert run.returncode != 0 and message in run.stderr, run.stderr


def test_an_on_stack_structure_may_be_part_of_another():
    run = compiled("struct ON_STACK whole { long n; struct local l; };" + function(""))
    assert run.returncode == 0, run.stderr
