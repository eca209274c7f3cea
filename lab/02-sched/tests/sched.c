/* sched TEST SEED: programs that compute, sleep, come and go, and what the kernel says of them
 * meanwhile: their priority, quantum and processor time. The policy has no say in that. */
#define _GNU_SOURCE
#include "labtest.h"
#include "../../gate/gate.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* times in microseconds */
enum { MS = 1000, LEVEL_1 = 8, LEVEL_3 = 10, WINNER = 14, POOL = 15, JOBS = 8, LOOK = 10 * MS };

struct row {
    int ready, priority, base;
    long quantum, cpu;
};

static struct job {
    pid_t pid;
    unsigned thread;
    int nice;
    struct row now, before;
} jobs[JOBS];
static unsigned count;
static int gate;

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000l + t.tv_nsec / 1000;
}

static void stop_all(void)
{
    for (unsigned i = 0; i < count; i++) {
        kill(jobs[i].pid, SIGKILL);
        waitpid(jobs[i].pid, NULL, 0);
    }
    count = 0;
}

static void stop_last(void)
{
    count--;
    kill(jobs[count].pid, SIGKILL);
    waitpid(jobs[count].pid, NULL, 0);
}

/* The number of a process's thread, as the kernel counts them. */
static unsigned thread_of(pid_t pid)
{
    char line[256], name[32];
    unsigned thread = 0;
    FILE *file = fopen("/proc/minnow/sched", "r");
    NEED(file);
    snprintf(name, sizeof name, "[%d]", pid);
    while (fgets(line, sizeof line, file))
        if (strstr(line, name))
            NEED(sscanf(line, "%u", &thread) == 1);
    fclose(file);
    NEED(thread);
    return thread;
}

/* Another one that computes for ever; with `nap`, it sleeps so long once, when it has computed for
 * `first`. */
static struct job *hog(int nice, long first, long nap)
{
    struct job *j = &jobs[count++];
    *j = (struct job){ .nice = nice };
    NEED((j->pid = fork()) >= 0);
    if (j->pid) {
        j->thread = thread_of(j->pid);
        return j;
    }
    struct timespec used;
    if (nice)
        setpriority(PRIO_PROCESS, 0, nice);
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while (!nap || used.tv_sec * 1000000l + used.tv_nsec / 1000 < first);
    usleep(nap);
    for (;;)
        ;
}

/* Reads what the kernel says of all jobs. It must cost little: the policy takes this program for
 * one that computes, too. */
static void look(void)
{
    struct gate_sched list;
    int n = ioctl(gate, GATE_SCHED, &list);
    NEED(n > 0);
    for (unsigned i = 0; i < count; i++) {
        int k = 0;
        while (k < n && list.threads[k].thread != jobs[i].thread)
            k++;
        NEED(k < n);
        const struct sched_info *t = &list.threads[k];
        jobs[i].before = jobs[i].now;
        jobs[i].now = (struct row){ t->ready, t->priority, t->base, t->quantum / 1000,
                                    t->cpu_ns / 1000 };
    }
}

static void wait_look(void)
{
    usleep(LOOK);
    look();
}

static bool pooled(const struct row *r) { return r->priority >= WINNER; }

static bool all_pooled(void)
{
    for (unsigned i = 0; i < count; i++)
        if (!pooled(&jobs[i].now) || !pooled(&jobs[i].before))
            return false;
    return true;
}

/* All jobs are in the pool, since at least two looks. */
static void until_pooled(const char *requirement)
{
    for (long end = now() + 1500 * MS; !all_pooled(); wait_look())
        if (now() > end)
            lab_fail(requirement, "all of them in the pool at some time", "1.5 s have passed",
                     "let %u programs compute", count);
}

/* A value in words: the format has one %ld. */
static const char *number(const char *format, long value)
{
    static char text[4][64];
    static unsigned next;
    snprintf(text[next++ % 4], sizeof text[0], format, value);
    return text[(next - 1) % 4];
}

/* Nobody computes until a lift that is still due has passed. */
static void settle(void) { usleep(1200 * MS); }

/* ---- feedback ---- */

static long quantum_of(int priority) { return (4 * MS) << (priority - LEVEL_1); }

/* A new thread goes on with what is left of its creator's quantum, so only those levels must last
 * their quantum whose beginning was seen. */
