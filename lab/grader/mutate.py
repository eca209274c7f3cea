"""Spoils a lab's reference solution by itself, in many small ways, and looks whether the tests see it. What survives shows where a test is
missing, or is a change that makes no difference.

The source is cut into tokens, and a change is made of a few of them: no compiler is asked what they mean. A change that does not compile
is no mutant, and neither is one of which the compiler makes the same program. The choice depends on the seed alone.

instructor/equivalent.txt lists changes that make no difference that the hand-out speaks of. An entry is four lines:

    map.c                               the file
    - if (from < first + span) {        the lines that were changed, with single spaces
    + if (from <= first + span) {       and what they became
    = cut_slot() finds nothing there    why that is all the same"""

import hashlib
import os
import random
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import Stop, broken, build, run, submission

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/|\#(?:[^\n\\]|\\.)*)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)""",
    re.X | re.S,
)
OPENS, CLOSES = dict(zip("([{", ")]}")), ")]}"
EDGES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
TURNS = {"==": "!=", "!=": "==", "&&": "||", "||": "&&"}
SUMS = {"+": "-", "-": "+", "<<": ">>", ">>": "<<", "*": "/", "%": "/", "|=": "=", "+=": "-="}
ASSIGNS = {"=", "+=", "-=", "|=", "&=", "^=", "*=", "/=", "<<=", ">>="}
WORDS = {"if", "while", "for", "switch", "return", "sizeof", "do", "else"}


@dataclass
class Token:
    kind: str  # word, number, sign, text
    text: str
    start: int

    @property
    def end(self):
        return self.start + len(self.text)


@dataclass
class Change:
    """The bytes from start to end of a file become `new`."""

    file: str
    kind: str
    start: int
    end: int
    new: str
    line: int
    before: str  # the lines that it touches, with single spaces
    after: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.kind}\n      - {self.before}\n      + {self.after}"


def tokens(text):
    return [
        Token(m.lastgroup, m.group(), m.start())
        for m in TOKEN.finditer(text)
        if m.lastgroup != "space"
    ]


def partners(found):
    """{index of a bracket: index of the one that closes it}"""
    stack, pairs = [], {}
    for i, t in enumerate(found):
        if t.text in OPENS:
            stack.append(i)
        elif t.text in CLOSES and stack:
            pairs[stack.pop()] = i
    return pairs


def bodies(found, pairs):
    """(first, last) of the tokens in each function's body: a brace behind a bracket, at the outermost level."""
    i = 0
    while i < len(found):
        if found[i].text == "{":
            if i and found[i - 1].text == ")":
                yield i + 1, pairs[i] - 1
            i = pairs[i]
        i += 1


def begins_statement(found, i):
    return found[i - 1].text in ("{", "}", ";", "else", "do") or (
        found[i - 1].text == ")" and found[i].kind == "word"
    )


def end_of_statement(found, pairs, i):
    """The index of the semicolon that ends the statement which begins at i; None for one with a block in it."""
    while i < len(found) and found[i].text != ";":
        if found[i].text == "{" and found[i - 1].text != "=":
            return None
        i = pairs.get(i, i) + 1
    return i if i < len(found) else None


def statement_changes(found, pairs, i):
    """Of a statement that begins at token i: left out, or its result ignored."""
    end = end_of_statement(found, pairs, i)
    if end is None or found[i].text in WORDS:
        return
    if found[i + 1].text == "(" and pairs.get(i + 1) == end - 1:
        yield "a call left out", i, end - 1, "(void)0"
        return
    if found[i].text in ("++", "--", "*") or found[i + 1].text not in ("->", ".", "[", *ASSIGNS):
        if found[end - 1].text in ("++", "--"):
            yield "an assignment left out", i, end - 1, "(void)0"
        return
    at = i
    while at < end and found[at].text not in ASSIGNS:
        at = pairs.get(at, at) + 1
    if at == end and found[end - 1].text in ("++", "--"):
        yield "an assignment left out", i, end - 1, "(void)0"
    if at < end:
        yield "an assignment left out", i, end - 1, "(void)0"
        if found[at + 1].kind == "word" and found[at + 2].text == "(":
            if found[at].text == "=" and pairs.get(at + 2) == end - 1:
                yield "a return value ignored", i, at, ""


def token_changes(found, pairs, i):
    t, before = found[i], found[i - 1]
    binary = before.kind in ("word", "number") and before.text != "return" or before.text in ")]"
    if t.kind == "number" and not re.match(r"0\d", t.text):  # the octal ones are modes
        digits = t.text.rstrip("uUlL")
        value, suffix = int(digits, 0), t.text[len(digits) :]
        yield "a constant off by one", i, i, f"{value + 1}{suffix}"
        if value:
            yield "a constant off by one", i, i, f"{value - 1}{suffix}"
    elif t.kind == "sign" and t.text in EDGES:
        yield "a comparison's edge", i, i, EDGES[t.text]
    elif t.kind == "sign" and t.text in TURNS:
        yield "a condition turned", i, i, TURNS[t.text]
    elif t.kind == "sign" and t.text in SUMS and binary:
        yield "another operator", i, i, SUMS[t.text]
    elif t.text in ("if", "while") and found[i + 1].text == "(":
        first, last = i + 2, pairs[i + 1] - 1
        yield "a condition turned", first, last, "!(@)"
        if t.text == "if":
            yield "a condition left out", first, last, "(@) && 0"
            yield "a condition left out", first, last, "(@) || 1"
    elif t.text == "?":
        yield "a condition left out", i, i, "&& 0 ?"
    elif t.kind == "word" and re.fullmatch(r"E[A-Z0-9]+", t.text) and before.text == "-":
        yield "another error", i, i, "EIO" if t.text != "EIO" else "EPERM"
    elif t.text == "return" and found[i + 1].text == "-" and found[i + 3].text == ";":
        yield "an error left out", i + 1, i + 2, "0"


