"""Services' programs with altered machine code, for tests of faults.

    elflib.address("mem", "do_read")                               where a function begins
    elflib.patched("mem", {"do_read": elflib.UD2}, folder)         a copy that fails there; its path"""

import os
import subprocess

import vmlib

LINKED_AT, FILE_AT = 0x400000, 0x1000  # the first segment: kernel/libservice/service.ld
UD2 = bytes.fromhex("0f0b")  # an instruction that no processor has
SPIN = bytes.fromhex("ebfe")  # jmp to itself
LATER = bytes.fromhex("48c7c000000080c3")  # return LATER: the request is forgotten


def program(service):
    return os.path.join(vmlib.BUILD, "services", service)


def address(service, function):
    lines = subprocess.run(
        ["nm", program(service)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return next(int(line.split()[0], 16) for line in lines if line.split()[-1] == function)


def patched(service, code, folder):
    data = bytearray(open(program(service), "rb").read())
    for function, other in code.items():
        at = address(service, function) - LINKED_AT + FILE_AT
        data[at : at + len(other)] = other
    path = os.path.join(folder, service)
    with open(path, "wb") as file:
        file.write(data)
    return path
