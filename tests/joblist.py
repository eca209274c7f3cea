"""The whole jobs of `make bench-jobs`: what students do, as shell scripts for Minnow and
for Linux.

The scripts run in an empty folder on tmpfs, and `$size` says how much there is to do.
tests/programs/_jobs.c runs them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    name: str  # for the command line
    title: str  # for the table
    size: int
    small: int  # the size for a quick look
    aim: float  # emulator's time, as a multiple of Linux's, that it should not exceed
    do: str
    result: str = "cat out"  # prints what has to be the same on both systems
    prepare: str = ":"
    basic: bool = False  # needs no more than the system's own image has
    note: str = "not looked into"  # where the rest goes, if it exceeds the aim

    def arguments(self, small=False):
        """The job's four arguments of _jobs."""
        size = f"export size={self.small if small else self.size}\n"
        return [self.name, *(size + script for script in (self.prepare, self.do, self.result))]


# Text that is the same each time: lines of numbers and words, from a generator of Park and Miller.
TEXT = """text() {  # LINES SEED
    awk -v lines=$1 -v x=$2 'BEGIN {
        split("minnow river school net stone weed gill fin scale pond lake otter heron reed", word)
        for (i = 0; i < 64; i++)
            for (n = 0; n < 4; n++) {
                x = (x * 16807) % 2147483647
                part[i] = part[i] " " word[x % 14 + 1]
            }
        for (n = 1; n <= lines; n++) {
            x = (x * 16807) % 2147483647
            print x % 10000 part[x % 64] part[int(x / 64) % 64], n
        }
    }'
}
"""

# $size files in ten folders, 2 to 7 KB each.
TREE = (
    TEXT
    + """
mkdir tree tree/0 tree/1 tree/2 tree/3 tree/4 tree/5 tree/6 tree/7 tree/8 tree/9
text 640 7 | awk -v size=$size '{ ten[int(NR / 10)] = ten[int(NR / 10)] $0 "\\n" } END {
    for (i = 0; i < size; i++) {
        file = "tree/" i % 10 "/" i ".txt"
        for (n = 0; n < 4 + i % 8; n++) printf "%s", ten[(i * 5 + n) % 64] >file
        close(file)
    }
}'
"""
)

INSERTS = """awk -v n=$size 'BEGIN {
    print "CREATE TABLE fish (id INTEGER PRIMARY KEY, name TEXT, weight INTEGER);"
    if (%d) print "BEGIN;"
    for (i = 1; i <= n; i++)
        printf "INSERT INTO fish VALUES (%%d, \\047minnow number %%d\\047, %%d);\\n", i, i, i * 7919 %% 1000
    if (%d) print "COMMIT;"
}' >fish.sql"""
WEIGHED = "sqlite3 fish.db 'SELECT count(*), sum(weight), max(name) FROM fish'"

LUA = """cat >program.lua <<'END'
local size = tonumber(...)
-- queens on a board of 8 by 8
local function queens(n, row, columns, up, down)
    if row > n then return 1 end
    local found = 0
    for c = 1, n do
        if not (columns[c] or up[row + c] or down[row - c]) then
            columns[c], up[row + c], down[row - c] = true, true, true
            found = found + queens(n, row + 1, columns, up, down)
            columns[c], up[row + c], down[row - c] = nil, nil, nil
        end
    end
    return found
end
print(queens(8, 1, {}, {}, {}))
-- words counted, joined and sorted
local count, parts = {}, {}
for i = 1, size do
    local word = string.format("w%d", i * 7919 % 997)
    count[word] = (count[word] or 0) + 1
    parts[#parts + 1] = word:upper()
end
local words = {}
for word in pairs(count) do words[#words + 1] = word end
table.sort(words)
print(#words, words[1], count[words[1]], #table.concat(parts, " "))
END
"""

# What a configure script does all day: a small program, a tool's word on it, text cut to pieces.
CONFIGURE = """cat >configure <<'END'
i=0
while [ $i -lt $size ]; do
    i=$((i + 1))
    echo "checking for feature $i... " | tr -d '\\n' >>config.log
    cat >conftest.c <<-EOF
	#include <stdio.h>
	#include <stddef.h>
	int main(void) { return printf("%d", $i) < 0; }
	EOF
    answer=no
    tcc -c -o conftest.o conftest.c 2>>config.log && test -s conftest.o && answer=yes
    echo $answer >>config.log
    name=$(echo "feature-$i" | sed 's/[^a-z0-9]/_/g' | tr a-z A-Z)
    half=$(expr $i / 2)
    case $half in
    *[02468]) echo "#define HAVE_$name 1" ;;
    *) echo "/* #undef HAVE_$name */" ;;
    esac >>config.h
    rm -f conftest.c conftest.o
done
grep -c HAVE config.h
END
"""

