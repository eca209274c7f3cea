/* The tests of lab 09: ordinary programs that use semaphores of System V. Most tests only say what
 * they see: the same program said it on Linux, and the two are compared. sem TEST SEED
 *
 * On Linux (LAB_ROOT is set) each test has semaphores of its own, for which it must be root's. */
#define _GNU_SOURCE
#include "labtest.h"

#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SETS_MAX = 32 }; /* of sem.h, as the next one of minnow/sysv.h */
enum { EACH = 250, OPERATIONS = 500 };

static bool on_linux;

/* ---- saying what is seen ---- */

/* For what gives an id, which is nobody's business. */
static int say_id(int id, const char *what)
{
    say(id < 0 ? -1 : 0, "%s (0: an id)", what);
    return id;
}

/* ---- semaphores ---- */

union semun {
    int value;
    struct semid_ds *stat;
    unsigned short *array;
};

static int key_base; /* so that no two tests have the same keys */

/* A new set, which must come; its semaphores get these values. */
static int new_set(int count, const unsigned short *values)
{
    int id = semget(IPC_PRIVATE, count, 0600);
    if (id < 0)
        say(-1, "semget of a new private set of %d", count);
    if (values && semctl(id, 0, SETALL, (union semun){ .array = (void *)values }) < 0)
        say(-1, "SETALL of a new set");
    return id;
}

static long value(int id, int number) { return semctl(id, number, GETVAL); }
static void set(int id, int number, int to)
{
    say(semctl(id, number, SETVAL, (union semun){ .value = to }), "SETVAL semaphore %d to %d",
        number, to);
}
static void remove_set(int id) { say(semctl(id, 0, IPC_RMID), "IPC_RMID"); }

static void say_values(int id, int count)
{
    printf("values of the set =");
    for (int i = 0; i < count; i++) {
        long v = value(id, i);
        if (v < 0)
            printf(" %s", strerror(errno));
        else
            printf(" %ld", v);
    }
    printf("\n");
}

#define OPS(...)                            \
    (const struct sembuf[]){ __VA_ARGS__ }, \
        sizeof((const struct sembuf[]){ __VA_ARGS__ }) / sizeof(struct sembuf)

static int operate(int id, const struct sembuf *o, size_t count)
{
    return semop(id, (struct sembuf *)o, count);
}

static const char *words(const struct sembuf *o, size_t count)
{
    static char text[400];
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < count && at < sizeof text - 60; i++)
        at += snprintf(text + at, sizeof text - at, "%s%d:%+d%s%s", i ? ", " : "", o[i].sem_num,
                       o[i].sem_op, o[i].sem_flg & IPC_NOWAIT ? " NOWAIT" : "",
                       o[i].sem_flg & SEM_UNDO ? " UNDO" : "");
    return text;
}

static int say_operate(int id, const struct sembuf *o, size_t count)
{
    return say(operate(id, o, count), "semop {%s}", words(o, count));
}

/* ---- processes that wait ---- */

struct process {
    pid_t pid;
    const char *name;
    bool ended;
    int status;
};

/* The parent learns here how far a process has come. */
static volatile struct shared {
    int stage;
    int eating[8];
    char room[64];
} * shared;

/* Long enough for everybody to come to rest. */
static void calm(void) { usleep(on_linux ? 40000 : 3000); }

/* Within 300 ms. */
static void until_stage(int stage)
{
    for (int i = 0; i < (on_linux ? 10000 : 600) && shared->stage < stage; i++)
        usleep(500);
}

static struct process start(const char *name, void (*run)(void *), void *argument)
{
    fflush(stdout);
    shared->stage = 0;
    pid_t pid = fork();
    NEED(pid >= 0);
    if (!pid) {
        run(argument);
        _exit(0);
    }
    return (struct process){ pid, name, false, 0 };
}

struct semop_call {
    int id;
    const struct sembuf *o;
    size_t count;
    const struct timespec *limit;
};

static void run_semop(void *argument)
{
    const struct semop_call *c = argument;
    shared->stage = 1;
    int result = semtimedop(c->id, (struct sembuf *)c->o, c->count, c->limit);
    _exit(result < 0 ? errno : 0);
}

/* A process that makes one semop, and says by its exit status what came of it. */
static struct process start_limited(const char *name, const struct timespec *limit, int id,
                                    const struct sembuf *o, size_t count)
{
    struct semop_call c = { id, o, count, limit };
    struct process p = start(name, run_semop, &c);
    until_stage(1);
    calm();
    return p;
}

static struct process start_semop(const char *name, int id, const struct sembuf *o, size_t count)
{
    return start_limited(name, NULL, id, o, count);
}

static bool ended(struct process *p)
{
    if (!p->ended && waitpid(p->pid, &p->status, WNOHANG) == p->pid)
        p->ended = true;
    return p->ended;
}

static void say_waits(struct process *p)
{
    calm();
    say(!ended(p), "whether %s still waits", p->name);
}

/* How it has ended, within 300 ms. */
static void say_end(struct process *p)
{
    for (int i = 0; i < (on_linux ? 10000 : 300) && !ended(p); i++)
        usleep(1000);
    if (!p->ended)
        printf("the end of %s = it still waits\n", p->name);
    else if (WIFSIGNALED(p->status))
        printf("the end of %s = signal %d\n", p->name, WTERMSIG(p->status));
    else
        printf("the end of %s = %s\n", p->name,
               WEXITSTATUS(p->status) ? strerror(WEXITSTATUS(p->status)) : "0");
}

static void kill_process(struct process *p)
{
    kill(p->pid, SIGKILL);
    NEED(p->ended || waitpid(p->pid, &p->status, 0) == p->pid);
    p->ended = true;
    printf("%s is killed\n", p->name);
}

/* ---- without waiting ---- */

static void test_get(void)
{
    int key = key_base, id, other;
    say_id(semget(key, 1, 0600), "semget of a key that nobody has, without IPC_CREAT");
    id = say_id(semget(key, 3, IPC_CREAT | 0600), "semget of it with IPC_CREAT");
    say(semget(key, 3, 0600) == id, "whether semget of the key finds that id");
    say(semget(key, 0, 0) == id, "whether it does with a count of 0");
    say(semget(key, 2, IPC_CREAT | 0600) == id, "whether it does with IPC_CREAT and fewer");
    say_id(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600), "semget of it with IPC_CREAT | IPC_EXCL");
    say(semget(key, 3, IPC_EXCL | 0600) == id, "whether IPC_EXCL alone finds it");
    other = say_id(semget(key + 1, 1, IPC_CREAT | IPC_EXCL | 0600), "semget of another key");
    say(other != id, "whether that id is another one");
    int below = say_id(semget(-key, 1, IPC_CREAT | IPC_EXCL | 0600), "semget of a key below 0");
    say(semget(-key, 0, 0) == below, "whether semget of the key finds it");
    int a = say_id(semget(IPC_PRIVATE, 1, 0600), "semget of IPC_PRIVATE");
    int b = say_id(semget(IPC_PRIVATE, 1, 0600), "semget of IPC_PRIVATE, once more");
    say(a != b && a != id && b != id && a != other, "whether each id is another one");
    int all[] = { id, other, below, a, b };
    for (int i = 0; i < 5; i++) { /* as far as that is there already */
        operate(all[i], OPS({ 0, 1, IPC_NOWAIT }));
        semctl(all[i], 0, IPC_RMID);
    }
}

