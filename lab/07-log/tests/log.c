/* The tests of lab 07: transactions, and a disk whose power fails.  log TEST SEED
 *
 * Each committed block has other contents than all before, so what a block holds tells which commit
 * it is of. `history` keeps what all blocks must hold after each commit; after a cut the disk must
 * be as after one of them: not before the last that a SYNC has covered, not behind the last that
 * was begun. */
#define _GNU_SOURCE
#include "labtest.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../cutdisk/cutdisk.h"
#include "../../gate/gate.h"
#include "../skeleton/log.h"

/* Of minnow/protocol.def and minnow/message.h, which are for services. */
enum { BEGIN = 15 << 8, WRITE, COMMIT, ABORT, READ, SYNC, UNKNOWN = 15 << 8 | 77 };
enum { NEW = 16 << 8, COUNT, EVENTS, POWER, LOOK };
enum { IN = 1, OUT = 2 };
enum { COMMITS = 192, VERSIONS = 512, EVENTS_MAX = CUT_EVENTS_MAX };

static int gate_call(const char *service, uint64_t op, uint64_t w0, void *base, size_t length,
                     uint64_t w3, int window)
{
    static int gate = -1;
    struct gate_call c = {
        .op = op, .w0 = w0, .base = (uintptr_t)base, .length = length, .w3 = w3, .window = window
    };
    strcpy(c.service, service);
    if (gate < 0)
        NEED((gate = open("/dev/gate", O_RDWR | O_CLOEXEC)) >= 0);
    int result = ioctl(gate, GATE_CALL, &c);
    return result < 0 ? -errno : result;
}

/* ---- the student's server ---- */

/* What is done is not told call by call: whoever does much at once has told it before. */
static bool quiet;
#define TELL(...) (quiet ? (void)0 : lab_now(__VA_ARGS__))

static int log_begin(void)
{
    TELL("BEGIN");
    return gate_call("log", BEGIN, 0, NULL, 0, 0, 0);
}
static int log_write(int t, unsigned block, const void *bytes)
{
    TELL("WRITE of block %u in transaction %d", block, t);
    return gate_call("log", WRITE, t, (void *)(uintptr_t)bytes, BLOCK, block, IN);
}
static int log_commit(int t)
{
    TELL("COMMIT of transaction %d", t);
    return gate_call("log", COMMIT, t, NULL, 0, 0, 0);
}
static int log_abort(int t)
{
    TELL("ABORT of transaction %d", t);
    return gate_call("log", ABORT, t, NULL, 0, 0, 0);
}
static int log_sync(void)
{
    TELL("SYNC");
    return gate_call("log", SYNC, 0, NULL, 0, 0, 0);
}
static int log_read(int t, unsigned block, void *to)
{
    TELL("READ of block %u in transaction %d", block, t);
    return gate_call("log", READ, t, to, BLOCK, block, OUT);
}

/* Starts the server anew: all that it had in memory is lost. Its recovery has ended afterwards, for
 * it has answered a call. */
static void restart(void)
{
    static const char command[] = "restart log\n";
    int fd = open("/dev/service", O_WRONLY | O_CLOEXEC);
    NEED(fd >= 0);
    NEED(write(fd, command, sizeof command - 1) > 0);
    close(fd);
    static uint8_t bytes[BLOCK];
    gate_call("log", READ, 0, bytes, BLOCK, 0, OUT);
}

/* ---- the disk ---- */

static struct cut_count counted(void)
{
    struct cut_count c;
    NEED(gate_call("cutdisk", COUNT, 0, &c, sizeof c, 0, OUT) == 0);
    return c;
}

static uint16_t events[EVENTS_MAX];

/* Fills events[] with those of a life; how many. */
static unsigned events_of(unsigned life)
{
    int n = gate_call("cutdisk", EVENTS, life, events, sizeof events, 0, OUT);
    NEED(n >= 0);
    return n;
}

/* The same, for loops over all of them: they stay as they are when the power is cut. */
static unsigned happened_in(unsigned life) { return events_of(life); }

/* Events of the present life so far. */
static unsigned happened(void)
{
    struct cut_count c = counted();
    return c.writes + c.flushes;
}

