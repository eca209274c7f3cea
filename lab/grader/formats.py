"""A record in other systems' formats: JUnit XML (junit-10.xsd), TAP 14, Gradescope's results.json, Classroom 50's result.json."""

import json
import os
import time
import xml.etree.ElementTree as xml

from . import record as records
from .run import KINDS


def lines_of(test, replay=True):
    """A failure in a few lines of text."""
    if test["status"] == "skipped":
        return [
            f"not run: it needs {', '.join(test.get('blocked_by') or test['needs']) or 'a program that builds'}"
        ]
    if test["status"] == "passed":
        return []
    lines = [f"{KINDS.get(test['kind'], test['kind'])}, with seed {test['seed']}"]
    for word in ("did", "expected", "happened"):
        if test[word]:
            lines.append(f"{word + ':':<10}{test[word]}")
    lines += ["  " + line for line in test["detail"]]
    return lines + ([f"again:    {test['replay']}"] if replay else [])


def text(record):
    score = record["score"]
    out = [f"{record['lab']}: {record['title']}", ""]
    if not record["build"]["ok"]:
        return "\n".join(
            [
                *out,
                "The program does not build:",
                "",
                record["build"]["output"],
                "",
                f"0 of {score['visible_max']} points",
                "",
            ]
        )
    for test in record["tests"]:
        mark = {"passed": "ok", "failed": "FAILED", "skipped": "-"}[test["status"]]
        out.append(
            f"{mark:<7}{test['score']:>3}/{test['points']:<3} {test['id']}: {test['title']} ({', '.join(test['req'])})"
        )
        out += ["              " + line for line in lines_of(test)]
    out += ["", f"{score['visible']} of {score['visible_max']} visible points"]
    if record["hidden"]:
        out.append(f"{record['hidden']['score']} of {record['hidden']['max']} hidden points")
        out += [
            f"  hidden seed {f['seed']}: {f['test']}: {KINDS.get(f['kind'], f['kind'])}: {f['did']}; expected {f['expected']}; {f['happened']}"
            for f in record["hidden"]["failed"]
        ]
    if record["leaderboard"]:
        out.append("{name}: {value:g}".format(**record["leaderboard"]))
    if record["left_out"]:
        out.append("not looked at: " + ", ".join(record["left_out"][:8]))
    return "\n".join([*out, ""])


def junit(record):
    tests = record["tests"]
    suite = xml.Element(
        "testsuite",
        name=record["lab"],
        tests=str(len(tests) + 1),
        errors="0",
        failures=str(sum(t["status"] == "failed" for t in tests) + (not record["build"]["ok"])),
    )
    case = xml.SubElement(suite, "testcase", name="build", classname=record["lab"], time="0")
    if not record["build"]["ok"]:
        xml.SubElement(case, "failure", message="does not build").text = printable(
            record["build"]["output"]
        )
    for test in tests:
        case = xml.SubElement(
            suite,
            "testcase",
            name=test["id"],
            classname=record["lab"],
            time=f"{test.get('ns', 0) / 1e9:.6f}",
        )
        if test["status"] == "failed":
            xml.SubElement(case, "failure", message=printable(test["kind"])).text = printable(
                "\n".join(lines_of(test))
            )
        elif test["status"] == "skipped":
            xml.SubElement(case, "skipped")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(suite, encoding="unicode") + "\n"
    )


def printable(text):
    """The text without characters that XML cannot carry."""
    return "".join(
        c if c in "\n\t" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" else "?" for c in text
    )


def tap(record):
    """TAP 13, which Perl's parser takes; a SKIP's reason holds no number sign."""
    out = [
        "TAP version 13",
        f"1..{len(record['tests']) + 1}",
        f"{'ok' if record['build']['ok'] else 'not ok'} 1 - build",
    ]
    for number, test in enumerate(record["tests"], 2):
        good = "not ok" if test["status"] == "failed" else "ok"
        out.append(
            f"{good} {number} - {test['id']}"
            + (" # SKIP " + lines_of(test)[0] if test["status"] == "skipped" else "")
        )
        if test["status"] == "failed":
            out.append("  ---")
            out += [
                f"  {key}: {json.dumps(test[key], ensure_ascii=False)}"
                for key in ("kind", "seed", "did", "expected", "happened", "replay")
            ]
            out.append("  ...")
    return "\n".join(out) + "\n"


def gradescope(record):
    score = record["score"]
    hint = f"{record['lab']}: {score['visible']} of {score['visible_max']} visible points."
    tests = [
        {
            "number": "0",
            "name": "build",
            "status": "passed" if record["build"]["ok"] else "failed",
            "output": record["build"]["output"] or "builds without warnings",
            "output_format": "text",
            "visibility": "visible",
        }
    ]
    for number, test in enumerate(record["tests"], 1):
        entry = {
            "number": str(number),
            "name": f"{test['title']} ({', '.join(test['req'])})",
            "score": test["score"],
            "max_score": test["points"],
            "status": "passed" if test["status"] == "passed" else "failed",
            "tags": test["req"],
            "output": "\n".join(lines_of(test)),
            "output_format": "text",
            "visibility": "visible",
        }
        if test["status"] == "failed":
            entry["extra_data"] = {
                "kind": test["kind"],
                "seeds_passed": test["seeds_passed"],
                "seeds_failed": [test["seed"]],
            }
        tests.append(entry)
    if record["score"]["hidden_max"]:
        tests.append(
            {
                "number": "H",
                "name": "hidden seeds",
                "score": records.hidden_score(record),
                "max_score": score["hidden_max"],
                "visibility": "after_published",
            }
        )
    return (
        json.dumps(
            {
                "execution_time": round(record["seconds"]),
                "stdout_visibility": "hidden",
                "visibility": "visible",
                "output": hint,
                "output_format": "text",
                "extra_data": {
                    "schema": record["schema"],
                    "lab": record["lab"],
                    "image_sha256": record["kit"]["image"],
                    "seeds": record["seeds"],
                },
                **({"leaderboard": [record["leaderboard"]]} if record["leaderboard"] else {}),
                "tests": tests,
            },
            indent=1,
        )
        + "\n"
    )


def classroom50(record, environment=os.environ):
    """Student and submission come from the runner's environment; points are whole and not negative."""
    score = record["score"]
    tests = [
        {
            "test-name": t["id"],
            "passed": t["status"] == "passed",
            "score": t["score"],
            "max-score": t["points"],
        }
        for t in record["tests"]
    ]
    if record["hidden"]:
        tests.append(
            {
                "test-name": "hidden seeds",
                "passed": record["hidden"]["score"] == record["hidden"]["max"],
                "score": record["hidden"]["score"],
                "max-score": record["hidden"]["max"],
            }
        )
    now = time.strftime(
        "%Y-%m-%dT%H:%M:%SZ",
        time.gmtime(
            int(environment["SOURCE_DATE_EPOCH"]) if "SOURCE_DATE_EPOCH" in environment else None
        ),
    )
    return (
        json.dumps(
            {
                "schema": "classroom50/result/v1",
                "classroom": environment.get("CLASSROOM", ""),
                "assignment": record["lab"],
                "assignment_type": "individual",
                "owner": environment.get("OWNER", ""),
                "submission": f"submit/{record['lab']}",
                "commit": environment.get("COMMIT", ""),
                "release": environment.get("RELEASE", ""),
                "review": environment.get("REVIEW", ""),
                "datetime": now,
                "score": sum(t["score"] for t in tests),
                "max-score": sum(t["max-score"] for t in tests) or score["visible_max"],
                "tests": tests,
            },
            indent=1,
        )
        + "\n"
    )
