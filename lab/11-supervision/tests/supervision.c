/* The tests of lab 11: services that go wrong as they are told, and how the service manager's
 * policy deals with them.
 * supervision TEST SEED
 *
 * What becomes of a call, and when, is what the caller sees. How often a service has died or hung
 * is the manager's own count (/dev/service). */
#define _GNU_SOURCE
#include "labtest.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../gate/gate.h"
#include "../../puppet/puppet.h"

/* Of minnow/protocol.def and minnow/message.h, which are for services. */
enum {
    ECHO = 17 << 8,
    WORK,
    STEPS,
    AFTER,
    SLEEP,
    WAIT,
    FAIL,
    STORE_PUT = 14 << 8 | 1,
    STORE_ERASE,
    WINDOW_IN = 1
};

enum {
    LOOK = 60,     /* ms between two looks */
    QUIET = 560,   /* ms after which a row of deaths is over, and more */
    SLACK = 25,    /* ms for what a start and a few messages take */
    TIMES_OUT = 3, /* seconds after which a puppet that always goes wrong does so no more */
};

/* ---- calls ---- */

static int64_t ask(const char *service, struct gate_call c)
{
    static int gate = -1;
    if (gate < 0)
        NEED((gate = open("/dev/gate", O_RDWR | O_CLOEXEC)) >= 0);
    snprintf(c.service, sizeof c.service, "%s", service);
    int result = ioctl(gate, GATE_CALL, &c);
    return result < 0 ? -errno : result;
}

static int64_t tell(const char *puppet, uint64_t op, uint64_t w0)
{
    static const char *const names[] = { "ECHO", "WORK", "STEPS", "AFTER", "SLEEP", "WAIT" };
    lab_now("%s %llu of %s", names[op - ECHO], (long long)w0, puppet);
    return ask(puppet, (struct gate_call){ .op = op, .w0 = w0 });
}

static const char *const ways[] = { "spins", "forgets", "faults", "quits", "is deaf", "spoils" };

/* Tells a puppet to go wrong so many times and then to answer; 0: always. */
static int64_t fail(const char *puppet, unsigned key, enum puppet_fails how, unsigned times)
{
    lab_now("%s %s, %s%.0u%s (key %u)", puppet, ways[how], times ? "" : "always", times,
            times ? " times" : "", key);
    return ask(puppet, (struct gate_call){ .op = FAIL,
                                           .w0 = key,
                                           .w3 = how,
                                           .w4 = times,
                                           .w5 = lab_ns() + TIMES_OUT * 1000000000ull });
}

static void erase_store(void) { NEED(ask("store", (struct gate_call){ .op = STORE_ERASE }) == 0); }

/* So many of the next starts of puppets end in a death. */
static void spoil_starts(uint64_t count)
{
    NEED(ask("store", (struct gate_call){ .op = STORE_PUT,
                                          .w0 = PUPPET_START,
                                          .base = (uintptr_t)&count,
                                          .length = sizeof count,
                                          .window = WINDOW_IN }) == 0);
}

/* A command to the service manager. */
__attribute__((format(printf, 1, 2))) static void manage(const char *format, ...)
{
    char line[96];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    int fd = open("/dev/service", O_WRONLY | O_CLOEXEC);
    NEED(fd >= 0);
    NEED(write(fd, line, length) == length);
    close(fd);
}

struct counts {
    unsigned deaths, hangs;
};

static struct counts counts_of(const char *service)
{
    char line[256];
    struct counts c = { 0 };
    bool found = false;
    FILE *file = fopen("/dev/service", "r");
    NEED(file);
    while (fgets(line, sizeof line, file)) {
        size_t n = strlen(service);
        if (!strncmp(line, service, n) && line[n] == ' ')
            found = sscanf(line + n + strcspn(line + n, "0123456789"), "%*u %u %u", &c.deaths,
                           &c.hangs) == 2;
    }
    fclose(file);
    NEED(found);
    return c;
}

/* ---- what is expected ---- */

static uint64_t began; /* ns */

static void begin(void) { began = lab_ns(); }
static unsigned passed_ms(void) { return (lab_ns() - began) / 1000000; }
static void pause_ms(unsigned ms) { usleep(ms * 1000); }