/* ---- what blocks hold ---- */

static uint8_t contents[VERSIONS][BLOCK]; /* number 0: zeroes */
static unsigned versions;                 /* the last that is used */

static unsigned new_contents(void)
{
    NEED(versions + 1 < VERSIONS);
    uint64_t *words = (uint64_t *)contents[++versions];
    for (unsigned i = 0; i < BLOCK / 8; i++)
        words[i] = lab_random();
    return versions;
}

/* Which contents these are; -1: none that was ever written. */
static int version_of(const uint8_t *bytes)
{
    for (unsigned v = 0; v <= versions; v++)
        if (!memcmp(bytes, contents[v], BLOCK))
            return v;
    return -1;
}

static uint16_t history[COMMITS + 1][HOME]; /* after each commit, the version of each block */
static uint16_t committed_as[VERSIONS];     /* the commit that brought each version */
static unsigned began[COMMITS + 1];         /* events when each COMMIT was asked */
static unsigned commits;                    /* that have been done */
static unsigned reach;                      /* blocks from here on have not been written */
static unsigned covered[EVENTS_MAX + 1];    /* commits that are sure after so many events */

/* Begins with a new disk. */
static void new_disk(void)
{
    NEED(gate_call("cutdisk", NEW, 0, NULL, 0, 0, 0) == 0);
    memset(history, 0, sizeof history);
    memset(covered, 0, sizeof covered);
    commits = versions = reach = 0;
    restart();
}

/* Writes one transaction of `count` different blocks from 0 to `below` and commits it. */
static void transact(const char *r, unsigned count, unsigned below)
{
    lab_now("BEGIN, WRITE and COMMIT of transaction %u", commits + 1);
    quiet = true;
    int t = log_begin();
    if (t <= 0)
        lab_fail(r, "a number from 1 on", lab_result(t), "BEGIN of transaction %u", commits + 1);
    NEED(commits < COMMITS);
    uint16_t *now = history[commits + 1];
    memcpy(now, history[commits], sizeof history[0]);
    for (unsigned i = 0; i < count; i++) {
        unsigned block;
        do
            block = lab_below(below);
        while (now[block] != history[commits][block]);
        now[block] = new_contents();
        reach = block < reach ? reach : block + 1;
        committed_as[now[block]] = commits + 1;
        EXPECT(r, log_write(t, block, contents[now[block]]), 0,
               "WRITE of block %u, the %u. of transaction %u", block, i + 1, commits + 1);
    }
    began[commits + 1] = happened();
    EXPECT(r, log_commit(t), 0, "COMMIT of transaction %u, of %u blocks", commits + 1, count);
    commits++;
    quiet = false;
}

static void sync_all(const char *r)
{
    EXPECT(r, log_sync(), 0, "SYNC after %u commits", commits);
    for (unsigned e = happened(); e <= EVENTS_MAX; e++)
        covered[e] = commits;
}

/* ---- cuts ---- */

static uint8_t arrives[EVENTS_MAX];

static struct cut {
    unsigned life, before; /* events of that life before the cut */
    char how[160];
} cut;

/* The first event that no flush before the cut makes sure. */
static unsigned first_unsure(unsigned before)
{
    while (before && events[before - 1] != CUT_FLUSH)
        before--;
    return before;
}

/* Draws what was written last, and what became of it. */
static void picture(void)
{
    static const char *const fate[] = { "lost", "1st", "2nd", "yes" };
    unsigned all = events_of(cut.life), before = cut.before < all ? cut.before : all;
    unsigned from = before > 14 ? before - 14 : 0, unsure = first_unsure(before);
    char top[256] = "", low[256] = "";
    for (unsigned i = from, at = 0; i < before; i++, at += 5) {
        if (events[i] == CUT_FLUSH)
            sprintf(top + at, "%-5s", "|");
        else
            sprintf(top + at, "%c%-4u", events[i] < LOG_BLOCKS ? 'L' : 'H',
                    events[i] < LOG_BLOCKS ? events[i] : events[i] - LOG_BLOCKS);
        sprintf(low + at, "%-5s",
                events[i] == CUT_FLUSH ? "|"
                : i < unsure           ? "yes"
                                       : fate[arrives[i] & 3]);
    }
    lab_show("the disk before the cut: L a block of the log, H a home block, | a flush");
    lab_show("  writes   %s%s", from ? "... " : "", top);
    lab_show("  arrived  %s%s", from ? "... " : "", low);
}