JOBS = [
    Job(
        "forks",
        "500 forks and execs in ash",
        500,
        20,
        0.6,
        """busybox ash -c '
        i=0
        while [ $i -lt $size ]; do /bin/true; i=$((i + 1)); done
        echo $i' >out""",
        basic=True,
        note="most calls of a fork, exec and wait are POSIX's, and each is two changes of address "
        "space, as is each page fault",
    ),
    Job(
        "compile",
        "Lua compiled by tcc",
        1,
        1,
        1.0,
        "tcc -static -DLUA_USE_POSIX -o lua /usr/src/lua/*.c -lm",
        "./lua -e 'print(6 * 7)'; cksum <lua",
        note="a third of the changes of address space are page faults and calls to pm, half are "
        "reads at the file server: tcc reads headers in pieces of 8 KiB",
    ),
    Job(
        "inserts",
        "SQLite: 10,000 inserts",
        10000,
        100,
        1.0,
        "sqlite3 fish.db <fish.sql",
        WEIGHED,
        INSERTS % (1, 1),
        note="the program does 98 % of the work, and finds its translations gone after each of a "
        "thousand reads and writes",
    ),
    Job(
        "transactions",
        "SQLite: 100 transactions",
        100,
        5,
        1.5,
        "sqlite3 fish.db <fish.sql",
        WEIGHED,
        INSERTS % (0, 0),
        note="per transaction some ten reads and writes, eleven locks by fcntl (POSIX), four "
        "stats and syncs; cutting the journal looks at each of its blocks",
    ),
    Job(
        "tar",
        "tar, tar, diff of 500 files",
        500,
        20,
        1.2,
        "mkdir copy && tar cf - tree | tar xf - -C copy && diff -r tree copy/tree >out",
        "cat out; find copy -type f | wc -l",
        TREE,
        basic=True,
        note="eight calls by path for each file that is unpacked (unlink, open, chown, chmod, "
        "utimes, stat ...), and /etc/passwd and /etc/group opened anew for each that is "
        "packed: an open or stat is program, VFS, file server, program",
    ),
    Job(
        "find",
        "find and grep over 500 files",
        500,
        20,
        1.1,
        """{
            find tree -type f -name '*7.txt' -size +2k | wc -l
            find tree -type d | wc -l
            grep -rl 'otter heron' tree | wc -l
            find tree -type f -exec grep -c minnow {} + | awk -F: '{ n += $2 } END { print n }'
        } >out""",
        prepare=TREE,
        basic=True,
        note="for each file lstat and open by path, three changes of address space each, and "
        "reads in pieces of a page or so",
    ),
    Job(
        "pipeline",
        "a pipeline of 4 MB",
        4,
        1,
        0.8,
        "cat data | tr a-z A-Z | cat | cksum >out",
        prepare=TEXT
        + """
        text 5000 1 | head -c 262144 >part
        for i in 1 2 3 4; do cat part part part part; done | head -c $((size * 1048576)) >data""",
        basic=True,
        note="each write and each read is a call to the pipe service, two changes of address space "
        "each; on Linux there is one when a program waits for the other. In instructions, 0.7 of "
        "Linux. What it would take: larger pieces (BusyBox reads 4 KiB and more)",
    ),
    Job(
        "new",
        "50 processes with 4 MB new",
        50,
        3,
        0.6,
        "/usr/lib/minnow-tests/_pages new $size 4 >out",
        basic=True,
    ),
    Job(
        "copied",
        "50 processes with 4 MB copied",
        50,
        3,
        0.6,
        "/usr/lib/minnow-tests/_pages copied $size 4 >out",
        basic=True,
    ),
    Job(
        "shell",
        "primes computed by ash",
        2000,
        100,
        1.05,
        """busybox ash -c 'n=2 primes=0
        while [ $n -lt $size ]; do
            d=2
            while [ $((d * d)) -le $n ] && [ $((n % d)) -ne 0 ]; do d=$((d + 1)); done
            [ $((d * d)) -le $n ] || primes=$((primes + 1))
            n=$((n + 1))
        done
        echo $primes' >out""",
        basic=True,
    ),
    Job(
        "sort",
        "sort and awk of 10,000 lines",
        10000,
        500,
        1.05,
        """{
            sort data | cksum
            sort -n data | uniq -c -w 4 | tail -n 1
            awk '{ for (i = 2; i < NF; i++) n[$i]++ }
                END { for (w in n) print n[w], w }' data | sort -rn
        } >out""",
        prepare=TEXT
        + """
        text $((size / 10)) 5 >part
        for i in 3 1 4 0 5 9 2 6 8 7; do sed s/^/$i/ part; done >data""",
        basic=True,
    ),
    Job(
        "lua",
        "a program in Lua",
        100000,
        1000,
        1.05,
        "lua program.lua $size >out",
        prepare=LUA,
    ),
    Job(
        "configure",
        "60 checks of a configure script, dash",
        60,
        3,
        1.0,
        "dash configure >out",
        "cat out; cksum <config.h; cksum <config.log",
        CONFIGURE,
    ),
]
