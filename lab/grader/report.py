"""Writes all reports of a record into a folder; what any of them says comes from the record alone."""

import json
import os

from . import formats, html, record as records, write_file


def manifest(record):
    """What was graded, by what."""
    return (
        json.dumps(
            {
                key: record[key]
                for key in ("schema", "lab", "files", "kit", "seeds", "shifts", "left_out")
            },
            indent=1,
        )
        + "\n"
    )


FILES = {
    "report.txt": formats.text,
    "report.html": html.page,
    "junit.xml": formats.junit,
    "tap.txt": formats.tap,
    "results.json": formats.gradescope,
    "classroom50.json": formats.classroom50,
    "manifest.json": manifest,
}


def write(record, folder):
    records.save(record, folder)
    for name, make in FILES.items():
        write_file(os.path.join(folder, name), make(record))


def clear(folder):
    """Removes old reports, so that no old score outlives a grading that could not be done."""
    for name in ("status.json", "record.json", *FILES):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.unlink(path)
