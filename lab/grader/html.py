"""The report that a student reads: one file, nothing from the net."""

import html
import re

from . import trace
from .run import KINDS

STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6b7b; --line: #d9e0e7; --paper: #fff; --back: #f3f6f8; --good: #1a7f4b; --bad: #b3261e; --idle: #5f6b78; --accent: #1f5f8b }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4eaf0; --soft: #9fb0c0; --line: #34414e; --paper: #1b232c; --back: #12181f; --good: #4cc38a; --bad: #ff8a80; --idle: #8795a3; --accent: #7cc0ee } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 .7rem }
a { color: var(--accent) }
.soft { color: var(--soft) }
.bar { display: flex; height: .8rem; border-radius: .4rem; overflow: hidden; background: var(--line); margin: .8rem 0 .3rem }
.bar i { display: block; background: var(--good) }
.score { font-size: 1.9rem; font-weight: 650 }
.card { background: var(--paper); border: 1px solid var(--line); border-left: .3rem solid var(--bad); border-radius: .4rem; padding: .9rem 1rem; margin: 0 0 1rem }
.card h3 { font-size: 1rem; margin: 0 0 .4rem; display: flex; flex-wrap: wrap; gap: .2rem .8rem; justify-content: space-between }
.kind { color: var(--bad) }
dl { display: grid; grid-template-columns: 6.5rem 1fr; gap: .25rem .8rem; margin: .6rem 0 } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
pre { background: var(--back); border: 1px solid var(--line); border-radius: .3rem; padding: .6rem .8rem; overflow-x: auto; font: 13px/1.45 ui-monospace, monospace; margin: .5rem 0 0 }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere } .error { white-space: nowrap }
.commands { margin: .8rem 0 0 } .commands code { display: block; white-space: nowrap; overflow-x: auto }
table { width: 100%; border-collapse: collapse; background: var(--paper); border: 1px solid var(--line); border-radius: .4rem }
th, td { text-align: left; padding: .45rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top } .n { text-align: right !important; white-space: nowrap }
tr:last-child td { border-bottom: 0 } th { color: var(--soft); font-weight: 500 }
.passed { color: var(--good) } .failed { color: var(--bad) } .skipped { color: var(--idle) }
.mark { white-space: nowrap; font-weight: 600 }
summary { cursor: pointer; color: var(--accent) } .messages { margin: .6rem 0 0 }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0 } dt { margin-top: .4rem; font-size: .85rem } th, td { padding: .4rem .45rem } .wide { display: none } }
@media print {
  body { background: none } main { max-width: none; padding: 0 } .bar, .bar i { print-color-adjust: exact }
  .card h3, dl, tr { break-inside: avoid } h2, h3 { break-after: avoid } pre { white-space: pre-wrap } .commands { display: none } }
"""

MARKS = {"passed": "&#10003; passed", "failed": "&#10007; failed", "skipped": "&ndash; not run"}


def e(text):
    return html.escape(str(text))


def prose(text):
    """A sentence of the hand-out as HTML: `code`, and names of errors, which are never broken across lines."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", e(text))
    return re.sub(r"-E[A-Z0-9]+", r"<span class=error>\g<0></span>", text)


def failure(record, test):
    rows = "".join(
        f"<dt>{label}</dt><dd>{prose(test[key])}</dd>"
        for key, label in (("did", "Done"), ("expected", "Expected"), ("happened", "Happened"))
        if test[key]
    )
    asked = "".join(
        f"<dt>{e(r)}</dt><dd>{prose(record['requirements'].get(r, ''))}</dd>" for r in test["req"]
    )
    detail = f"<pre>{e(chr(10).join(test['detail']))}</pre>" if test["detail"] else ""
    return (
        f"<div class=card id='{e(test['id'])}'><h3><span>{e(test['title'])} <code class=soft>{e(test['id'])}</code></span>"
        f"<span class=kind>{e(KINDS.get(test['kind'], test['kind']))}</span></h3><dl>{rows}</dl>{detail}<dl>{asked}</dl>"
        f"{picture(record, test, 'trace', 'Its messages, up to where it went wrong')}"
        f"{picture(record, test, 'reference', 'Those of the reference, up to the same call of the test')}"
        f"<div class='commands soft'>The same again: <code>{e(test['replay'])}</code>Its messages: <code>{e(test['replay'].replace('replay', 'trace'))}</code></div></div>"
    )