/* Cuts the power behind so many events of a life, of which `arrives` says what is there, and starts
 * the server again. */
static void power_cut(unsigned life, unsigned before)
{
    cut.life = life, cut.before = before;
    lab_now("power cut behind event %u of life %u, then a start of the server", before, life);
    NEED(gate_call("cutdisk", POWER, life, arrives, before, 0, IN) == 0);
    restart();
}

/* In how many ways a cut is tried. */
enum { NOTHING, ALL, ONLY_LAST, BUT_ONE, HALF, FRONT, REAR, HOMES, DICE, WAYS };

/* What arrives of the writes behind the last flush. */
static void draw(unsigned before, unsigned way)
{
    unsigned from = first_unsure(before),
             one = from + (before > from ? lab_below(before - from) : 0);
    for (unsigned i = from; i < before; i++) {
        bool last = i + 1 == before;
        switch (way) {
        case NOTHING: arrives[i] = 0; break;
        case ALL: arrives[i] = CUT_WHOLE; break;
        case ONLY_LAST: arrives[i] = last ? CUT_WHOLE : 0; break;
        case BUT_ONE: arrives[i] = i == one ? 0 : CUT_WHOLE; break;
        case HALF: arrives[i] = last ? 1 + lab_below(2) : CUT_WHOLE; break;
        case FRONT: arrives[i] = last ? CUT_WHOLE : 1; break;
        case REAR: arrives[i] = last ? CUT_WHOLE : 2; break;
        case HOMES: arrives[i] = events[i] >= LOG_BLOCKS && i != one ? CUT_WHOLE : 0; break;
        default: arrives[i] = lab_below(4);
        }
    }
    static const char *const hows[] = {
        "nothing behind the last flush has arrived",
        "all that was written has arrived",
        "behind the last flush only the last write has arrived",
        "behind the last flush all but one write have arrived",
        "of the last write one sector has arrived, of the others all",
        "behind the last flush the last write has arrived, and of the others the first sectors",
        "behind the last flush the last write has arrived, and of the others the second sectors",
        "behind the last flush only writes of home blocks have arrived, but for one",
        "each sector behind the last flush has arrived, or not, by the dice"
    };
    snprintf(cut.how, sizeof cut.how, "%s", hows[way]);
}

/* What all blocks hold after a cut: the number of the commit after which they were so, from `least`
 * to `most`. The test fails if there is none. */
static unsigned state(const char *r, unsigned least, unsigned most)
{
    static uint8_t bytes[BLOCK];
    int got[HOME];
    quiet = true;
    memset(got, 0, sizeof got);
    for (unsigned n = 0; n < HOME; n += n < reach ? 1 : 1 + lab_below(HOME)) {
        int error = log_read(0, n, bytes);
        if (error)
            picture();
        EXPECT(r, error, 0, "READ of block %u after a power cut (%s)", n, cut.how);
        got[n] = version_of(bytes);
        if (got[n] < 0) {
            picture();
            lab_fail(r, "what it held after some commit", "bytes that no transaction wrote so",
                     "READ of block %u after a power cut behind event %u (%s)", n, cut.before,
                     cut.how);
        }
    }
    quiet = false;
    for (unsigned k = most + 1; k-- > 0;) {
        bool same = true;
        for (unsigned n = 0; n < HOME && same; n++)
            same = got[n] == history[k][n];
        if (same && k >= least)
            return k;
        if (same) {
            char text[96], want[96];
            snprintf(text, sizeof text, "all blocks are as after commit %u", k);
            snprintf(want, sizeof want, "as after commit %u, or a later one up to %u", least, most);
            picture();
            lab_fail(r, want, text,
                     "a look at all blocks after a power cut behind event %u (%s); commits up to "
                     "%u were to be there",
                     cut.before, cut.how, least);
        }
    }
    unsigned oldest = 0, newest = 0, newest_commit = 0; /* two blocks that do not fit together */
    for (unsigned n = 0; n < HOME; n++)
        if (got[n] && committed_as[got[n]] >= newest_commit)
            newest = n, newest_commit = committed_as[got[n]];
    for (unsigned n = 0; n < HOME; n++)
        if (got[n] != history[newest_commit][n])
            oldest = n;
    char text[160], want[96];
    snprintf(text, sizeof text,
             "block %u is as commit %u wrote it, but block %u as commit %u left it, and not as "
             "commit %u",
             newest, newest_commit, oldest, got[oldest] ? committed_as[got[oldest]] : 0,
             committed_as[history[newest_commit][oldest]]);
    snprintf(want, sizeof want, "all blocks as after one of the commits %u to %u", least, most);
    picture();
    lab_fail(r, want, text, "a look at all blocks after a power cut behind event %u (%s)",
             cut.before, cut.how);
}

