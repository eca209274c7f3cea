"""Long jobs, in which several programs work together, as on Linux."""

import portslib
import pytest

JOBS = {
    "sqlite": """
cat >fish.sql <<'SQL'
CREATE TABLE fish (id INTEGER PRIMARY KEY, name TEXT, weight REAL);
CREATE INDEX by_name ON fish (name);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    INSERT INTO fish SELECT i, 'fish ' || (i * 7919 % 100003), i * 0.37 FROM n;
SELECT count(*), sum(weight), max(name) FROM fish;
DELETE FROM fish WHERE id % 7 = 0;
VACUUM;
SELECT count(*), sum(weight), max(name) FROM fish WHERE name LIKE 'fish 9%';
PRAGMA integrity_check;
SQL
sqlite3 fish.db <fish.sql
cksum <fish.db
""",
    "lua": """
cat >Makefile <<'RULES'
objects := $(patsubst /usr/src/lua/%.c,%.o,$(wildcard /usr/src/lua/*.c))
lua: $(objects); tcc -static -o $@ $^ -lm
%.o: /usr/src/lua/%.c; tcc -DLUA_USE_POSIX -c -o $@ $<
RULES
make -j2 >log && sort log && cksum lua *.o
./lua -e 'local t = {} for i = 1, 1e5 do t[i] = i * 7919 % 100003 end table.sort(t) print(#t, t[1], t[#t])'
""",
    "sort": """
gawk 'BEGIN { for (i = 0; i < 1600000; i++) printf "%08x some more text of this line\\n", i * 2654435761 % 4294967296 }' |
    head -c 50000000 >lines
mkdir spare
sort -S 16M -T spare --parallel=2 lines | cksum
sort -S 16M -T spare -k 4,4 -k 1,1r lines | head -n 3
wc lines
""",
    "tar": """
mkdir from to
i=0
while [ $i -lt 200 ]; do
    mkdir from/$i
    (cd from/$i && seq 1 100 | split -l 1 -a 3 - file.)
    i=$((i + 1))
done
tar -cf all.tar from
tar -xf all.tar -C to
find to -type f | wc -l
(cd from && find . -type f | sort | xargs cksum) | cksum
(cd to/from && find . -type f | sort | xargs cksum) | cksum
rm -r to && ls
""",
    "forks": """
i=0
while [ $i -lt 10000 ]; do
    (exit $((i % 5))) || sum=$((sum + $?))
    i=$((i + 1))
done
echo $sum
""",
    "bash": """
for part in $(seq 1 60); do
    cat <<SCRIPT
declare -a list$part=({1..20})
function f$part { local n=\\$1; (( n < 2 )) && { echo 1; return; }; echo \\$(( n * \\$(f$part \\$((n - 1))) )); }
echo "part $part: \\$(f$part 6) \\${list$part[@]:3:4}"
for word in alpha beta; do case \\$word in a*) printf '%s-%03d ' \\${word^} $part ;; *) echo "\\${word/b/B}" ;; esac; done
while read -r -d : field; do out+=\\${#field}; done < <(echo "a:bb:ccc:$part:"); echo \\${#out}
{ echo $part; echo error >&2; } 2>&1 | tr a-z A-Z | while read -r l; do echo "<\\$l>"; done
[[ $part =~ ^([0-9])([0-9]?)\\$ ]] && echo \\${BASH_REMATCH[1]}/\\${BASH_REMATCH[2]:-none}
sleep 0.01 & wait \\$!; echo \\$? \\$(( $part ** 3 % 97 ))
trap 'caught=$part' USR1; kill -USR1 \\$\\$; echo caught \\$caught
SCRIPT
done >script
wc -l script
bash script
""",
}


@pytest.mark.parametrize("name", JOBS)
def test_a_heavy_job_has_linux_result(name):
    portslib.check("job() {\n" + JOBS[name] + "\n}\n", timeout=1500)