static void levels(void)
{
    int last = 0, first = 0;
    /* the processor time at which it was seen last on the level before this one, and on this one */
    long since = 0, before = 0;
    settle();
    struct job *j = hog(0, 0, 0);
    hog(0, 0, 0);
    for (long end = now() + 700 * MS; now() < end && last < WINNER;) {
        usleep(2 * MS);
        look();
        int p = j->now.priority;
        if (!j->now.quantum)
            continue; /* it has not asked yet */
        if (p < last)
            lab_fail("R2", "it only sinks", number("it rose to %ld", p),
                     "watched a computing program at priority %d", last);
        if (p > LEVEL_3 && p < WINNER)
            lab_fail("R1", "priorities 8, 9, 10, 14 and 15 only", number("priority %ld", p),
                     "watched a computing program");
        if (p <= LEVEL_3) {
            if (j->now.quantum != quantum_of(p))
                lab_fail(p == LEVEL_1 ? "R1" : "R2", number("%ld us", quantum_of(p)),
                         number("%ld us", j->now.quantum),
                         "looked at the quantum of a program of priority %d", p);
            if (p > last + 1 && last)
                lab_fail("R2", "one level at a time", number("then %ld", p),
                         "watched a computing program at priority %d", last);
        }
        if (last && p != last) {
            if (last != first && j->now.cpu - since < quantum_of(last))
                lab_fail("R2", number("at least %ld us", quantum_of(last)),
                         number("%ld us", j->now.cpu - since),
                         "measured how long a program computed at priority %d", last);
            since = before;
        }
        first = first ? first : p;
        before = j->now.cpu;
        last = p;
    }
    if (last < WINNER)
        lab_fail("R3", "priority 14 or 15", number("priority %ld", last),
                 "let two programs compute for 700 ms");
    /* what is left of the creator's quantum, then that of each level */
    if (j->now.cpu < quantum_of(LEVEL_1) + quantum_of(LEVEL_1 + 1) + quantum_of(LEVEL_3))
        lab_fail("R1", "at least 28 ms, the quanta of all three levels",
                 number("%ld us", j->now.cpu),
                 "looked at the processor time of a program that has come into the pool");
    if (j->now.cpu > 60 * MS)
        lab_fail("R3", "about 28 ms, the quanta of all three levels", number("%ld us", j->now.cpu),
                 "looked at the processor time of a program that has come into the pool");
    stop_all();
}

static void lifted(void)
{
    long lifts = 0, first = 0, previous = 0, entered = 0;
    settle();
    hog(0, 0, 0), hog(5, 0, 0);
    look();
    for (long end = now() + 2600 * MS; now() < end; wait_look()) {
        if (!entered && pooled(&jobs[0].now))
            entered = now();
        bool rose = pooled(&jobs[0].before) && jobs[0].now.priority <= LEVEL_3;
        if (!rose)
            continue;
        if (jobs[1].now.priority > LEVEL_3)
            lab_fail("R4", "both at level 1 again",
                     number("the other's priority is %ld", jobs[1].now.priority),
                     "watched two computing programs being lifted");
        if (!first)
            first = now() - entered;
        else if (now() - previous < 900 * MS)
            lab_fail("R4", "at least a second from lift to lift",
                     number("%ld us", now() - previous),
                     "watched two computing programs for 2.6 s");
        previous = now();
        lifts++;
    }
    if (!lifts || first > 1200 * MS || first < 800 * MS)
        lab_fail("R4", "a lift one second after the first came into the pool",
                 lifts ? number("%ld us", first) : "none",
                 "watched two computing programs for 2.6 s");
    EXPECT("R4", lifts, 2, "counted the lifts in 2.6 s");
    stop_all();
}

static void quiet(void)
{
    hog(0, 0, 0), hog(0, 0, 0);
    until_pooled("R3");
    stop_all();
    settle();
    long before = lab_messages("sched");
    usleep(2600 * MS);
    if (lab_messages("sched") > before + 1)
        lab_fail("R5", "none", number("%ld messages", lab_messages("sched") - before),
                 "let nobody compute for 2.6 s, and counted what the policy is sent");
}

/* ---- the pool ---- */

/* Adds to got[] what each job had of the processor between the last two looks; the sum of that. */
static long add_last(long *got)
{
    long sum = 0;
    for (unsigned i = 0; i < count; i++) {
        got[i] += jobs[i].now.cpu - jobs[i].before.cpu;
        sum += jobs[i].now.cpu - jobs[i].before.cpu;
    }
    return sum;
}

/* Processor time of each job while all were in the pool, for so long altogether; `sum` of that has
 * been had already. */
static void measure_on(long *got, long sum, long wanted)
{
    for (long end = now() + 4 * wanted + 1000 * MS; sum < wanted && now() < end;) {
        wait_look();
        if (all_pooled())
            sum += add_last(got);
    }
    if (sum < wanted)
        lab_fail("R3", "computing programs stay in the pool until the next lift",
                 number("%ld us there", sum), "let %u programs compute", count);
}

static void measure(long *got, long wanted)
{
    memset(got, 0, JOBS * sizeof *got);
    look();
    measure_on(got, 0, wanted);
}

static void shares(void)
{
    static const int nices[] = { -20, -10, 0, 5, 10, 19 };
    int tickets = 0;
    long got[JOBS], sum = 0;
    unsigned a = lab_below(6), b = (a + 1 + lab_below(5)) % 6;
    hog(nices[a], 0, 0), hog(nices[b], 0, 0), hog(0, 0, 0);
    measure(got, 1200 * MS);
    for (unsigned i = 0; i < count; i++)
        tickets += 16 - jobs[i].now.base, sum += got[i];
    for (unsigned i = 0; i < count; i++) {
        long fair = sum * (16 - jobs[i].now.base) / tickets;
        if (labs(got[i] - fair) > fair / 10 + 25 * MS)
            lab_fail("R6", number("about %ld us", fair), number("%ld us", got[i]),
                     "let programs of nice %d, %d and 0 compute, and measured the one of %d in the "
                     "pool: %d of %d tickets",
                     jobs[0].nice, jobs[1].nice, jobs[i].nice, 16 - jobs[i].now.base, tickets);
    }
    stop_all();
}