/* The last commit that was asked for before so many events had happened. */
static unsigned last_begun(unsigned before)
{
    unsigned k = commits;
    while (k && began[k] > before)
        k--;
    return k;
}

/* Cuts life 0 behind `before` events and looks at what the server makes of it. */
static unsigned cut_and_look(const char *r, unsigned before, unsigned way)
{
    events_of(0);
    draw(before, way);
    power_cut(0, before);
    return state(r, covered[before], last_begun(before));
}

/* What the blocks hold must be as after the last commit. */
static void expect_now(const char *r, const char *when)
{
    static uint8_t bytes[BLOCK];
    lab_now("READ of all blocks %s", when);
    quiet = true;
    for (unsigned n = 0; n < HOME; n++) {
        EXPECT(r, log_read(0, n, bytes), 0, "READ of block %u %s", n, when);
        int v = version_of(bytes);
        if (v != history[commits][n]) {
            char text[64];
            snprintf(text, sizeof text,
                     v < 0 ? "bytes that nobody wrote so" : "what commit %u wrote",
                     v > 0 ? committed_as[v] : 0);
            lab_fail(r, "what was committed last", text, "READ of block %u %s", n, when);
        }
    }
    quiet = false;
}

/* ---- without cuts ---- */

static void test_read_write(void)
{
    static uint8_t bytes[BLOCK];
    new_disk();
    expect_now("R1", "of a new disk");
    for (unsigned i = 0; i < 3; i++) {
        transact("R2", 1 + lab_below(4), HOME);
        expect_now("R2", "after a COMMIT");
    }
    int t = log_begin();
    unsigned v = new_contents(), w = new_contents();
    EXPECT("R2", log_write(t, 7, contents[v]), 0, "WRITE of block 7");
    EXPECT("R2", log_write(t, 7, contents[w]), 0, "WRITE of block 7 once more");
    EXPECT("R2", log_read(t, 7, bytes), 0, "READ of block 7 in that transaction");
    EXPECT("R2", version_of(bytes), w, "READ in the transaction: the contents");
    EXPECT("R2", log_commit(t), 0, "COMMIT");
    EXPECT("R2", log_read(0, 7, bytes), 0, "READ of block 7");
    EXPECT("R2", version_of(bytes), w, "READ of block 7, written twice in one transaction");
}