def picture(record, test, key, says):
    """The messages that the record has of a test under this key, drawn when they are opened."""
    if not test.get(key):
        return ""
    lines = e("\n".join(test[key]))
    view = f" data-view={e(record['view'])}" if record.get("view") else ""
    return (
        f"<details class=messages data-instruction={1 << test['shift']}{view}><summary>{says}</summary>"
        f"<div></div><pre hidden>{lines}</pre></details>"
    )


DRAW = """<script>
for (const box of document.querySelectorAll('details.messages'))
  box.addEventListener('toggle', () => sequence(box.querySelector('div'), box.querySelector('pre').textContent,
    { instruction: +box.dataset.instruction, end: true, view: box.dataset.view, without: ["labrun", "init", "rs", "procfs", "sched", "host"] }), { once: true });
</script>"""


def by_test(record):
    rows = []
    for test in record["tests"]:
        title = e(test["title"])
        if test["status"] == "failed":
            title = f"<a href='#{e(test['id'])}'>{title}</a>"
        elif test["status"] == "skipped":
            title += f"<br><span class=soft>needs {e(', '.join(test.get('blocked_by') or test['needs']) or 'a program that builds')}</span>"
        rows.append(
            f"<tr><td class='mark {test['status']}'>{MARKS[test['status']]}</td><td>{title}</td><td class=wide>{e(', '.join(test['req']))}</td>"
            f"<td class=n>{test['score']} / {test['points']}</td></tr>"
        )
    return f"<table><tr><th></th><th>Test</th><th class=wide>Checks</th><th class=n>Points</th></tr>{''.join(rows)}</table>"


def by_requirement(record):
    rows = []
    for requirement, words in sorted(
        record["requirements"].items(), key=lambda item: int(item[0][1:])
    ):
        tests = [t for t in record["tests"] if requirement in t["req"]]
        if not tests:
            continue
        status = (
            "passed"
            if all(t["status"] == "passed" for t in tests)
            else "failed"
            if any(t["status"] == "failed" for t in tests)
            else "skipped"
        )
        rows.append(
            f"<tr><td class='mark {status}'>{e(requirement)}</td><td>{prose(words)}</td><td class='wide soft'>{e(', '.join(t['id'] for t in tests))}</td></tr>"
        )
    return f"<table><tr><th></th><th>The hand-out says</th><th class=wide>Tests</th></tr>{''.join(rows)}</table>"


def seeds_of(record):
    seeds = record["seeds"]
    return f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}"


def page(record):
    score, failed = record["score"], [t for t in record["tests"] if t["status"] == "failed"]
    share = 100 * score["visible"] / score["visible_max"]
    tables = f"<h2>All tests</h2>{by_test(record)}<h2>By requirement</h2>{by_requirement(record)}"
    if not record["build"]["ok"]:
        middle = (
            f"<h2>It does not build</h2><div class=card><p>No test was run. Begin with the first line: what comes after it may follow from it.</p>"
            f"<pre>{e(record['build']['output'])}</pre></div>"
        )
        tables = ""
    elif failed:
        middle = f"<h2>What fails</h2>{''.join(failure(record, t) for t in failed)}"
    else:
        middle = f"<p>Every test passes, with {e(seeds_of(record))}.</p>"
    hidden = (
        f"<p>{record['hidden']['score']} of {record['hidden']['max']} hidden points</p>"
        if record["hidden"]
        else ""
    )
    pictures = any(test.get("trace") for test in record["tests"])
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'><title>{e(record['lab'])}</title>"
        f"<style>{STYLE}</style><main><h1>{e(record['title'])}</h1><div class=soft>{e(record['lab'])}; {e(seeds_of(record))}; {e(record['seconds'])} s</div>"
        f"<div class=bar><i style='width:{share:.1f}%'></i></div>"
        f"<div><span class=score>{score['visible']}</span> of {score['visible_max']} visible points</div>{hidden}{middle}{tables}</main>"
        f"{trace.viewer() + DRAW if pictures else ''}</html>\n"
    )