/* So many ms have passed since begin(). */
static void expect_ms(const char *requirement, unsigned least, unsigned most, const char *done)
{
    char wanted[48], got[48];
    unsigned ms = passed_ms();
    if (ms >= least && ms <= most)
        return;
    snprintf(wanted, sizeof wanted, "an end after %u to %u ms", least, most);
    snprintf(got, sizeof got, "%u ms", ms);
    lab_fail(requirement, wanted, got, "%s", done);
}

static void expect_counts(const char *requirement, const char *service, struct counts before,
                          unsigned deaths, unsigned hangs, const char *done)
{
    char wanted[64], got[64];
    struct counts now = counts_of(service);
    if (now.deaths - before.deaths == deaths && now.hangs - before.hangs == hangs)
        return;
    snprintf(wanted, sizeof wanted, "%u deaths, %u hangs", deaths, hangs);
    snprintf(got, sizeof got, "%u deaths, %u hangs", now.deaths - before.deaths,
             now.hangs - before.hangs);
    lab_fail(requirement, wanted, got, "%s: %s", service, done);
}

static void expect_echo(const char *requirement, const char *service, const char *done)
{
    unsigned number = lab_below(1000);
    EXPECT(requirement, tell(service, ECHO, number), number, "ECHO %u of %s, %s", number, service,
           done);
}

/* Turns of two instructions that take so many ms. */
static uint64_t turns(unsigned ms)
{
    static uint64_t ten;
    if (!ten) {
        uint64_t n = 100000, start = lab_ns();
        __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(n));
        ten = 10000000 * 100000ull / (lab_ns() - start);
    }
    return ten * ms / 10;
}

/* Nothing has gone wrong for a while, and no key was used. */
static void be_quiet(void)
{
    erase_store();
    pause_ms(QUIET + lab_below(LOOK));
}

/* Another program, which calls a service again and again until it is stopped: each answer must be
 * right. */
static pid_t go_on(const char *service)
{
    pid_t pid = fork();
    NEED(pid >= 0);
    if (pid)
        return pid;
    for (unsigned i = 1;; i++) {
        if (ask(service, (struct gate_call){ .op = ECHO, .w0 = i }) != i)
            _exit(1);
        pause_ms(3);
    }
}

static void expect_all_right(const char *requirement, pid_t pid, const char *service)
{
    int status;
    kill(pid, SIGTERM);
    NEED(waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status))
        lab_fail(requirement, "its own number from each", "another answer",
                 "calls of %s while another one's goes wrong", service);
}

/* ---- looks ---- */

static void test_spin(void)
{
    begin();
    EXPECT("R1", fail("puppet", 0, PUPPET_SPINS, 1), 1, "a call of puppet, which spins once");
    expect_ms("R1", 4 * LOOK - 5, 5 * LOOK + SLACK, "a call of puppet, which spins once");
    for (unsigned i = 1; i < 5; i++) {
        be_quiet();
        struct counts before = counts_of("puppet");
        begin();
        EXPECT("R1", fail("puppet", i, PUPPET_SPINS, 1), 1, "a call of puppet, which spins once");
        expect_ms("R1", 4 * LOOK - 5, 5 * LOOK + SLACK, "a call of puppet, which spins once");
        expect_counts("R1", "puppet", before, 0, 1, "it has spun once");
    }
}

/* Has the sleeper, which goes before the others, compute from a moment on. */
static void disturb(unsigned after_ms, unsigned ms)
{
    NEED(ask("sleeper", (struct gate_call){
                            .op = AFTER, .w0 = after_ms, .w3 = ms / 20, .w4 = turns(20) }) == 0);
}