static void test_abort(void)
{
    static uint8_t bytes[BLOCK];
    new_disk();
    transact("R2", 6, 8);
    int a = log_begin(), b = log_begin();
    unsigned va = new_contents(), vb = new_contents(), block = lab_below(8);
    if (a <= 0 || b <= 0 || a == b)
        lab_fail("R3", "two numbers from 1 on", b == a ? "the same twice" : lab_result(b),
                 "BEGIN of two transactions at the same time");
    EXPECT("R2", log_write(a, block, contents[va]), 0, "WRITE of block %u in one of two", block);
    expect_now("R3", "that an open transaction has written");
    EXPECT("R3", log_write(b, block, contents[vb]), 0, "WRITE of block %u in the other", block);
    EXPECT("R3", log_read(a, block, bytes), 0, "READ of block %u in the first", block);
    EXPECT("R3", version_of(bytes), va, "READ in the first transaction: the contents");
    EXPECT("R3", log_read(b, block, bytes), 0, "READ of block %u in the second", block);
    EXPECT("R3", version_of(bytes), vb, "READ in the second transaction: the contents");
    EXPECT("R3", log_abort(a), 0, "ABORT of the first");
    expect_now("R3", "after ABORT of one transaction that wrote it, with another open");
    memcpy(history[commits + 1], history[commits], sizeof history[0]);
    history[++commits][block] = vb;
    committed_as[vb] = commits;
    EXPECT("R3", log_commit(b), 0, "COMMIT of the second");
    expect_now("R3", "after COMMIT of the second");
    EXPECT("R3", log_write(a, 1, contents[va]), -EINVAL, "WRITE in a transaction that was aborted");
    EXPECT("R3", log_commit(a), -EINVAL, "COMMIT of a transaction that was aborted");
    EXPECT("R3", log_abort(b), -EINVAL, "ABORT of a transaction that was committed");
    /* the one that commits last wins, in whatever order they began and wrote */
    a = log_begin(), b = log_begin();
    va = new_contents(), vb = new_contents();
    EXPECT("R3", log_write(b, block, contents[vb]), 0, "WRITE of block %u in one of two", block);
    EXPECT("R3", log_write(a, block, contents[va]), 0, "WRITE of block %u in the other", block);
    EXPECT("R3", log_commit(a), 0, "COMMIT of the one that wrote last");
    EXPECT("R3", log_commit(b), 0, "COMMIT of the one that wrote first");
    EXPECT("R3", log_read(0, block, bytes), 0, "READ of block %u", block);
    EXPECT("R3", version_of(bytes), vb, "READ: the contents are of the last COMMIT");
}

static void test_limits(void)
{
    new_disk();
    static uint8_t bytes[2 * BLOCK];
    int t = log_begin(), open[LOG_OPEN];
    EXPECT("R4", log_commit(t), 0, "COMMIT of a transaction without a WRITE");
    EXPECT("R4", log_commit(0), -EINVAL, "COMMIT of transaction 0");
    EXPECT("R4", log_commit(77), -EINVAL, "COMMIT of transaction 77, which nobody began");
    EXPECT("R4", log_commit(-1), -EINVAL, "COMMIT of transaction -1");
    EXPECT("R4", log_read(77, 0, bytes), -EINVAL, "READ in transaction 77");
    EXPECT("R4", log_read(0, HOME, bytes), -EINVAL, "READ of block %d", HOME);
    EXPECT("R4", log_read(0, -1, bytes), -EINVAL, "READ of block 2^32 - 1");
    EXPECT("R4", gate_call("log", READ, 0, bytes, BLOCK - 1, 0, OUT), -EINVAL,
           "READ into a window of %d bytes", BLOCK - 1);
    EXPECT("R4", gate_call("log", READ, 0, bytes, BLOCK, 1ull << 32, OUT), -EINVAL,
           "READ of block 2^32");
    t = log_begin();
    EXPECT("R4", log_write(t, HOME, bytes), -EINVAL, "WRITE of block %d", HOME);
    EXPECT("R4", gate_call("log", WRITE, t, bytes, BLOCK + 1, 0, IN), -EINVAL,
           "WRITE from a window of %d bytes", BLOCK + 1);
    EXPECT("R4", gate_call("log", WRITE, t, bytes, 0, 0, IN), -EINVAL,
           "WRITE from a window of no bytes");
    EXPECT("R4", gate_call("log", UNKNOWN, t, bytes, 0, 0, IN), -ENOSYS,
           "an operation that there is not");
    EXPECT("R4", log_abort(t), 0, "ABORT");
    for (int i = 0; i < LOG_OPEN; i++)
        if ((open[i] = log_begin()) <= 0)
            lab_fail("R4", "a number from 1 on", lab_result(open[i]), "BEGIN number %d", i + 1);
    EXPECT("R4", log_begin(), -EAGAIN, "BEGIN when %d are open", LOG_OPEN);
    t = open[lab_below(LOG_OPEN)];
    memcpy(history[1], history[0], sizeof history[0]);
    for (unsigned i = 0; i < LOG_MAX; i++) {
        unsigned v = history[1][3 * i] = new_contents();
        committed_as[v] = 1;
        EXPECT("R4", log_write(t, 3 * i, contents[v]), 0, "WRITE of the %u. block of at most %d",
               i + 1, LOG_MAX);
    }
    EXPECT("R4", log_write(t, 1, bytes), -E2BIG, "WRITE of one block more than %d", LOG_MAX);
    unsigned v = history[1][3] = new_contents();
    committed_as[v] = 1;
    EXPECT("R4", log_write(t, 3, contents[v]), 0, "WRITE of one of the %d once more", LOG_MAX);
    EXPECT("R4", log_commit(t), 0, "COMMIT of %d blocks", LOG_MAX);
    commits = 1;
    expect_now("R4", "after a COMMIT of as many blocks as may be");
    for (int i = 0; i < LOG_OPEN; i++)
        if (open[i] != t)
            EXPECT("R4", log_abort(open[i]), 0, "ABORT of the others");
    /* windows whose pages are not there yet */
    uint8_t *fresh = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                          0);
    NEED(fresh != MAP_FAILED);
    EXPECT("R4", log_read(0, 3, fresh + 4096 - BLOCK / 2), 0,
           "READ into two pages that are not there yet");
    EXPECT("R4", version_of(fresh + 4096 - BLOCK / 2), v, "READ into such pages: the contents");
    t = log_begin();
    EXPECT("R4", log_write(t, 3, fresh + 2 * 4096), 0, "WRITE from a page that is not there yet");
    EXPECT("R4", log_commit(t), 0, "COMMIT of it");
    EXPECT("R4", log_read(0, 3, bytes), 0, "READ of it");
    EXPECT("R4", version_of(bytes), 0, "READ of it: zeroes");
}