static void test_values(void)
{
    enum { COUNT = 5 };
    unsigned short some[COUNT], got[COUNT + EACH];
    int id = new_set(COUNT, NULL);
    say_values(id, COUNT);
    for (int i = 0; i < 6; i++)
        set(id, lab_below(COUNT), lab_below(3) ? lab_below(32768) : 32767);
    say_values(id, COUNT);
    set(id, 1, 7);
    set(id, 1, 32768);
    set(id, 1, -1);
    set(id, 1, 1 << 16);
    set(id, COUNT, 1);
    set(id, -1, 1);
    set(id, COUNT, 32768);
    say(semctl(id ^ 1 << 30, 0, SETVAL, (union semun){ .value = 32768 }),
        "SETVAL to 32768 of an id that nobody has");
    say(value(id, COUNT), "GETVAL of semaphore %d of %d", COUNT, COUNT);
    say(value(id, -1), "GETVAL of semaphore -1");
    for (int i = 0; i < COUNT; i++)
        some[i] = lab_below(32768);
    say(semctl(id, 0, SETALL, (union semun){ .array = some }), "SETALL");
    say_values(id, COUNT);
    some[lab_below(COUNT - 1) + 1] = 32768;
    some[0] = 1;
    say(semctl(id, 0, SETALL, (union semun){ .array = some }), "SETALL with 32768 among them");
    say_values(id, COUNT);
    memset(got, 0xa5, sizeof got);
    say(semctl(id, 0, GETALL, (union semun){ .array = got }), "GETALL");
    int beyond = 0;
    for (int i = 0; i < COUNT; i++)
        say(got[i], "its value %d", i);
    for (int i = COUNT; i < COUNT + EACH; i++)
        beyond += got[i] != 0xa5a5;
    say(beyond, "how many numbers behind its array have changed");
    say(semctl(id, 0, 99), "semctl with a command that there is not");
    say(value(-1, 0), "GETVAL of the id -1");
    say(semctl(id ^ 1 << 30, 0, SETVAL, (union semun){ .value = 1 }),
        "SETVAL of an id that nobody has");
    remove_set(id);
}

static void test_remove(void)
{
    int key = key_base + 10;
    int id = say_id(semget(key, 1, IPC_CREAT | 0600), "semget of a key");
    set(id, 0, 5);
    remove_set(id);
    say(value(id, 0), "GETVAL of the removed set");
    say_operate(id, OPS({ 0, 1, 0 }));
    remove_set(id);
    say_id(semget(key, 1, 0600), "semget of the key without IPC_CREAT");
    int again = say_id(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600), "semget with IPC_EXCL");
    say(again != id, "whether the id is another one");
    say_values(again, 2);
    int beside = new_set(1, NULL);
    set(beside, 0, 9);
    remove_set(again);
    say(value(beside, 0), "GETVAL of a set beside it");
    remove_set(beside);
}

static void test_operate(void)
{
    enum { COUNT = 4 };
    unsigned short values[COUNT] = { 0 };
    int id = new_set(COUNT, values), a = 1 + lab_below(100), b = 1 + lab_below(100);
    say_operate(id, OPS({ 0, a, 0 }));
    say_operate(id, OPS({ 1, b, 0 }, { 2, 5, 0 }));
    say_values(id, COUNT);
    say_operate(id, OPS({ 0, -a, 0 }));
    say_operate(id, OPS({ 3, 0, 0 }, { 0, 0, 0 }));
    say_values(id, COUNT);
    printf("operations on one semaphore, in their order\n");
    say_operate(id, OPS({ 3, 2, 0 }, { 3, -1, 0 }, { 3, -1, 0 }, { 3, 0, 0 }, { 3, 4, 0 }));
    say_values(id, COUNT);
    say_operate(id, OPS({ 3, -5, IPC_NOWAIT }, { 3, 5, 0 }));
    say_operate(id, OPS({ 3, 0, IPC_NOWAIT }));
    printf("all or none\n");
    say_operate(id, OPS({ 1, 1, 0 }, { 2, -2, 0 }, { 3, -5, IPC_NOWAIT }));
    say_operate(id, OPS({ 1, -1, IPC_NOWAIT }, { 2, 0, IPC_NOWAIT }, { 3, 1, IPC_NOWAIT }));
    say_operate(id, OPS({ 1, 1, 0 }, { COUNT, 1, 0 }));
    say_operate(id, OPS({ 65535, -1, IPC_NOWAIT }));
    say_operate(id, OPS({ 3, -9, IPC_NOWAIT }, { COUNT, 1, 0 }));
    say_values(id, COUNT);
    set(id, 0, 32767);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_operate(id, OPS({ 1, 1, 0 }, { 0, -1, 0 }, { 0, 2, 0 }));
    say_operate(id, OPS({ 1, 32767, 0 }));
    say_values(id, COUNT);
    say_operate(id, OPS({ 0, -32767, 0 }));
    say_operate(id, OPS({ 0, -32768, IPC_NOWAIT }));
    say_values(id, COUNT);
    say(operate(-1, OPS({ 0, 1, 0 })), "semop of the id -1");
    remove_set(id);
}

static void test_bounds(void)
{
    int key = key_base + 20;
    say_id(semget(key, 0, IPC_CREAT | 0600), "semget of a new set of 0 semaphores");
    say_id(semget(IPC_PRIVATE, -1, 0600), "semget of -1");
    say_id(semget(IPC_PRIVATE, 100000, 0600), "semget of 100000");
    int id = say_id(semget(key, EACH, IPC_CREAT | 0600), "semget of 250");
    set(id, EACH - 1, 3);
    say_operate(id, OPS({ EACH - 1, -1, 0 }));
    say(value(id, EACH - 1), "GETVAL of the last");
    say_id(semget(key, 100000, 0600), "semget of its key with 100000");
    int small = say_id(semget(key + 1, 2, IPC_CREAT | 0600), "semget of 2");
    say_id(semget(key + 1, 3, IPC_CREAT | 0600), "semget of its key with 3");
    say_id(semget(key + 1, 3, IPC_CREAT | IPC_EXCL | 0600), "the same with IPC_EXCL");
    static struct sembuf many[OPERATIONS];
    for (int i = 0; i < OPERATIONS; i++)
        many[i] = (struct sembuf){ i % 2, 1 + i % 3, 0 };
    say(semop(small, many, OPERATIONS), "semop of %d operations", OPERATIONS);
    say_values(small, 2);
    remove_set(small);
    remove_set(id);
}