static void test_busy(void)
{
    struct counts keeper = counts_of("keeper"), sleeper = counts_of("sleeper"),
                  puppet = counts_of("puppet");
    lab_now("keeper computes for 1000 ms, in steps");
    int64_t done = ask("keeper", (struct gate_call){ .op = STEPS, .w0 = 50, .w3 = turns(20) });
    EXPECT("R2", done, 0, "a call of keeper, which computes for 1000 ms and gives way");
    for (unsigned i = 0; i < 8; i++)
        EXPECT("R2", tell("keeper", WORK, turns(120)), 0, "WORK of keeper for 120 ms, again");
    expect_counts("R2", "keeper", keeper, 0, 0, "it has worked");

    begin();
    disturb(60, 900);
    EXPECT("R2", tell("keeper", WORK, turns(200)), 0,
           "WORK of keeper for 200 ms, while sleeper computes for 900 ms");
    NEED(passed_ms() > 1000);
    expect_counts("R2", "keeper", keeper, 0, 0, "it did not get the processor");
    expect_counts("R2", "sleeper", sleeper, 0, 0, "it has worked, with messages");
    expect_counts("R2", "puppet", puppet, 0, 0, "nobody has asked it anything");

    be_quiet();
    begin();
    disturb(200, 400);
    EXPECT("R2", fail("puppet", 1, PUPPET_SPINS, 1), 1,
           "a call of puppet, which spins, and in between has no processor for 400 ms");
    expect_ms("R2", 590, 740, "a call of puppet, which spins, and in between has no processor");
}

static void test_asleep(void)
{
    struct counts keeper, puppet;
    for (unsigned i = 0; i < 2; i++) {
        be_quiet();
        keeper = counts_of("keeper");
        begin();
        EXPECT("R3", fail("keeper", 0, PUPPET_FORGETS, 0), -EIO, "a call that keeper forgets");
        expect_ms("R3", 535, 600 + SLACK, "a call that keeper forgets (patience 500)");
        expect_counts("R3", "keeper", keeper, 0, 1, "it has forgotten a call");
        expect_echo("R3", "keeper", "after it has forgotten a call");
    }
    begin();
    EXPECT("R3", fail("puppet", 1, PUPPET_FORGETS, 1), 1, "a call that puppet forgets once");
    expect_ms("R3", 235, 300 + SLACK, "a call that puppet forgets once (patience 240)");

    be_quiet();
    keeper = counts_of("keeper");
    puppet = counts_of("puppet");
    EXPECT("R3", tell("keeper", SLEEP, 490), 0, "SLEEP of keeper for 490 ms (patience 500)");
    EXPECT("R3", tell("puppet", SLEEP, 230), 0, "SLEEP of puppet for 230 ms (patience 240)");
    EXPECT("R3", tell("sleeper", SLEEP, 1500), 0, "SLEEP of sleeper for 1500 ms (patience -)");
    EXPECT("R3", tell("keeper", WAIT, 900), 0, "WAIT of keeper for sleeper, 900 ms");
    EXPECT("R3", tell("puppet", WAIT, 700), 0, "WAIT of puppet for sleeper, 700 ms");
    pid_t other = go_on("keeper");
    EXPECT("R3", tell("keeper", SLEEP, 1000), 0, "SLEEP of keeper for 1000 ms, with other calls");
    expect_all_right("R3", other, "keeper");
    expect_counts("R3", "keeper", keeper, 0, 0, "it has slept within its patience");
    expect_counts("R3", "puppet", puppet, 0, 0, "it has slept within its patience");
}

static void test_patience(void)
{
    be_quiet();
    struct counts before = counts_of("hasty");
    /* 50, 100, 200, 400, 800 and 800 ms: 1 + 2 + 4 + 7 + 14 + 14 looks, and 100 ms of back-off */
    begin();
    EXPECT("R4", fail("hasty", 1, PUPPET_FORGETS, 6), 6, "a call that hasty forgets six times");
    expect_ms("R4", 42 * LOOK, 48 * LOOK + 160 + SLACK,
              "a call that hasty forgets six times (patience 50)");
    expect_counts("R4", "hasty", before, 0, 6, "it has forgotten a call six times");
    for (unsigned i = 2; i < 4; i++) {
        be_quiet();
        begin();
        EXPECT("R4", fail("hasty", i, PUPPET_FORGETS, 1), 1, "a call that hasty forgets once");
        expect_ms("R4", LOOK - 5, 2 * LOOK + SLACK,
                  "a call that hasty forgets, after it was at rest");
    }
}

/* ---- deaths ---- */