static void test_dead(void)
{
    static uint8_t bytes[BLOCK];
    int line[2], own = 0;
    new_disk();
    transact("R2", 4, 8);
    NEED(pipe(line) == 0);
    pid_t child = fork();
    NEED(child >= 0);
    if (!child) {
        int first = 0;
        for (int i = 0; i < LOG_OPEN; i++) {
            int t = log_begin();
            unsigned v = new_contents();
            for (unsigned block = 0; block < 8; block += 3)
                log_write(t, block, contents[v]);
            first = i ? first : t;
        }
        NEED(write(line[1], &first, sizeof first) == sizeof first);
        for (;;)
            pause();
    }
    NEED(read(line[0], &own, sizeof own) == sizeof own);
    if (own <= 0)
        lab_fail("R4", "a number from 1 on", lab_result(own), "BEGIN by another program");
    EXPECT("R4", log_begin(), -EAGAIN, "BEGIN when another program has %d open", LOG_OPEN);
    EXPECT("R5", log_read(own, 0, bytes), -EINVAL, "READ in another program's transaction");
    EXPECT("R5", log_write(own, 0, bytes), -EINVAL, "WRITE in another program's transaction");
    EXPECT("R5", log_commit(own), -EINVAL, "COMMIT of another program's transaction");
    EXPECT("R5", log_abort(own), -EINVAL, "ABORT of another program's transaction");
    kill(child, SIGKILL);
    NEED(waitpid(child, NULL, 0) == child);
    for (int i = 0; i < LOG_OPEN; i++) {
        int t = log_begin();
        if (t <= 0)
            lab_fail("R5", "a number from 1 on", lab_result(t),
                     "BEGIN number %d, when a program with %d open transactions has died", i + 1,
                     LOG_OPEN);
        if (i == 0) {
            EXPECT("R5", log_read(t, 0, bytes), 0, "READ in it");
            EXPECT("R5", version_of(bytes), history[commits][0],
                   "READ in a new transaction, which has nothing of the dead program's: contents");
        }
        EXPECT("R5", log_commit(t), 0, "COMMIT of it, which has written nothing");
    }
    expect_now("R5", "after the death of a program that wrote it and had not committed");
}

/* ---- the server starts anew ---- */

