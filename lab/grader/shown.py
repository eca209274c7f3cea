"""Text that a student's work has a part in, as a report may show it: of bounded length, and without anything that a terminal, a spreadsheet
or a browser would take for more than text."""

LINES, COLUMNS, NAMES = 60, 400, 32


def plain(text):
    """With what is no visible character written as in a C string."""
    return "".join(
        c
        if c.isprintable() or c == "\t"
        else f"\\x{ord(c):02x}"
        if ord(c) < 256
        else f"\\u{ord(c):04x}"
        for c in text
    )


def line(text, columns=COLUMNS):
    """One line."""
    text = str(text)
    cut = plain(text[:columns])[:columns]
    return cut if len(text) <= columns else f"{cut} ... ({len(text) - columns} characters more)"


def lines(texts, count=LINES):
    """A list of lines, of which the first are kept."""
    found = list(texts)
    return [line(text) for text in found[:count]] + (
        [f"... ({len(found) - count} lines more)"] if len(found) > count else []
    )


def text(whole, count=LINES):
    return "\n".join(lines(whole.splitlines(), count))


def cell(value):
    """Of a table that a spreadsheet reads: nothing is a formula."""
    value = line(value).replace("\t", " ") if isinstance(value, str) else value
    return (
        "'" + value if isinstance(value, str) and value.lstrip()[:1] in tuple("=+-@|%") else value
    )