/* Not compared with Linux, which has room for more. */
static void test_full(void)
{
    int id[SETS_MAX];
    for (int i = 0; i < SETS_MAX; i++)
        EXPECT("R2", (id[i] = semget(IPC_PRIVATE, EACH, 0600)) < 0 ? -errno : 0, 0,
               "semget of set number %d of %d, each of %d semaphores (0: an id)", i + 1, SETS_MAX,
               EACH);
    EXPECT("R2", semget(IPC_PRIVATE, 1, 0600) < 0 ? -errno : 0, -ENOSPC, "semget of one set more");
    EXPECT("R2", semget(key_base, 1, 0600) < 0 ? -errno : 0, -ENOENT,
           "semget of a key that nobody has, without IPC_CREAT");
    int which = lab_below(SETS_MAX);
    EXPECT("R4", semctl(id[which], 0, IPC_RMID), 0, "IPC_RMID of one of them");
    int again = semget(IPC_PRIVATE, 1, 0600);
    EXPECT("R2", again < 0 ? -errno : 0, 0, "semget, now that there is room (0: an id)");
    EXPECT("R4", value(id[which], 0) < 0 ? -errno : 0, -EINVAL,
           "GETVAL of the id that was removed, when another set has come");
    EXPECT("R4", semctl(again, 0, IPC_RMID), 0, "IPC_RMID of the new one");
    for (int i = 0; i < SETS_MAX; i++)
        if (i != which)
            EXPECT("R4", semctl(id[i], 0, IPC_RMID), 0, "IPC_RMID of set number %d", i + 1);
}

/* Many random calls, none of which waits. */
static void test_model(void)
{
    enum { SETS = 3, COUNT = 4, STEPS = 120 };
    int id[SETS];
    for (int i = 0; i < SETS; i++)
        id[i] = new_set(COUNT, (unsigned short[COUNT]){ 0 });
    for (int step = 0; step < STEPS; step++) {
        int which = lab_below(SETS), number = lab_below(COUNT + 1);
        struct sembuf o[4];
        int count = 1 + lab_below(4);
        printf("step %d, set %d: ", step, which);
        switch (lab_below(6)) {
        case 0: say(value(id[which], number), "GETVAL of %d", number); break;
        case 1: set(id[which], number, lab_below(8)); break;
        default:
            for (int i = 0; i < count; i++)
                o[i] = (struct sembuf){ lab_below(20) ? lab_below(COUNT) : COUNT,
                                        (int)lab_below(9) - 3, IPC_NOWAIT };
            say_operate(id[which], o, count);
            say_values(id[which], COUNT);
        }
    }
    for (int i = 0; i < SETS; i++)
        remove_set(id[i]);
}

/* ---- with waiting ---- */

static void test_waits(void)
{
    int id = new_set(2, (unsigned short[]){ 0, 0 }), other = new_set(1, NULL);
    int n = 2 + lab_below(4);
    printf("A waits for a semaphore that is 0\n");
    struct process a = start_semop("A {0:-1}", id, OPS({ 0, -1, 0 }));
    say_waits(&a);
    say(value(id, 0), "GETVAL while A waits");
    say_operate(id, OPS({ 1, 1, 0 }));
    say_operate(other, OPS({ 0, 1, 0 }));
    say_waits(&a);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&a);
    say_values(id, 2);
    struct process b = start_semop("B", id, &(struct sembuf){ 0, -n, 0 }, 1);
    for (int i = 1; i < n; i++) {
        say_operate(id, OPS({ 0, 1, 0 }));
        say_waits(&b);
    }
    say_operate(id, OPS({ 0, 2, 0 }));
    say_end(&b);
    say_values(id, 2);
    struct process c = start_semop("C {0:-5}", id, OPS({ 0, -5, 0 }));
    set(id, 0, 4);
    say_waits(&c);
    set(id, 0, 6);
    say_end(&c);
    say_values(id, 2);
    struct process d = start_semop("D {0:-5}", id, OPS({ 0, -5, 0 }));
    say(semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 9, 9 } }), "SETALL");
    say_end(&d);
    say_values(id, 2);
    remove_set(other);
    remove_set(id);
}

/* Several operations: all or none, and nothing is held by who waits. */
static void test_together(void)
{
    int id = new_set(3, (unsigned short[]){ 1, 0, 0 });
    struct process a = start_semop("A {0:-1, 1:-1, 2:+1}", id,
                                   OPS({ 0, -1, 0 }, { 1, -1, 0 }, { 2, 1, 0 }));
    say_waits(&a);
    say_values(id, 3);
    say_operate(id, OPS({ 0, -1, IPC_NOWAIT }));
    say_operate(id, OPS({ 1, 1, 0 }));
    say_waits(&a);
    say_values(id, 3);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&a);
    say_values(id, 3);
    printf("the operation that cannot be done has no IPC_NOWAIT, but another one has\n");
    struct process b = start_semop("B {0:-1, 1:+1 NOWAIT}", id,
                                   OPS({ 0, -1, 0 }, { 1, 1, IPC_NOWAIT }));
    say_waits(&b);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&b);
    say_values(id, 3);
    printf("what one can do when it wakes may let another one go on\n");
    struct process c = start_semop("C {1:-3}", id, OPS({ 1, -3, 0 }));
    struct process d = start_semop("D {0:-1, 1:+2}", id, OPS({ 0, -1, 0 }, { 1, 2, 0 }));
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&c);
    say_end(&d);
    say_values(id, 3);
    printf("a wait that meets an error when its turn comes\n");
    struct process e = start_semop("E {0:-1, 1:+32767}", id, OPS({ 0, -1, 0 }, { 1, 32767, 0 }));
    set(id, 1, 1);
    say_waits(&e);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&e);
    say_values(id, 3);
    struct process f = start_semop("F {0:-2, 1:-2 NOWAIT}", id,
                                   OPS({ 0, -2, 0 }, { 1, -2, IPC_NOWAIT }));
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&f);
    say_values(id, 3);
    remove_set(id);
}

static void test_zero(void)
{
    int id = new_set(2, (unsigned short[]){ 2, 0 });
    say_operate(id, OPS({ 1, 0, 0 }));
    struct process a = start_semop("A {0:0}", id, OPS({ 0, 0, 0 }));
    struct process b = start_semop("B {0:0}", id, OPS({ 0, 0, 0 }));
    say_operate(id, OPS({ 0, -1, 0 }));
    say_waits(&a);
    say_operate(id, OPS({ 0, 3, 0 }));
    say_waits(&b);
    say_operate(id, OPS({ 0, -4, 0 }));
    say_end(&a);
    say_end(&b);
    say_values(id, 2);
    set(id, 0, 3);
    struct process c = start_semop("C {0:0, 1:+2}", id, OPS({ 0, 0, 0 }, { 1, 2, 0 }));
    say_values(id, 2);
    set(id, 0, 0);
    say_end(&c);
    say_values(id, 2);
    printf("a lock: who finds it 0 makes it 1\n");
    set(id, 0, 1);
    struct process d = start_semop("D {0:0, 0:+1}", id, OPS({ 0, 0, 0 }, { 0, 1, 0 }));
    struct process e = start_semop("E {0:0, 0:+1}", id, OPS({ 0, 0, 0 }, { 0, 1, 0 }));
    say_operate(id, OPS({ 0, -1, 0 }));
    say_end(&d);
    say_waits(&e);
    say_operate(id, OPS({ 0, -1, 0 }));
    say_end(&e);
    say_values(id, 2);
    remove_set(id);
}