static void test_restart(void)
{
    new_disk();
    for (unsigned i = 0; i < 3; i++) {
        transact("R2", 1 + lab_below(4), 12);
        sync_all("R6");
        int t = log_begin();
        log_write(t, 5, contents[new_contents()]);
        restart();
        expect_now("R6", "after COMMIT, SYNC and a new start of the server");
    }
    for (unsigned i = 0; i < 12; i++)
        transact("R6", LOG_MAX, HOME);
    sync_all("R6");
    restart();
    expect_now("R6", "after twelve COMMITs, SYNC and a new start of the server");
}

static void test_sync(void)
{
    enum { TIMES = 5 };
    unsigned at[TIMES];
    new_disk();
    for (unsigned i = 0; i < TIMES; i++) {
        transact("R2", 1 + lab_below(4), 12);
        if (i % 3 == 1)
            transact("R2", 1, HOME);
        sync_all("R6");
        at[i] = happened();
    }
    for (unsigned i = 0; i < TIMES; i++)
        cut_and_look("R6", at[i], NOTHING);
}

/* A number of transactions, of which about one in `one_in` is followed by a SYNC; the last is. */
static void work(unsigned transactions, unsigned most, unsigned below, unsigned one_in)
{
    for (unsigned i = 0; i < transactions; i++) {
        transact("R2", 1 + lab_below(most), below);
        if (i + 1 == transactions || lab_below(one_in) == 0)
            sync_all("R6");
    }
}

static void test_atomic(void)
{
    new_disk();
    work(5, 5, 16, 1);
    for (unsigned before = 0, all = happened_in(0); before <= all; before++)
        cut_and_look("R7", before, ALL);
}

static void test_torn(void)
{
    new_disk();
    work(5, 5, 12, 1);
    for (unsigned before = 0, all = happened_in(0); before <= all; before++)
        for (unsigned way = ONLY_LAST; way <= REAR; way++)
            cut_and_look("R7", before, way);
}

static void test_order(void)
{
    for (unsigned round = 0; round < 2; round++) {
        new_disk();
        work(6, 3, 8, 100);
        for (unsigned before = 0, all = happened_in(0); before <= all; before++)
            for (unsigned way = BUT_ONE; way < WAYS; way += DICE - BUT_ONE)
                cut_and_look("R8", before, way);
    }
}

static void test_wrap(void)
{
    new_disk();
    work(24, 5, 16, 3);
    expect_now("R9", "after many COMMITs");
    for (unsigned before = 0, all = happened_in(0); before <= all; before++)
        cut_and_look("R9", before, before % 2 ? BUT_ONE : HOMES);
    new_disk(); /* few blocks, few flushes: what is old in the log differs from what is at home */
    work(24, 2, 4, 100);
    for (unsigned before = 0, all = happened_in(0); before <= all; before++)
        cut_and_look("R9", before, ONLY_LAST);
}

static void test_recovery(void)
{
    new_disk();
    work(12, 5, 12, 3);
    unsigned all = happened_in(0);
    for (unsigned round = 0; round < 6; round++) {
        unsigned before = round ? lab_below(all + 1) : all;
        events_of(0);
        draw(before, round % 2 ? NOTHING : ALL);
        power_cut(0, before);
        unsigned k = state("R10", covered[before], last_begun(before)), life = happened();
        for (unsigned again = 0; again <= life; again++)
            for (unsigned way = 0; way < 2; way++) {
                events_of(1);
                draw(again, way ? lab_below(WAYS) : again % 2 ? BUT_ONE : HOMES);
                power_cut(1, again);
                state("R10", k, k);
            }
    }
}

/* What a cut has destroyed must not come back behind what is committed later. */
static void test_ghost(void)
{
    for (unsigned round = 0; round < 24; round++) {
        unsigned size = 1 + round % 3;
        new_disk();
        if (round % 4 == 0) { /* else what is lost may be the log's first record */
            transact("R2", size, 12);
            sync_all("R6");
        }
        for (unsigned i = 0; i < 5; i++)
            transact("R2", size, 12);
        sync_all("R6");
        unsigned all = happened_in(0), before = all;
        while (before && events[before - 1] == CUT_FLUSH)
            before--;
        draw(before, BUT_ONE);
        power_cut(0, before);
        commits = state("R8", covered[before], last_begun(before));
        for (unsigned i = 0; i < 1 + round % 2; i++)
            transact("R11", size, 12);
        sync_all("R11");
        unsigned now = happened();
        events_of(1);
        draw(now, round % 4 == 3 ? ALL : NOTHING);
        power_cut(1, now);
        state("R11", commits, commits);
    }
}

