"""GDB helpers for `make debug`: `minnow threads`, `minnow waits`, `minnow services`, `minnow symbols [FOLDER]`, `$in("NAME")`."""
import os

import gdb

STATES = ["ready", "receiving", "queued", "held", "position", "parked", "monitor", "dead"]


def threads():
    table = gdb.parse_and_eval("threads")
    count = table.type.range()[1] + 1
    for i in range(count):
        pointer = table[i]
        if int(pointer):
            yield i, pointer.dereference()


def name(task):
    return task["name"].string() if int(task.address or 0) else "?"


class In(gdb.Function):
    """$in("NAME"): whether the service or program of that name runs: break do_open if $in("vfs")"""

    def __init__(self):
        super().__init__("in")

    def invoke(self, wanted):
        try:
            current = gdb.parse_and_eval("cpu0.current")
            return bool(int(current)) and name(current["task"].dereference()) == wanted.string()
        except gdb.MemoryError:  # the kernel has not come up yet
            return False


class Minnow(gdb.Command):
    """minnow threads | waits | services | symbols [FOLDER]"""

    def __init__(self):
        super().__init__("minnow", gdb.COMMAND_USER)

    def invoke(self, argument, from_tty):
        words = argument.split()
        actions = {"threads": self.threads, "waits": self.waits, "services": self.services}
        if words[:1] == ["symbols"] and len(words) < 3:
            self.symbols(*words[1:])
        elif len(words) == 1 and words[0] in actions:
            actions[words[0]]()
        else:
            print(self.__doc__)

    def threads(self):
        """Every thread: its task, state and where it runs."""
        for i, t in threads():
            task = t["task"].dereference()
            print(
                f"{i:5} {name(task):14} {STATES[int(t['state'])]:10} rip {int(t['regs']['rip']):#x} priority {int(t['priority'])}"
            )

    def waits(self):
        """The threads that wait, for which task, and with which operation."""
        for i, t in threads():
            state = STATES[int(t["state"])]
            if state in ("queued", "held") and int(t["holder"]):
                print(
                    f"{i:5} {name(t['task'].dereference()):14} {state} by {name(t['holder'].dereference())}, "
                    f"operation {int(t['op']):#x}, object {int(t['object']):#x}"
                )

    def services(self):
        """The services by slot."""
        table = gdb.parse_and_eval("tasks")
        for slot in range(1, 64):
            if int(table[slot]):
                task = table[slot].dereference()
                print(
                    f"{slot:3} {name(task):14} pages {int(task['committed'])} messages {int(task['messages'])}"
                )

    def symbols(self, folder="build/services"):
        """Reads the symbols of each service that the kernel has placed, and whose program is in the folder.
        With the option `nokaslr` each service has 4 GiB of its own."""
        table = gdb.parse_and_eval("modules")
        for i in range(int(gdb.parse_and_eval("module_count"))):
            program = os.path.join(folder, table[i]["name"].string())
            if int(table[i]["slide"]) and os.path.exists(program):
                gdb.execute(
                    f"add-symbol-file {program} -o {int(table[i]['slide']):#x}", to_string=True
                )


Minnow()
In()