static void test_line(void)
{
    enum { N = 5 };
    static const char *names[N] = { "first", "second", "third", "fourth", "fifth" };
    struct process p[N];
    int id = new_set(2, (unsigned short[]){ 0, 0 });
    for (int i = 0; i < N; i++) {
        p[i] = start_semop(names[i], id, OPS({ 0, -1, 0 }));
        usleep(lab_below(2000));
    }
    for (int i = 0; i < N;) {
        int at_once = i < N - 1 ? 1 + (int)lab_below(2) : 1;
        say_operate(id, &(struct sembuf){ 0, at_once, 0 }, 1);
        for (int k = 0; k < at_once && i < N; k++)
            say_end(&p[i++]);
        for (int k = i; k < N; k++)
            say_waits(&p[k]);
        say(value(id, 0), "GETVAL");
    }
    printf("who cannot go on does not stop those behind\n");
    set(id, 0, 0);
    struct process big = start_semop("big {0:-3}", id, OPS({ 0, -3, 0 }));
    struct process little = start_semop("little {0:-1}", id, OPS({ 0, -1, 0 }));
    struct process late = start_semop("late {0:-3}", id, OPS({ 0, -3, 0 }));
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&little);
    say_waits(&big);
    say_operate(id, OPS({ 0, 2, 0 }));
    say_waits(&big);
    say_operate(id, OPS({ 0, -1, IPC_NOWAIT }));
    say_operate(id, OPS({ 0, 2, 0 }));
    say_end(&big);
    say_waits(&late);
    say_operate(id, OPS({ 0, 3, 0 }));
    say_end(&late);
    printf("the older one goes first, though the younger one wants less\n");
    struct process two = start_semop("two {0:-2}", id, OPS({ 0, -2, 0 }));
    struct process one = start_semop("one {0:-1}", id, OPS({ 0, -1, 0 }));
    set(id, 0, 2);
    say_end(&two);
    say_waits(&one);
    set(id, 0, 1);
    say_end(&one);
    say_values(id, 2);
    remove_set(id);
}

static void test_removed(void)
{
    int id = new_set(2, (unsigned short[]){ 0, 1 }), other = new_set(1, NULL);
    struct process a = start_semop("A {0:-1}", id, OPS({ 0, -1, 0 }));
    struct process b = start_semop("B {1:0}", id, OPS({ 1, 0, 0 }));
    struct process c = start_semop("C {0:-1}, of another set", other, OPS({ 0, -1, 0 }));
    remove_set(id);
    say_end(&a);
    say_end(&b);
    say_waits(&c);
    say(value(id, 0), "GETVAL of the removed set");
    remove_set(other);
    say_end(&c);
}

static void say_counts(int id, int count)
{
    for (int i = 0; i < count; i++) {
        say(semctl(id, i, GETNCNT), "GETNCNT of semaphore %d", i);
        say(semctl(id, i, GETZCNT), "GETZCNT of semaphore %d", i);
    }
}

static void say_process(int id, int number, const struct process *child)
{
    int pid = semctl(id, number, GETPID);
    printf("GETPID of semaphore %d = %s\n", number,
           pid < 0                      ? strerror(errno)
           : !pid                       ? "nobody"
           : pid == getpid()            ? "the parent"
           : child && pid == child->pid ? "the child"
                                        : "another number");
}

static void test_who(void)
{
    int id = new_set(3, NULL);
    for (int i = 0; i < 3; i++)
        say_process(id, i, NULL);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_operate(id, OPS({ 1, 0, 0 }));
    for (int i = 0; i < 3; i++)
        say_process(id, i, NULL);
    struct process a = start_semop("A {2:+1}", id, OPS({ 2, 1, 0 }));
    say_end(&a);
    struct process b = start_semop("B {1:-1}", id, OPS({ 1, -1, 0 }));
    say_process(id, 2, &a);
    say_process(id, 1, &b);
    say_operate(id, OPS({ 1, 1, 0 }));
    say_end(&b);
    say_process(id, 1, &b);
    set(id, 1, 4);
    say_process(id, 1, &b);
    say_process(id, 2, &a);
    unsigned short all[3] = { 1, 2, 3 };
    say(semctl(id, 0, SETALL, (union semun){ .array = all }), "SETALL");
    say_process(id, 2, &a);
    say(semctl(id, 3, GETPID), "GETPID of semaphore 3 of 3");
    remove_set(id);
}

static void test_counts(void)
{
    int id = new_set(3, (unsigned short[]){ 0, 1, 1 });
    say_counts(id, 3);
    struct process a = start_semop("A {0:-1}", id, OPS({ 0, -1, 0 }));
    struct process b = start_semop("B {1:0}", id, OPS({ 1, 0, 0 }));
    struct process c = start_semop("C {2:-1, 0:-2, 1:0}", id,
                                   OPS({ 2, -1, 0 }, { 0, -2, 0 }, { 1, 0, 0 }));
    say_counts(id, 3);
    printf("C stops at its third operation now, and A goes on\n");
    say_operate(id, OPS({ 0, 3, 0 }));
    say_end(&a);
    say_counts(id, 3);
    kill_process(&c);
    say_counts(id, 3);
    set(id, 1, 0);
    say_end(&b);
    say_counts(id, 3);
    say(semctl(id, 3, GETNCNT), "GETNCNT of semaphore 3 of 3");
    remove_set(id);
}

static void test_dead(void)
{
    enum { N = 4 };
    static const char *names[N] = { "first", "second", "third", "fourth" };
    struct process p[N];
    int id = new_set(2, (unsigned short[]){ 0, 0 }), victims = 1 + lab_below(2);
    for (int i = 0; i < N; i++)
        p[i] = start_semop(names[i], id, OPS({ 0, -1, 0 }, { 1, 1, 0 }));
    for (int i = 0; i < victims; i++)
        kill_process(&p[i]);
    say_values(id, 2);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&p[victims]);
    say_values(id, 2);
    say_process(id, 0, &p[victims]);
    say_process(id, 1, &p[victims]);
    for (int i = victims + 1; i < N; i++)
        kill_process(&p[i]);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_values(id, 2);
    say_process(id, 0, &p[victims]);
    say_process(id, 1, &p[victims]);
    set(id, 0, 2);
    struct process zero = start_semop("zero {0:0, 1:+1}", id, OPS({ 0, 0, 0 }, { 1, 1, 0 }));
    kill_process(&zero);
    set(id, 0, 0);
    say_values(id, 2);
    remove_set(id);
}

static void caught(int signal) { (void)signal; }

static void run_caught(void *argument)
{
    struct sigaction act = { .sa_handler = caught, .sa_flags = SA_RESTART };
    sigaction(SIGUSR1, &act, NULL);
    act.sa_handler = SIG_IGN;
    sigaction(SIGUSR2, &act, NULL);
    run_semop(argument);
}