static void test_request(void)
{
    be_quiet();
    static const enum puppet_fails how[] = { PUPPET_FAULTS, PUPPET_FAULTS, PUPPET_QUITS };
    pid_t beside = go_on("puppet"), another = go_on("keeper");
    for (unsigned i = 0; i < 3; i++) {
        struct counts before = counts_of("puppet");
        EXPECT("R5", fail("puppet", 1, how[i], 0), -EIO, "a call that always kills puppet");
        expect_counts("R5", "puppet", before, 2, 0, "by a call that always kills it");
        be_quiet();
    }
    struct counts before = counts_of("puppet");
    for (unsigned key = 2; key < 5; key++)
        EXPECT("R5", fail("puppet", key, PUPPET_FAULTS, 1), 1, "a call that kills puppet once");
    expect_counts("R5", "puppet", before, 3, 0, "by three calls that kill it once");
    be_quiet();
    pid_t pid = fork(); /* the same words, by two callers */
    NEED(pid >= 0);
    if (!pid)
        _exit(fail("puppet", 6, PUPPET_FAULTS, 1) != 1);
    int status;
    NEED(waitpid(pid, &status, 0) == pid);
    EXPECT("R5", status, 0, "a call that kills puppet once, by another program");
    erase_store();
    EXPECT("R5", fail("puppet", 6, PUPPET_FAULTS, 1), 1,
           "the same call by this program: it kills puppet once, too");
    be_quiet();
    before = counts_of("puppet");
    EXPECT("R5", fail("puppet", 7, PUPPET_SPINS, 0), -EIO, "a call in which puppet always spins");
    expect_counts("R5", "puppet", before, 0, 2, "by a call in which it always spins");
    expect_all_right("R5", beside, "puppet");
    expect_all_right("R5", another, "keeper");
}

static void test_failing(void)
{
    static const enum puppet_fails how[] = { PUPPET_FAULTS, PUPPET_QUITS, PUPPET_FAULTS,
                                             PUPPET_FAULTS };
    pid_t beside = go_on("keeper");
    for (unsigned i = 0; i < 4; i++) {
        be_quiet();
        struct counts before = counts_of("keeper");
        EXPECT("R6", fail("keeper", i, how[i], 0), -EIO, "a call that always kills keeper");
        expect_counts("R6", "keeper", before, 2, 0, "by a call that always kills it");
        expect_echo("R6", "keeper", "after a call that kills it");
    }
    expect_all_right("R6", beside, "keeper");
}

/* A service that keeps state is given up, and started by command. */
static void lost(enum puppet_fails how, unsigned deaths)
{
    be_quiet();
    struct counts before = counts_of("keeper");
    EXPECT("R7", fail("keeper", 1, how, 0), -ENXIO, "a call in which keeper %s", ways[how]);
    expect_counts("R7", "keeper", before, deaths, 0, "until it was given up");
    EXPECT("R7", tell("keeper", ECHO, 5), -ENXIO, "ECHO of keeper, which is given up");
    expect_echo("R7", "puppet", "when keeper is given up");
    manage("start keeper\n");
    expect_echo("R7", "keeper", "which was started again");
}

static void test_lost(void)
{
    for (unsigned i = 0; i < 2; i++) {
        lost(PUPPET_DEAF, 4);
        lost(PUPPET_SPOILS, 1);
    }
}

static void test_hangs(void)
{
    for (unsigned i = 0; i < 2; i++) {
        be_quiet();
        struct counts before = counts_of("keeper");
        begin();
        EXPECT("R8", fail("keeper", i, PUPPET_SPINS, 0), -EIO,
               "a call in which keeper always spins");
        expect_counts("R8", "keeper", before, 0, 3, "by a call in which it always spins");
        expect_ms("R1", 3 * 4 * LOOK - 5, 3 * 5 * LOOK + SLACK,
                  "a call in which keeper always spins");
    }
}

/* How long the nth death of a row puts off the start, in ms. */
static unsigned wait_of(unsigned n) { return n <= 3 ? 0 : 50u << (n - 3 < 4 ? n - 3 : 4); }

