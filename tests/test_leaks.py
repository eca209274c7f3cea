"""After work of all kinds everything is given back: tasks, threads, connections, address spaces, and the pages of programs."""

from longlib import long

WORK = r"""
work() {
    for i in 1 2 3 4 5 6 7 8 9 10; do seq 500 | sort -rn | md5sum >/dev/null; done
    mkdir /tmp/w; (cd /tmp/w; tar cf - /etc /bin/dash 2>/dev/null | tar xf -); rm -r /tmp/w
    sh -c 'kill -9 $$'; (sleep 100 & kill $!; wait) 2>/dev/null
    mkfifo /tmp/p; (echo x >/tmp/p) & cat /tmp/p >/dev/null; wait; rm /tmp/p
    dd if=/dev/zero of=/root/z bs=64k count=20 2>/dev/null; rm /root/z
    /usr/lib/minnow-tests/threads >/dev/null; /usr/lib/minnow-tests/signals >/dev/null; /usr/lib/minnow-tests/memory >/dev/null
}
state() { sync; grep -E '^(tasks|threads|connections|spaces) ' /proc/minnow/system; awk '/MemFree/ {print "free", $2}' /proc/meminfo; }
work 2>/dev/null; work 2>/dev/null; state; echo; work 2>/dev/null; state
"""


def test_work_leaves_nothing_behind(vm):
    result = vm(["sh", "-c", WORK])
    assert result.status == 0, result
    before, after = (
        dict(line.split() for line in part.split("\n") if line)
        for part in result.stdout.decode().split("\n\n")
    )
    free_before, free_after = int(before.pop("free")), int(after.pop("free"))
    assert after == before
    assert (
        free_before - free_after <= 64
    ), "KiB of memory did not come back"  # caches of servers may take a page or two more


@long
def test_a_fault_older_than_a_threads_end_takes_nothing_away(vm):
    """PM's threads are kept busy by a file on a slow disk, so a fault waits until the other thread of
    its process, whose fault brought the page, has stored and ended."""
    result = vm(
        [
            "sh",
            "-c",
            "mkdir -p /root/q; chmod 777 /root/q; chmod 755 /root; "
            "su student -c '/usr/lib/minnow-tests/_stale /root/q/big 15'",
        ],
        disk="ata",
    )
    assert result.stdout == b"many rounds, lost 0\n", result