static void test_signal(void)
{
    int id = new_set(1, NULL);
    struct semop_call c = { id, OPS({ 0, -1, 0 }), NULL };
    struct process a = start("A {0:-1}", run_caught, &c);
    until_stage(1);
    calm();
    struct process b = start_semop("B {0:-1}", id, OPS({ 0, -1, 0 }));
    usleep(lab_below(3000));
    kill(a.pid, SIGUSR2);
    printf("A gets a signal that it ignores\n");
    say_waits(&a);
    kill(a.pid, SIGUSR1);
    printf("A gets a signal that it handles, with SA_RESTART\n");
    say_end(&a);
    say(semctl(id, 0, GETNCNT), "GETNCNT");
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&b);
    say(value(id, 0), "GETVAL");
    struct process d = start("D {0:-1}", run_caught, &c);
    until_stage(1);
    calm();
    kill(d.pid, SIGUSR1);
    say_end(&d);
    say_operate(id, OPS({ 0, 1, 0 }));
    say(value(id, 0), "GETVAL");
    remove_set(id);
}

static void test_limit(void)
{
    int id = new_set(1, NULL);
    struct timespec none = { 0, 0 }, t40 = { 0, 40000000 }, t120 = { 0, 120000000 };
    struct timespec begin, end;
    printf("a value that nobody raises\n");
    say(semtimedop(id, (struct sembuf[]){ { 0, -1, 0 } }, 1, &none), "semtimedop with no time");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    say(semtimedop(id, (struct sembuf[]){ { 0, -1, 0 } }, 1, &t120), "semtimedop for 120 ms");
    clock_gettime(CLOCK_MONOTONIC, &end);
    long ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    say(ms >= 119, "whether 120 ms have passed");
    say(ms < (on_linux ? 200 : 135), "whether not many more have");
    say_operate(id, OPS({ 0, 1, 0 }));
    say(value(id, 0), "GETVAL, with 1 for nobody");
    set(id, 0, 0);
    struct process long_one = start_limited("A, for 120 ms", &t120, id, OPS({ 0, -1, 0 }));
    struct process for_ever = start_semop("B, for ever", id, OPS({ 0, -1, 0 }));
    struct process short_one = start_limited("C, for 40 ms", &t40, id, OPS({ 0, -1, 0 }));
    if (!on_linux)
        usleep(50000);
    say_end(&short_one);
    say(!ended(&long_one) || on_linux, "whether A still waits");
    say_end(&long_one);
    say_waits(&for_ever);
    say(semctl(id, 0, GETNCNT), "GETNCNT");
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&for_ever);
    say(value(id, 0), "GETVAL");
    struct timespec minute = { 60, 0 };
    struct process lucky = start_limited("D, for a minute", &minute, id, OPS({ 0, -1, 0 }));
    say_waits(&lucky);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&lucky);
    struct process early = start_limited("E, for 40 ms", &t40, id, OPS({ 0, -1, 0 }));
    struct process later = start_limited("F, for a minute", &minute, id, OPS({ 0, -1, 0 }));
    say_end(&early);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_end(&later);
    say(semtimedop(id, (struct sembuf[]){ { 0, 2, 0 } }, 1, &none), "semtimedop that can be done");
    say(value(id, 0), "GETVAL");
    remove_set(id);
}

/* ---- SEM_UNDO ---- */

static int undo_id;

static void run_undone(void *how)
{
    shared->stage = 1;
    if (operate(undo_id, OPS({ 0, -2, SEM_UNDO }, { 1, 3, SEM_UNDO }, { 2, 1, 0 })) ||
        operate(undo_id, OPS({ 0, -1, SEM_UNDO }, { 1, -1, SEM_UNDO })))
        _exit(errno);
    shared->stage = 2;
    if (how)
        pause();
}

static void test_undo(void)
{
    int id = undo_id = new_set(3, (unsigned short[]){ 5, 5, 5 });
    struct process a = start("A", run_undone, NULL);
    say_end(&a);
    say_values(id, 3);
    struct process b = start("B", run_undone, "waits");
    until_stage(2);
    say_values(id, 3);
    kill_process(&b);
    say_values(id, 3);
    say_process(id, 0, &b);
    say_process(id, 2, &b);
    printf("what is given back lets others go on\n");
    struct process c = start("C", run_undone, "waits");
    until_stage(2);
    struct process d = start_semop("D {0:-4}", id, OPS({ 0, -4, 0 }));
    say_waits(&d);
    kill_process(&c);
    say_end(&d);
    say_values(id, 3);
    printf("a semop that has not been done is not undone\n");
    struct process e = start_semop("E {2:+1 UNDO, 0:-9 UNDO}", id,
                                   OPS({ 2, 1, SEM_UNDO }, { 0, -9, SEM_UNDO }));
    kill_process(&e);
    say_values(id, 3);
    struct process f = start_semop("F {0:-2 UNDO}", id, OPS({ 0, -2, SEM_UNDO }));
    say_waits(&f);
    say_operate(id, OPS({ 0, 2, 0 }));
    say_end(&f);
    say_values(id, 3);
    remove_set(id);
}

static void run_fork(void *unused)
{
    (void)unused;
    if (operate(undo_id, OPS({ 0, 1, SEM_UNDO })))
        _exit(errno);
    pid_t pid = fork();
    if (!pid)
        _exit(0);
    waitpid(pid, NULL, 0);
    shared->stage = 1;
    while (shared->stage < 2)
        usleep(500);
}

static void run_exec(void *unused)
{
    (void)unused;
    if (operate(undo_id, OPS({ 0, 1, SEM_UNDO })))
        _exit(errno);
    execl("/proc/self/exe", "sem", "nap", on_linux ? "300" : "40", NULL);
    _exit(127);
}

static void *one_more(void *unused)
{
    (void)unused;
    operate(undo_id, OPS({ 0, 1, SEM_UNDO }));
    return NULL;
}

static void *waits_for_two(void *unused)
{
    (void)unused;
    operate(undo_id, OPS({ 1, -2, 0 }));
    return NULL;
}

static void run_threads(void *unused)
{
    pthread_t thread;
    (void)unused;
    if (pthread_create(&thread, NULL, one_more, NULL) || pthread_join(thread, NULL))
        _exit(99);
    if (pthread_create(&thread, NULL, waits_for_two, NULL))
        _exit(99);
    usleep(on_linux ? 40000 : 3000);
    shared->stage = 1;
    while (shared->stage < 2)
        usleep(500);
}

static void test_heirs(void)
{
    int id = undo_id = new_set(2, (unsigned short[]){ 3, 0 });
    struct process a = start("A, which has a child", run_fork, NULL);
    until_stage(1);
    say(value(id, 0), "GETVAL after the child's end");
    shared->stage = 2;
    say_end(&a);
    say(value(id, 0), "GETVAL after A's end");
    struct process b = start("B, which runs another program", run_exec, NULL);
    calm(), calm(), calm();
    say(value(id, 0), "GETVAL while that runs");
    say_end(&b);
    say(value(id, 0), "GETVAL after its end");
    struct process c = start("C, which has threads", run_threads, NULL);
    until_stage(1);
    say(value(id, 0), "GETVAL after a thread's end");
    say(semctl(id, 1, GETNCNT), "GETNCNT: another thread waits");
    shared->stage = 2;
    say_end(&c);
    say(value(id, 0), "GETVAL after C's end");
    say(semctl(id, 1, GETNCNT), "GETNCNT after C's end");
    say_operate(id, OPS({ 1, 2, 0 }));
    say_values(id, 2);
    remove_set(id);
}