/* The nth death of a row. */
static void die_in_row(unsigned key, unsigned n)
{
    char done[80];
    unsigned wait = wait_of(n);
    snprintf(done, sizeof done, "a call that kills puppet once, which is death %u of a row", n);
    begin();
    EXPECT("R9", fail("puppet", key, PUPPET_FAULTS, 1), 1, "%s", done);
    expect_ms("R9", wait, wait + (wait ? LOOK : 0) + SLACK, done);
}

static void test_row(void)
{
    be_quiet();
    for (unsigned n = 1; n <= 10; n++)
        die_in_row(n, n);
    pid_t pid = fork(); /* it is started by command before its time */
    NEED(pid >= 0);
    if (!pid)
        _exit(fail("puppet", 11, PUPPET_FAULTS, 1) != 1);
    pause_ms(100);
    manage("restart puppet\n");
    int status;
    NEED(waitpid(pid, &status, 0) == pid);
    EXPECT("R9", status, 0, "a call that kills puppet once; puppet is started before its time");
    die_in_row(12, 12);
    be_quiet();
    for (unsigned n = 1; n <= 4; n++) {
        die_in_row(20 + n, n);
        pause_ms(n < 4 ? 380 : QUIET);
    }
    die_in_row(30, 1);
}

static void test_birth(void)
{
    be_quiet();
    struct counts before = counts_of("puppet");
    spoil_starts(5);
    begin();
    manage("restart puppet\n");
    expect_echo("R10", "puppet", "which comes up at the sixth attempt");
    expect_ms("R10", 300, 300 + 2 * LOOK + SLACK, "a call of puppet, which comes up at last");
    expect_counts("R10", "puppet", before, 5, 0, "until it has come up");

    be_quiet();
    before = counts_of("puppet");
    spoil_starts(40);
    begin();
    manage("restart puppet\n");
    EXPECT("R10", tell("puppet", ECHO, 1), -ENXIO, "ECHO of puppet, which never comes up");
    expect_ms("R10", 2300, 2300 + 5 * LOOK + SLACK, "a call of puppet, which never comes up");
    expect_counts("R10", "puppet", before, 9, 0, "until it was given up");
    spoil_starts(0);
    manage("start puppet\n");
    expect_echo("R10", "puppet", "which was started again");

    be_quiet();
    EXPECT("R7", fail("keeper", 1, PUPPET_SPOILS, 0), -ENXIO, "a call in which keeper spoils");
    before = counts_of("keeper");
    spoil_starts(2);
    manage("start keeper\n");
    expect_echo("R10", "keeper", "which comes up at the third attempt");
    expect_counts("R10", "keeper", before, 2, 0, "until it has come up");
}

static void test_command(void)
{
    be_quiet();
    struct counts before = counts_of("keeper");
    manage("storm %u 8000000 keeper\n", 1 + lab_below(1000));
    /* the gaps between kills are now short and now long */
    for (unsigned i = 0; i < 80 && counts_of("keeper").deaths < before.deaths + 6; i++)
        EXPECT("R11", tell("keeper", WORK, turns(20)), 0, "WORK of keeper, which is killed");
    manage("storm 1 0 keeper\n");
    NEED(counts_of("keeper").deaths - before.deaths >= 6);
    begin();
    for (unsigned i = 0; i < 10; i++) {
        manage("kill puppet\n");
        expect_echo("R11", "puppet", "which was killed by command");
    }
    expect_ms("R11", 0, 10 * SLACK, "puppet killed by command and called, ten times");
    die_in_row(1, 1);
    for (unsigned n = 2; n <= 4; n++)
        die_in_row(n, n);
    manage("stop puppet\n");
    manage("start puppet\n");
    begin();
    EXPECT("R11", fail("puppet", 5, PUPPET_FAULTS, 1), 1,
           "a call that kills puppet once, after it was stopped and started by command");
    expect_ms("R11", 0, SLACK, "the first death after a start by command");
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "spin", test_spin },         { "busy", test_busy },       { "asleep", test_asleep },
        { "patience", test_patience }, { "request", test_request }, { "failing", test_failing },
        { "lost", test_lost },         { "hangs", test_hangs },     { "row", test_row },
        { "birth", test_birth },       { "command", test_command }, { 0 },
    };
    erase_store();
    turns(1);
    return lab_main(argc, argv, tests);
}
