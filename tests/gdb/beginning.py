"""For tests/fault/test_beginning.py: stops every thread of every service that keeps state at its first
instruction, and lets it go on as the kernel does when a service has been killed there. Prints how
many. (GDB runs this; the symbols have been read.)"""
import gdb

stopped = set()
for function in ("serve", "thread_main"):
    gdb.Breakpoint(function)
try:
    while True:
        gdb.execute("continue", to_string=True)
        thread = gdb.parse_and_eval("cpu0.current").dereference()
        service, index = thread["task"]["name"].string(), int(thread["index"])
        function = gdb.newest_frame().name()
        if (service, index, function) in stopped or int(thread["task"]["rights"]["afresh"]):
            continue
        stopped.add((service, index, function))
        # struct recovery of the service, as it told the kernel: its first word is where a stopped thread goes on (kernel/service.c).
        told = int(thread["task"]["recovery"])
        if not told:
            print(f"too early {service} {index} {function}")
            continue
        at = int.from_bytes(gdb.selected_inferior().read_memory(told, 8).tobytes(), "little")
        for register, value in (("rip", at), ("rsp", 0), ("rdi", index), ("rsi", 0)):
            gdb.execute(f"set ${register} = {value}")
        print(f"stopped {service} {index} {function}")
except gdb.error:
    print("over")