static int second_id = -1; /* whose semaphore 1 each process of run_sum() raises as well */

static void run_sum(void *argument)
{
    const short *change = argument;
    shared->stage = 1;
    if (second_id >= 0)
        operate(second_id, OPS({ 1, 1, SEM_UNDO }));
    for (; *change; change++)
        if (operate(undo_id, &(struct sembuf){ 0, *change, SEM_UNDO }, 1))
            _exit(errno);
    shared->stage = 2;
    while (shared->stage < 3)
        usleep(500);
}

static struct process start_sum(const char *name, const short *changes)
{
    struct process p = start(name, run_sum, (void *)changes);
    until_stage(2);
    say(value(undo_id, 0), "GETVAL while %s runs", name);
    return p;
}

static void say_sum_end(struct process *p)
{
    shared->stage = 3;
    say_end(p);
    say_values(undo_id, 2);
}

static void test_sums(void)
{
    int id = undo_id = new_set(2, (unsigned short[]){ 40, 4 });
    short some[5] = { 0 };
    for (int i = 0; i < 4; i++)
        some[i] = lab_below(2) ? 1 + (int)lab_below(20) : -1 - (int)lab_below(5);
    second_id = new_set(2, (unsigned short[]){ 0, 0 });
    struct process p = start_sum("A, which uses another set as well,", some);
    say(value(second_id, 1), "GETVAL of the other set");
    say_sum_end(&p);
    say(value(second_id, 1), "GETVAL of the other set");
    remove_set(second_id);
    second_id = -1;
    printf("values end at 0 and at 32767\n");
    p = start_sum("B", (short[]){ 10, 0 });
    set(id, 1, 7);
    say_operate(id, OPS({ 0, -45, 0 }));
    say_sum_end(&p);
    set(id, 0, 5);
    p = start_sum("C", (short[]){ -5, 0 });
    say_operate(id, OPS({ 0, 32765, 0 }));
    say_sum_end(&p);
    printf("SETVAL and SETALL forget what was to be undone\n");
    set(id, 0, 5);
    p = start_sum("D", (short[]){ -1, -1, 0 });
    set(id, 0, 5);
    say_sum_end(&p);
    p = start_sum("E", (short[]){ -3, 0 });
    set(id, 1, 1);
    say_sum_end(&p);
    p = start_sum("F", (short[]){ -3, 0 });
    say(semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 2, 2 } }), "SETALL");
    say_sum_end(&p);
    printf("a sum has its limits as well\n");
    set(id, 0, 0);
    p = start_sum("G", (short[]){ 32767, 0 });
    say_operate(id, OPS({ 0, -32767, 0 }));
    say_sum_end(&p);
    set(id, 0, 32767);
    p = start_sum("H", (short[]){ -32767, 0 });
    set(id, 1, 1);
    say_operate(id, OPS({ 0, 5, 0 }));
    say_sum_end(&p);
    set(id, 0, 32767);
    say_operate(id, OPS({ 0, -32767, SEM_UNDO }));
    say_operate(id, OPS({ 0, 5, 0 }));
    say_operate(id, OPS({ 1, 1, 0 }, { 0, -1, SEM_UNDO }));
    say_operate(id, OPS({ 0, 1, SEM_UNDO }));
    say_values(id, 2);
    set(id, 0, 0);
    say_operate(id, OPS({ 0, 32767, SEM_UNDO }));
    say_operate(id, OPS({ 0, -32767, 0 }));
    say_operate(id, OPS({ 0, 1, SEM_UNDO }));
    say_operate(id, OPS({ 0, 1, SEM_UNDO }));
    say_values(id, 2);
    say(operate(id, OPS({ 1, 1, SEM_UNDO }, { 1, 9, SEM_UNDO }, { 1, -12, IPC_NOWAIT | SEM_UNDO })),
        "semop with SEM_UNDO that cannot be done");
    set(id, 0, 3);
    p = start_sum("I", (short[]){ -1, 0 });
    int again = new_set(2, (unsigned short[]){ 8, 8 });
    remove_set(id);
    undo_id = again;
    say_sum_end(&p);
    remove_set(again);
}

/* Five philosophers, and a fork between each two. */
enum { PHILOSOPHERS = 5, MEALS = 8 };

static void run_philosopher(void *argument)
{
    int me = *(int *)argument, left = me, right = (me + 1) % PHILOSOPHERS;
    for (int meal = 0; meal < MEALS; meal++) {
        if (operate(undo_id, OPS({ left, -1, SEM_UNDO }, { right, -1, SEM_UNDO })))
            _exit(errno);
        shared->eating[me] = 1;
        for (int i = 0; i < 4; i++) {
            if (shared->eating[right] || shared->eating[(me + PHILOSOPHERS - 1) % PHILOSOPHERS])
                _exit(EDEADLK);
            usleep(lab_below(200));
        }
        shared->eating[me] = 0;
        if (me == 2 && meal == MEALS / 2)
            kill(getpid(), SIGKILL); /* with both forks */
        if (operate(undo_id, OPS({ left, 1, SEM_UNDO }, { right, 1, SEM_UNDO })))
            _exit(errno);
        usleep(lab_below(300));
    }
}

static void test_philosophers(void)
{
    static const char *names[PHILOSOPHERS] = { "Ada", "Barbara", "Edsger", "Grace", "Niklaus" };
    struct process p[PHILOSOPHERS];
    undo_id = new_set(PHILOSOPHERS, (unsigned short[PHILOSOPHERS]){ 1, 1, 1, 1, 1 });
    for (int i = 0; i < PHILOSOPHERS; i++) {
        shared->eating[i] = 0;
        lab_random();
        p[i] = start(names[i], run_philosopher, &i);
    }
    for (int i = 0; i < PHILOSOPHERS; i++)
        say_end(&p[i]);
    say_values(undo_id, PHILOSOPHERS);
    remove_set(undo_id);
}

/* ---- owners, permissions, memory ---- */

static void say_stat(int id)
{
    struct semid_ds d;
    memset(&d, 0xa5, sizeof d);
    if (semctl(id, 0, IPC_STAT, (union semun){ .stat = &d }) < 0) {
        say(-1, "IPC_STAT");
        return;
    }
    printf("IPC_STAT = mode %o, uid %u, gid %u, made by uid %u, gid %u, %lu semaphores\n",
           d.sem_perm.mode, d.sem_perm.uid, d.sem_perm.gid, d.sem_perm.cuid, d.sem_perm.cgid,
           (unsigned long)d.sem_nsems);
}

