# Loads for the fault tests, as functions; sourced inside the system by faultlib.py. The standard
# output of a load must be the same however often services die meanwhile. Each leaves nothing behind.

load_shell() {
    mkdir /root/w; cd /root/w
    find / -xdev | sort | md5sum
    cat /bin/busybox /bin/dash | md5sum
    tar cf t.tar -C / etc bin/dash; mkdir x; tar xf t.tar -C x; (cd x; find . | sort | xargs ls -ld | awk '{print $1, $5, $9}')
    cmp x/bin/dash /bin/dash && echo same
    for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i | cat | sed s/line/LINE/; done
    (for i in 1 2 3; do sleep 0 & wait $!; done)
    seq 1 2000 | sort -rn | uniq | tail -3
    cp t.tar /tmp/a; cmp /tmp/a t.tar && echo same; rm /tmp/a
    sh -c 'kill -9 $$'; echo $?
    cd /; rm -r /root/w; ls /root
}

# A file of the size of the cache's pages and more is made, copied and read again, past what is cached.
load_disk() {
    mkdir /root/w
    for i in 1 2 3 4; do
        seq $((i * 20000)) >/root/w/$i; sync; cp /root/w/$i /root/w/copy; fsync /root/w/copy; cmp /root/w/$i /root/w/copy && echo same $i
    done
    dd if=/dev/$(sed -n 's,^/dev/\([a-z]*\).*,\1,p' /proc/mounts | head -1) bs=64k count=200 skip=40 2>/dev/null | md5sum >/root/w/a
    echo $?
    cat /root/w/[1-4] | md5sum
    rm -r /root/w
}

load_sequence() { mkdir /root/w; /usr/lib/minnow-tests/_sequence /root/w; echo $?; rmdir /root/w; }
load_tmpfs() { mkdir /tmp/w; /usr/lib/minnow-tests/_sequence /tmp/w; echo $?; tar cf /tmp/w/t -C / etc; tar tf /tmp/w/t | wc -l; rm -r /tmp/w; }

load_pipe() {
    for i in 1 2 3; do seq 5000 | cat | tac | cat | md5sum; done
    mkfifo /tmp/p; (seq 3000 >/tmp/p) & md5sum </tmp/p; wait $!; rm /tmp/p
    yes | head -20000 | wc -c
}

load_local() { for i in 1 2 3; do (cd /tmp; /usr/lib/minnow-tests/sockets; /usr/lib/minnow-tests/sockets_named; /usr/lib/minnow-tests/sockets_rights) | md5sum; done; }

load_pty() { for i in 1 2 3 4; do (cd /tmp; /usr/lib/minnow-tests/pty) | grep -v '^locked 1, number' | md5sum; script -qc 'seq 500; tty >/dev/null && echo yes' /dev/null | md5sum; done; ls /dev/pts; }

load_fat() {
    mkdir /boot/w
    for i in 1 2 3 4 5 6; do seq $((i * 3000)) >/boot/w/numbers.$i; done
    cat /boot/w/* | md5sum; ls /boot/w
    mv /boot/w/numbers.1 "/boot/w/a long name of a file"; cp -r /boot/w /boot/v; ls /boot/v; cat /boot/v/* | md5sum
    rm -r /boot/w /boot/v; ls /boot
}

load_devfs() {
    for i in 1 2 3 4 5 6 7 8; do ls -l /dev | awk '{print $1, $3, $NF}' | md5sum; done
    for i in 1 2 3 4 5 6 7 8 9 10; do test -c /dev/null -a -c /dev/zero && echo $i >/dev/null; done; stat -c '%n %t %T' /dev/null /dev/tty
}

load_mem() {
    for i in 1 2 3 4 5; do
        dd if=/dev/zero bs=4k count=100 2>/dev/null | md5sum; dd if=/dev/zero of=/dev/null bs=1k count=300 2>/dev/null; echo $?
        dd if=/dev/urandom bs=1k count=50 2>/dev/null | wc -c
    done
    echo x >/dev/full; echo $?
}

load_rtc() { for i in $(seq 60); do dd if=/dev/rtc0 bs=8 count=1 2>/dev/null | wc -c; done; }

load_procfs() {
    for i in 1 2 3 4 5 6; do
        cat /proc/mounts; ls /proc/self/fd | wc -l; awk '/MemTotal/' /proc/meminfo; cat /proc/self/comm
        for p in 1 2 $$ $watchdog; do read -r pid rest </proc/$p/stat; test $p = $pid || echo wrong $p; done; ls /proc | grep -c '^[12]$'
        ps -o comm | grep -c '^ps'
    done
}

# Terminals that nobody reads from. On the second, the line stays as it is.
load_console() { for i in 1 2 3 4 5 6 7 8 9 10; do seq 1 60 >/dev/tty1; echo $?; printf '\033[3;1H%s' $i >/dev/tty1; stty -F /dev/tty1 | head -1; done; }
load_serial() { for i in 1 2 3 4 5 6; do seq 1 300 >/dev/ttyS0; echo $?; stty -F /dev/ttyS0 | head -1; done; }
load_host() { seq 30000; }
load_sched() {
    all=
    for j in 1 2 3 4 5 6; do (i=0; while test $i -lt 4000; do i=$((i + 1)); done; echo $i) & all="$all $!"; done; wait $all
    nice -n 10 sh -c 'i=0; while test $i -lt 2000; do i=$((i + 1)); done; echo $i'
}
load_rs() { for i in 1 2 3 4 5 6 7 8 9 10; do service list | awk '{print $1, $2}' | md5sum; seq 500 | sort -rn | md5sum; done; service status vfs | wc -l; }

# What the system has open and in use, for leaks; on standard error.
state() {
    sync
    awk '/^(tasks|threads|connections|spaces) /' /proc/minnow/system >&2
    awk '/MemFree/ {print "free", $2}' /proc/meminfo >&2
}

# When no load has ended for so long (of the guest's time), prints all threads and what they wait for,
# and ends the command. Shell builtins only.
watchdog() {
    (sleep $1; echo HANGS; for f in /proc/minnow/threads /dev/service /proc/minnow/log; do while read -r l; do echo "$l"; done <$f; done; kill -9 $$) >&2 &
    watchdog=$!
}

# A short workload that touches most services, for a kill at every message of it. It has no more
# messages than the kernel's trace holds.
load_short() {
    mkdir /root/w; echo one two >/root/w/a; read -r x </root/w/a; echo $x | cat >/tmp/b; mv /root/w/a /root/w/b; cat /tmp/b; rm -r /root/w /tmp/b
}
load_none() { :; }