/* The server dies alone: the disk goes on, with what it has not made sure yet. */
static void test_alone(void)
{
    for (unsigned round = 0; round < 3; round++) {
        new_disk();
        work(2, 4, 12, 1);
        for (unsigned i = 0; i < 3; i++)
            transact("R2", 2 + lab_below(3), 12);
        unsigned then = happened();
        restart();
        snprintf(cut.how, sizeof cut.how, "there was none yet: only the server was started anew");
        cut.life = 0, cut.before = then;
        state("R12", covered[then], commits);
        for (unsigned before = then, all = happened_in(0); before <= all; before++) {
            cut_and_look("R12", before, HOMES);
            cut_and_look("R12", before, DICE);
        }
    }
}

/* ---- what it costs ---- */

static void at_most(const char *r, unsigned got, unsigned most, const char *what)
{
    char text[64], want[64];
    snprintf(text, sizeof text, "%u", got);
    snprintf(want, sizeof want, "%u at most", most);
    if (got > most)
        lab_fail(r, want, text, "%s", what);
}

static void test_writes(void)
{
    static uint8_t bytes[BLOCK];
    new_disk();
    struct cut_count before = counted();
    unsigned blocks = 0, transactions = 24;
    for (unsigned i = 0; i < transactions; i++) {
        unsigned n = 1 + lab_below(LOG_MAX);
        blocks += n;
        transact("R2", n, HOME);
        sync_all("R6");
    }
    struct cut_count after = counted();
    char what[128];
    sprintf(what, "writes to the disk by %u transactions of %u blocks together, each with a SYNC",
            transactions, blocks);
    at_most("R13", after.writes - before.writes, 2 * blocks + 2 * transactions + 8, what);
    sprintf(what, "flushes of the disk by %u transactions, each with a SYNC", transactions);
    at_most("R13", after.flushes - before.flushes, 4 * transactions + 8, what);
    for (unsigned n = 0; n < HOME; n++)
        log_read(0, n, bytes);
    at_most("R13", counted().writes - after.writes, 0, "writes to the disk by READs");
}

static void test_cheap(void)
{
    enum { TIMES = 40 };
    new_disk();
    struct cut_count before = counted();
    for (unsigned i = 0; i < TIMES; i++) {
        transact("R2", 2, 4);
        sync_all("R6");
    }
    struct cut_count after = counted();
    at_most(
        "R14", after.writes - before.writes, 4 * TIMES,
        "writes to the disk by 40 transactions of 2 blocks out of the same 4, each with a SYNC");
    at_most("R14", after.flushes - before.flushes, 5 * TIMES / 2,
            "flushes of the disk by 40 transactions, each with a SYNC");
    EXPECT("R6", log_sync(), 0, "SYNC when nothing is new");
    at_most("R14", counted().flushes - after.flushes, 0, "flushes by a SYNC when nothing is new");
    new_disk();
    before = counted();
    for (unsigned i = 0; i < 10; i++)
        transact("R2", 1, 10);
    at_most("R14", counted().flushes - before.flushes, 0,
            "flushes by 10 COMMITs of one block on a new disk, before the first SYNC");
}

static const struct labtest tests[] = {
    { "read-write", test_read_write }, { "abort", test_abort },
    { "limits", test_limits },         { "dead", test_dead },
    { "restart", test_restart },       { "sync", test_sync },
    { "atomic", test_atomic },         { "torn", test_torn },
    { "order", test_order },           { "wrap", test_wrap },
    { "recovery", test_recovery },     { "ghost", test_ghost },
    { "alone", test_alone },           { "writes", test_writes },
    { "cheap", test_cheap },           { 0 },
};

int main(int argc, char **argv)
{
    unsigned before = counted().refused;
    int status = lab_main(argc, argv, tests);
    at_most("R13", counted().refused - before, 0,
            "requests that the disk has refused: not one whole block of it, or too many");
    return status;
}