static void say_times(int id, time_t begin)
{
    struct semid_ds d;
    memset(&d, 0xa5, sizeof d);
    say(semctl(id, 0, IPC_STAT, (union semun){ .stat = &d }), "IPC_STAT");
    time_t now = time(NULL);
    printf("sem_otime = %s\n", !d.sem_otime                                     ? "0"
                               : d.sem_otime >= begin && d.sem_otime <= now + 1 ? "now"
                                                                                : "another time");
    printf("sem_ctime = %s\n",
           d.sem_ctime >= begin && d.sem_ctime <= now + 1 ? "now" : "another time");
}

static time_t changed(int id)
{
    struct semid_ds d = { 0 };
    NEED(semctl(id, 0, IPC_STAT, (union semun){ .stat = &d }) == 0);
    return d.sem_ctime;
}

static void test_stat(void)
{
    time_t begin = time(NULL) - 1;
    int key = key_base + 30;
    int id = semget(key, 2 + lab_below(5), IPC_CREAT | 0640);
    say_stat(id);
    say_times(id, begin);
    say_operate(id, OPS({ 0, 1, 0 }));
    say_times(id, begin);
    time_t made = changed(id);
    sleep(1);
    usleep(100000);
    say_operate(id, OPS({ 0, 1, 0 }));
    say(changed(id) - made, "seconds that sem_ctime has moved on by");
    set(id, 0, 3);
    say(changed(id) > made, "whether it has after SETVAL");
    struct semid_ds d;
    memset(&d, 0, sizeof d);
    d.sem_perm.uid = 1000 + lab_below(50);
    d.sem_perm.gid = 2000 + lab_below(50);
    d.sem_perm.mode = 07000 | lab_below(512);
    say(semctl(id, 0, IPC_SET, (union semun){ .stat = &d }), "IPC_SET");
    say_stat(id);
    say(value(id, 0), "GETVAL");
    say(semget(key, 0, 0) == id, "whether semget of the key still finds it");
    memset(&d, 0xa5, sizeof d);
    say(semctl(id, 0, IPC_STAT, (union semun){ .stat = &d }), "IPC_STAT");
    say(d.sem_perm.__ipc_perm_key == key, "whether the key is in it");
    remove_set(id);
    say_stat(id);
}

static int open_id, closed_id, owned_id;

static void say_rights(int id, int key, const char *name)
{
    unsigned short values[2] = { 1, 1 };
    printf("%s\n", name);
    say_id(semget(key, 0, 0), "semget, for no rights");
    say_id(semget(key, 0, 0444), "semget, for reading");
    say_id(semget(key, 0, 0666), "semget, for all");
    say_id(semget(key, 0, 0400), "semget, for reading as an owner");
    say_id(semget(key, 0, 0040), "semget, for reading as a group");
    say_id(semget(key, 0, 0004), "semget, for reading as another");
    say_id(semget(key, 0, 0020), "semget, for altering as a group");
    say(value(id, 0), "GETVAL");
    say(semctl(id, 0, GETALL, (union semun){ .array = values }), "GETALL");
    say(semctl(id, 0, GETNCNT), "GETNCNT");
    say(semctl(id, 0, GETZCNT), "GETZCNT");
    say(semctl(id, 0, GETPID) >= 0 ? 0 : -1, "GETPID (0: a process)");
    say_operate(id, OPS({ 0, 0, IPC_NOWAIT }));
    say_operate(id, OPS({ 0, 0, IPC_NOWAIT }, { 1, 1, 0 }));
    say_operate(id, OPS({ 1, 1, 0 }));
    set(id, 0, 1);
    set(id, 9, 1);
    say(semctl(id, 0, SETALL, (union semun){ .array = values }), "SETALL");
    say_stat(id);
    struct semid_ds d = { .sem_perm = { .uid = 1234, .gid = 1234, .mode = 0666 } };
    say(semctl(id, 0, IPC_SET, (union semun){ .stat = &d }), "IPC_SET");
    say(semctl(id, 0, IPC_RMID), "IPC_RMID");
}

static void become(uid_t uid, gid_t gid)
{
    if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
        _exit(errno);
}

/* As a user that is not root. */
static void run_user(void *group)
{
    become(1234, *(int *)group);
    say_rights(open_id, key_base + 40, "a set with mode 0604, as another user");
    say_rights(closed_id, key_base + 41, "a set with mode 0620");
    say_rights(owned_id, key_base + 42, "a set that was given to this user, with mode 0400");
    fflush(stdout);
}

/* A user makes a set and gives it to root. */
static void run_maker(void *unused)
{
    (void)unused;
    become(1234, 77);
    int id = say_id(semget(key_base + 43, 2, IPC_CREAT | 0600), "semget by user 1234, group 77");
    struct semid_ds d = { .sem_perm = { .uid = 0, .gid = 0, .mode = 0460 } };
    say(semctl(id, 0, IPC_SET, (union semun){ .stat = &d }), "IPC_SET, which gives it to root");
    fflush(stdout);
}

static void run_after_maker(void *who)
{
    const int *ids = who;
    become(ids[0], ids[1]);
    int id = semget(key_base + 43, 0, 0);
    say_rights(id, key_base + 43, "a set of root's, made by user 1234 in group 77, mode 0460");
    fflush(stdout);
}

/* The maker has the owner's rights, and the group in which it was made those of the group. */
static void test_makers(void)
{
    static int whose[][2] = { { 1235, 88 }, { 1235, 77 }, { 1234, 99 } };
    struct process maker = start("the maker", run_maker, NULL);
    say_end(&maker);
    for (int i = 0; i < 3; i++) {
        printf("user %d, group %d\n", whose[i][0], whose[i][1]);
        struct process p = start("the user", run_after_maker, whose[i]);
        say_end(&p);
    }
    say_id(semget(key_base + 43, 0, 0), "semget of the set that its maker has removed");
}

static void test_rights(void)
{
    test_makers();
    for (int round = 0; round < 2; round++) {
        int gid = round ? 77 : 1234;
        open_id = semget(key_base + 40, 2, IPC_CREAT | 0604);
        closed_id = semget(key_base + 41, 2, IPC_CREAT | 0620);
        owned_id = semget(key_base + 42, 2, IPC_CREAT | 0600);
        struct semid_ds d = { .sem_perm = { .uid = 0, .gid = 77, .mode = 0620 } };
        say(semctl(closed_id, 0, IPC_SET, (union semun){ .stat = &d }), "IPC_SET");
        d.sem_perm.uid = 1234;
        d.sem_perm.mode = 0400;
        say(semctl(owned_id, 0, IPC_SET, (union semun){ .stat = &d }), "IPC_SET");
        printf("user 1234, group %d\n", gid);
        struct process p = start("the user", run_user, &gid);
        say_end(&p);
        say_values(open_id, 2);
        remove_set(open_id);
        remove_set(closed_id);
        say(value(owned_id, 0), "GETVAL of the set that the user has removed");
    }
}

/* Two pages, of which the second is not there. */
static char *page_before_none(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(page != MAP_FAILED);
    memset(page, 0x11, 4096);
    NEED(madvise(page + 4096, 4096, MADV_DONTNEED) == 0);
    return page;
}