static void smooth(void)
{
    struct job *strong = hog(-20, 0, 0), *weak = hog(10, 0, 0); /* 8 tickets and 2 */
    long since = 0, seen = -1;
    (void)strong;
    until_pooled("R3");
    for (long end = now() + 800 * MS; now() < end; wait_look()) {
        if (!all_pooled() || weak->now.cpu != seen) {
            seen = weak->now.cpu;
            since = now();
        } else if (now() - since > 85 * MS) {
            lab_fail("R7", "a turn of 10 ms in every 50 ms",
                     number("none for %ld us", now() - since),
                     "watched a program with 2 of 10 tickets in the pool");
        }
    }
    stop_all();
}

/* Who joins two that compute gets about a third of the next 300 ms in the pool. They begin with the
 * look before the one that has found it there: who takes all for himself leaves this program no
 * time for another look. */
static void joins(const char *requirement, struct job *j, const char *who)
{
    long end = now() + 2500 * MS, got[JOBS] = { 0 };
    while (!(all_pooled() && j->now.ready) && now() < end)
        wait_look();
    measure_on(got, add_last(got), 300 * MS);
    long mine = got[j - jobs];
    if (mine > 150 * MS || mine < 50 * MS)
        lab_fail(requirement, "about 100 ms", number("%ld us", mine),
                 "measured 300 ms of the pool: two programs that compute, and %s", who);
    stop_all();
}

static void newcomer(void)
{
    settle();
    hog(0, 0, 0), hog(0, 0, 0);
    long got[JOBS];
    measure(got, 350 * MS); /* all is over before the lift, after which turns are counted anew */
    joins("R8", hog(0, 0, 0), "one that has just come");
}

static void sleeper(void)
{
    settle();
    hog(0, 0, 0), hog(0, 0, 0);
    struct job *j = hog(0, 40 * MS, 350 * MS);
    long end = now() + 1500 * MS;
    until_pooled("R3");
    while (j->now.ready && now() < end)
        wait_look();
    while (!j->now.ready && now() < end)
        wait_look();
    NEED(now() < end);
    joins("R9", j, "one that has slept for 350 ms");
}

static void *nothing(void *unused) { return unused; }

/* Threads come and go until the next one's number is a little below this one: the kernel gives each
 * number once before it begins anew. Steps are short, since numbers in use are leapt over. */
static void come_near(unsigned thread)
{
    enum { NUMBERS = 4096, NEAR = 8, AT_ONCE = 256 };
    for (;;) {
        unsigned left = (thread - hog(0, 0, 0)->thread) % NUMBERS;
        stop_last();
        if (left < NEAR)
            return;
        for (unsigned i = 0; i < left / 4 && i < AT_ONCE; i++) {
            pthread_t t;
            NEED(!pthread_create(&t, NULL, nothing, NULL) && !pthread_join(t, NULL));
        }
    }
}

/* Another comes into the pool and ends before it has had anything there, and its number is used
 * again when the others have had much. */
static void number_again(void)
{
    long got[JOBS];
    settle();
    hog(0, 0, 0), hog(0, 0, 0);
    struct job *j = hog(0, 0, 0);
    unsigned thread = j->thread;
    for (long end = now() + 900 * MS; !pooled(&j->now) && now() < end; usleep(2 * MS))
        look();
    stop_last();
    measure(got, 350 * MS);
    stop_all();
    come_near(thread);
    settle();
    hog(0, 0, 0), hog(0, 0, 0);
    measure(got, 100 * MS);
    for (unsigned tries = 0; (j = hog(0, 0, 0))->thread != thread; tries++) {
        NEED(tries < 20);
        stop_last();
    }
    joins("R10", j, "one whose thread has the number of one that has ended");
}

static void churn(void)
{
    long got[JOBS];
    for (int i = 0; i < 12; i++) {
        hog(0, 0, 0), hog(i & 1 ? 19 : -20, 0, 0);
        usleep((70 + lab_below(60)) * MS);
        stop_all();
    }
    hog(0, 0, 0), hog(0, 0, 0);
    measure(got, 400 * MS);
    if (labs(got[0] - got[1]) > 100 * MS)
        lab_fail("R10", "about the same", number("a difference of %ld us", labs(got[0] - got[1])),
                 "let two programs compute after 24 others had come and gone");
    stop_all();
    number_again();
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "levels", levels },   { "lifted", lifted }, { "quiet", quiet },
        { "shares", shares },   { "smooth", smooth }, { "newcomer", newcomer },
        { "sleeper", sleeper }, { "churn", churn },   { NULL, NULL },
    };
    NEED((gate = open("/dev/gate", O_RDWR)) >= 0);
    return lab_main(argc, argv, tests);
}
