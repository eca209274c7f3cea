"""The labs' grader. README.md says which module does what; lab/lab and lab/admin are its command lines."""

import os
import shutil
import sys
import traceback

LABS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(LABS)
sys.path.insert(0, os.path.join(ROOT, "tests"))  # vmlib

import vmlib  # noqa: E402

# Exit statuses of every command.
FULL, PARTIAL, NOT_BUILT, INFRASTRUCTURE, USAGE, REFUSED = range(6)


class Stop(Exception):
    """Ends a command with this status; the text, most often one line, says why."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def broken(text):
    """A Stop for a failure that is not the student's fault: no score is written."""
    return Stop(INFRASTRUCTURE, text)


def in_a_line(error):
    """An OSError in one line. The error of copying a folder holds one error for each file."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        return f"{len(error.args[0])} files could not be copied: {error.args[0][0][2]}"
    return ": ".join(
        filter(None, [error.filename and str(error.filename), error.strerror or str(error)])
    )


def run_command(name, parse):
    """Runs a whole command line and returns its exit status. An error of the grader itself is a grading that failed, and never looks like a score."""
    try:
        options = parse(sys.argv[1:])
        return options.run(options)
    except Stop as stop:
        print(f"{name}: {stop}", file=sys.stderr)
        return stop.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except vmlib.HarnessError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return INFRASTRUCTURE
    except (
        OSError
    ) as error:  # the machine's: a full disk, a tree that cannot be written, a tool that is not there
        print(f"{name}: {in_a_line(error)}", file=sys.stderr)
        return INFRASTRUCTURE
    except Exception:
        traceback.print_exc()
        return INFRASTRUCTURE


def write_file(path, data):
    """Writes a file so that other processes see it whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.replace(path + ".new", path)