static void test_pages(void)
{
    enum { COUNT = 8 };
    int id = new_set(COUNT, (unsigned short[COUNT]){ 0 });
    char *page = page_before_none();
    struct sembuf *o = (struct sembuf *)(page + 4096 - 6);
    *o = (struct sembuf){ 1, 3, 0 };
    printf("the second operation, 0:0, is on a page that is missing\n");
    say(semop(id, o, 2), "semop");
    say_values(id, COUNT);
    page = page_before_none();
    unsigned short *v = (unsigned short *)(page + 4096 - COUNT);
    say(semctl(id, 0, GETALL, (union semun){ .array = v }), "GETALL across a missing page");
    for (int i = 0; i < COUNT; i++)
        say(v[i], "its value %d", i);
    page = page_before_none();
    v = (unsigned short *)(page + 4096 - 2);
    *v = 6;
    say(semctl(id, 0, SETALL, (union semun){ .array = v }), "SETALL from a missing page");
    say_values(id, COUNT);
    page = page_before_none();
    struct semid_ds *d = (struct semid_ds *)(page + 4096 - 32);
    say(semctl(id, 0, IPC_STAT, (union semun){ .stat = d }), "IPC_STAT across a missing page");
    say(d->sem_nsems, "its count");
    page = page_before_none();
    d = (struct semid_ds *)(page + 4096 - offsetof(struct semid_ds, sem_perm.cuid));
    d->sem_perm.uid = 5;
    d->sem_perm.gid = 6;
    say(semctl(id, 0, IPC_SET, (union semun){ .stat = d }), "IPC_SET across a missing page");
    say_stat(id);
    printf("the page behind the array is no memory at all\n");
    NEED(munmap(page + 4096, 4096) == 0);
    v = (unsigned short *)(page + 4096 - 2 * COUNT);
    say(semctl(id, 0, GETALL, (union semun){ .array = v }), "GETALL");
    say(v[0], "its first value");
    v[COUNT - 1] = 2;
    say(semctl(id, 0, SETALL, (union semun){ .array = v }), "SETALL");
    say_values(id, COUNT);
    say(semctl(id, 0, GETALL, (union semun){ .array = v + 1 }), "GETALL, one too far");
    say(semctl(id, 0, SETALL, (union semun){ .array = v + 1 }), "SETALL, one too far");
    o = (struct sembuf *)(page + 4096 - 6);
    *o = (struct sembuf){ 0, 1, 0 };
    say(semop(id, o, 2), "semop of two operations, of which one is there");
    say(semop(id, (struct sembuf *)8, 1), "semop at address 8");
    say_values(id, COUNT);
    printf("the memory of operations that wait is another's business\n");
    struct sembuf *common = (struct sembuf *)shared->room;
    *common = (struct sembuf){ COUNT - 1, -3, 0 };
    set(id, COUNT - 1, 0);
    struct process a = start_semop("A {7:-3}", id, common, 1);
    *common = (struct sembuf){ COUNT - 1, 9, 0 };
    say_operate(id, OPS({ COUNT - 1, 2, 0 }));
    say_waits(&a);
    say_operate(id, OPS({ COUNT - 1, 1, 0 }));
    say_end(&a);
    say_values(id, COUNT);
    remove_set(id);
}

/* ---- manners: not compared with Linux ---- */

static void test_quiet(void)
{
    struct timespec hour = { 3600, 0 };
    int id = new_set(1, NULL);
    struct process a = start_semop("A", id, OPS({ 0, -1, 0 }));
    struct process b = start_limited("B", &hour, id, OPS({ 0, -1, 0 }));
    long before = lab_messages("sem");
    usleep(200000);
    EXPECT("R17", lab_messages("sem") - before, 0,
           "letting two calls wait for 200 ms: messages and notifications that the server received "
           "meanwhile");
    EXPECT("R6", operate(id, OPS({ 0, 2, 0 })), 0, "semop {0:+2}");
    say_end(&a);
    say_end(&b);
    EXPECT("R6", a.ended && b.ended, 1, "whether both have ended");
    EXPECT("R4", semctl(id, 0, IPC_RMID), 0, "IPC_RMID");
}

static void test_memory(void)
{
    enum { SETS = 2000, CALLS = 500 };
    static struct sembuf many[OPERATIONS];
    for (int i = 0; i < OPERATIONS; i++)
        many[i] = (struct sembuf){ 0, -1, SEM_UNDO };
    for (int i = 0; i < SETS; i++) {
        int id = semget(IPC_PRIVATE, EACH, 0600);
        EXPECT("R17", id < 0 ? -errno : 0, 0,
               "semget of a set, when %d have been made and removed (0: an id)", i);
        EXPECT("R17", operate(id, OPS({ 0, 1, SEM_UNDO })) ? -errno : 0, 0,
               "semop with SEM_UNDO on set number %d", i);
        EXPECT("R4", semctl(id, 0, IPC_RMID), 0, "IPC_RMID");
    }
    int id = new_set(1, NULL);
    struct sigaction act = { .sa_handler = caught };
    struct itimerval often = { { 0, 400 }, { 0, 400 } }, never = { 0 };
    sigaction(SIGALRM, &act, NULL);
    NEED(setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (int i = 0; i < CALLS; i++)
        EXPECT("R17", semop(id, many, OPERATIONS) ? -errno : 0, -EINTR,
               "call number %d of %d operations, which a signal ends", i, OPERATIONS);
    NEED(setitimer(ITIMER_REAL, &never, NULL) == 0);
    EXPECT("R10", semctl(id, 0, GETNCNT), 0, "GETNCNT after that");
    EXPECT("R4", semctl(id, 0, IPC_RMID), 0, "IPC_RMID");
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "get", test_get },
        { "values", test_values },
        { "remove", test_remove },
        { "operate", test_operate },
        { "bounds", test_bounds },
        { "full", test_full },
        { "model", test_model },
        { "waits", test_waits },
        { "together", test_together },
        { "zero", test_zero },
        { "line", test_line },
        { "removed", test_removed },
        { "who", test_who },
        { "counts", test_counts },
        { "dead", test_dead },
        { "signal", test_signal },
        { "limit", test_limit },
        { "undo", test_undo },
        { "heirs", test_heirs },
        { "sums", test_sums },
        { "philosophers", test_philosophers },
        { "stat", test_stat },
        { "rights", test_rights },
        { "pages", test_pages },
        { "quiet", test_quiet },
        { "memory", test_memory },
        { 0 },
    };
    if (argc == 3 && !strcmp(argv[1], "nap")) { /* the other program of run_exec() */
        usleep(atoi(argv[2]) * 1000);
        return 0;
    }
    on_linux = getenv("LAB_ROOT");
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (on_linux)
        NEED(unshare(CLONE_NEWIPC) == 0);
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(shared != MAP_FAILED);
    key_base = 0x5e000000;
    for (const char *at = argc > 1 ? argv[1] : ""; *at; at++)
        key_base += *at << 8;
    return lab_main(argc, argv, tests);
}