def squeezed(text):
    return " ".join(text.split())


def changes_of(file, text):
    """All changes of a file."""
    found = tokens(text)
    pairs = partners(found)
    for first, last in bodies(found, pairs):
        for i in range(first, last + 1):
            made = list(token_changes(found, pairs, i))
            if begins_statement(found, i):
                made += statement_changes(found, pairs, i)
            for kind, a, b, new in made:
                start, end = found[a].start, found[b].end
                old = text[start:end]
                from_line = text.rfind("\n", 0, start) + 1
                to_line = text.find("\n", end)
                new = new.replace("@", old)
                yield Change(
                    file,
                    kind,
                    start,
                    end,
                    new,
                    text.count("\n", 0, start) + 1,
                    squeezed(text[from_line:to_line]),
                    squeezed(text[from_line:start] + new + text[end:to_line]),
                )


def changes(files, only=None):
    """Of all files, {name: bytes}; headers are left as they are."""
    return [
        change
        for name in sorted(files)
        if name.endswith(".c") and (only is None or name == only)
        for change in changes_of(name, files[name].decode())
    ]


def applied(files, change):
    text = files[change.file].decode()
    return {
        **files,
        change.file: (text[: change.start] + change.new + text[change.end :]).encode(),
    }


# ---- those that make no difference ----


def equivalents(lab):
    """{(file, before, after)} that instructor/equivalent.txt lists."""
    path = os.path.join(lab.instructor, "equivalent.txt")
    if not os.path.exists(path):
        return set()
    with open(path) as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    found = set()
    for i in range(0, len(lines), 4):
        entry = lines[i : i + 4]
        if len(entry) < 4 or [line[:2] for line in entry[1:]] != ["- ", "+ ", "= "]:
            raise broken(f"{path}: an entry is a file, '- ' lines, '+ ' lines, '= ' why: {entry}")
        found.add((entry[0], entry[1][2:], entry[2][2:]))
    return found


def stale(lab, files):
    """Entries of instructor/equivalent.txt that fit no change of the solution any more."""
    known = {(c.file, c.before, c.after) for c in changes(files)}
    return sorted(equivalents(lab) - known)


def digest(program):
    """Of what a program does: its code and data, without what is for debuggers."""
    with tempfile.NamedTemporaryFile(prefix="minnow-code-") as out:
        subprocess.run(["objcopy", "--strip-all", program, out.name], check=True)
        with open(out.name, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()


# ---- the trial ----

KILLED, SURVIVES, SAME, NO_PROGRAM, EQUIVALENT, TROUBLE = (
    "killed",
    "survives",
    "the same program",
    "does not compile",
    "listed as equivalent",
    "could not be graded",
)


def judge(lab, files, change, reference, listed):
    """(verdict, what saw it)"""
    if (change.file, change.before, change.after) in listed:
        return EQUIVALENT, ""
    try:
        with build.program(lab, applied(files, change)) as program:
            if digest(program) == reference:
                return SAME, ""
            for seed, shift in lab.runs():
                for outcome in run.outcomes_of(lab, program, lab.tests, seed, shift):
                    if not outcome.passed:
                        return KILLED, f"{outcome.test} (seed {seed}: {run.KINDS[outcome.kind]})"
    except build.DoesNotBuild:
        return NO_PROGRAM, ""
    except Stop as error:
        return TROUBLE, str(error)
    return SURVIVES, ""


def trial(lab, count, seed, jobs, only=None, tell=print):
    """Tries `count` mutants; {verdict: [change]}."""
    files = submission.collect(lab, os.path.join(lab.instructor, "solution"))[0]
    for file, before, after in stale(lab, files):
        tell(f"equivalent.txt: {file} has no such change any more: {before} -> {after}")
    with build.program(lab, files) as program:
        reference = digest(program)
    listed, order, found = equivalents(lab), changes(files, only), {}
    random.Random(f"{lab.id} {seed}").shuffle(order)
    tell(f"{lab.id}: {len(order)} changes are possible", flush=True)
    tried = 0
    with ThreadPoolExecutor(jobs) as pool:
        while tried < count and order:  # those that are no mutants are made up for
            batch, order = order[: count - tried], order[count - tried :]
            verdicts = pool.map(lambda c: judge(lab, files, c, reference, listed), batch)
            for change, (verdict, why) in zip(batch, verdicts):
                found.setdefault(verdict, []).append(change)
                tried += verdict not in (SAME, NO_PROGRAM)
                if verdict == SURVIVES:
                    tell(f"  survives: {change}", flush=True)
                elif verdict == TROUBLE:
                    tell(f"  {verdict}: {change}\n      {why}", flush=True)
                elif verdict == KILLED:
                    tell(f"  {change.file}:{change.line}: {change.kind}: {why}", flush=True)
    return found


def summary(found):
    """(text, share of the mutants that survive)"""
    numbers = {verdict: len(listed) for verdict, listed in found.items()}
    real = numbers.get(KILLED, 0) + numbers.get(SURVIVES, 0)
    share = numbers.get(SURVIVES, 0) / real if real else 0
    return (
        f"{real} mutants that behave otherwise: {numbers.get(KILLED, 0)} are seen, "
        f"{numbers.get(SURVIVES, 0)} survive ({share:.0%}); besides "
        + ", ".join(
            f"{numbers.get(verdict, 0)} {verdict}"
            for verdict in (EQUIVALENT, SAME, NO_PROGRAM, TROUBLE)
        ),
        share,
    )
