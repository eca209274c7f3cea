"""The two consoles as a person uses them: keys of the emulated keyboard and the screen, and the
serial line."""

import pexpect.fdpexpect
import pytest

import machine

PROMPT = "# "


@pytest.fixture
def serial():
    """A shell on the serial line, as a pexpect session; .vm is the machine."""
    with machine.Machine() as vm:
        session = pexpect.fdpexpect.fdspawn(vm.serial, timeout=60)
        session.vm = vm
        session.expect(PROMPT)
        yield session


def run(session, line, expected):
    """Types a line, waits for what it prints (not for its echo) and for the next prompt."""
    session.sendline(line)
    session.expect("\n")
    session.expect(expected)
    session.expect(PROMPT)


def test_screen_and_keyboard():
    with machine.Machine() as vm:
        vm.wait_for_screen("~#")
        vm.type("echo $((6*7)) | sed s/4/four-/\n")
        vm.wait_for_screen("four-2")
        vm.type("vi /root/note\n")
        vm.wait_for_screen("~")
        vm.type("ithe fish swim")
        vm.wait_for_screen("the fish swim")
        vm.type("\x1b")
        vm.wait_for_screen(
            "- /root/note [Modified]"
        )  # a key right behind Esc would be part of an escape sequence
        vm.type(":wq\n")
        vm.wait_for_screen("~#")
        vm.type("echo words: $(wc -w </root/note)\n")
        vm.wait_for_screen("words: 3")


def test_the_shell_on_the_serial_line_knows_how_large_its_terminal_is():
    with machine.Machine(options="terminal=33x101") as vm:
        session = pexpect.fdpexpect.fdspawn(vm.serial, timeout=60)
        session.expect(PROMPT)
        run(session, "stty size", "33 101")
        run(session, "cat /proc/cmdline", "terminal=33x101\r\n")


def test_pipeline_and_files(serial):
    run(serial, "ls -l / | sort | tail -1", "total")
    run(serial, "echo kept > /root/k; cat /root/k", "kept")


def test_interrupt_key_ends_a_program(serial):
    serial.sendline("sh -c 'echo reading; exec cat'")
    serial.expect("\nreading")
    serial.send("\x03")
    serial.expect(PROMPT)
    run(serial, "echo $?", "130")


def stop_and_continue_a_job(serial):
    """Whether the job has the terminal again the job says: fg names it a moment before, when a key
    would still be the shell's."""
    serial.sendline("sh -c 'echo reading; exec cat'")
    serial.expect("\nreading")
    serial.send("\x1a")
    serial.expect(PROMPT)
    run(serial, "jobs", r"Stopped.*sh -c")
    serial.sendline("fg")
    serial.expect("exec cat")
    serial.sendline("back")
    serial.expect("back\r\n[^#]*back\r\n")
    serial.send("\x03")
    serial.expect(PROMPT)


def test_stop_key_and_jobs(serial):
    stop_and_continue_a_job(serial)
    run(serial, "sleep 0 & wait; echo done", "done")


def test_jobs_in_a_pseudo_terminal(serial):
    """The keys are those of the inner terminal: the outer one is raw while script runs."""
    serial.sendline("script -q /dev/null")
    serial.expect(PROMPT)
    run(serial, "tty", "/dev/pts/[0-9]+")
    stop_and_continue_a_job(serial)
    serial.send("cat\r")
    serial.expect("cat\r\n")
    serial.send("\x04")
    serial.expect(PROMPT)
    serial.sendline("exit")
    serial.expect(PROMPT)
    run(serial, "tty", "/dev/(ttyS0|console)")
    run(serial, "echo names: $(ls /dev/pts)", "names: ptmx\r")


def test_line_editing_and_history(serial):
    run(serial, "echo abd\x7fc", "abc")
    serial.send("\x1b[A\n")
    serial.expect("abc\r\n")
    serial.expect(PROMPT)


def test_poweroff_leaves_clean_disks_that_last(serial):
    run(serial, "echo lasting > /root/lasting; seq 5000 > /boot/numbers.txt; echo", "\n")
    serial.sendline("poweroff")
    serial.vm.wait_for_end()
    serial.vm.image.check()
    with machine.Machine(image=serial.vm.image.path) as again:
        session = pexpect.fdpexpect.fdspawn(again.serial, timeout=60)
        session.expect(PROMPT)
        run(session, "cat /root/lasting; tail -1 /boot/numbers.txt", r"lasting\s+5000")
