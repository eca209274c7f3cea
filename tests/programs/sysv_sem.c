/* Semaphores of System V: keys and ids, operations together, waiting, undo, the commands,
 * permissions. */
#define _GNU_SOURCE
#include "oracle.h"
#include <grp.h>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>

enum { USER = 1000, OTHER = 1001 };

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

/* Prints like SHOW, but of a child's death as well: what this does in a child of this user. */
#define IN_CHILD(user, ...)                                                                     \
    do {                                                                                        \
        pid_t child_ = fork();                                                                  \
        if (!child_) {                                                                          \
            if ((user) &&                                                                       \
                (setgroups(0, NULL), setresgid(user, user, user), setresuid(user, user, user))) \
                _exit(99);                                                                      \
            __VA_ARGS__;                                                                        \
            _exit(0);                                                                           \
        }                                                                                       \
        int status_;                                                                            \
        waitpid(child_, &status_, 0);                                                           \
        if (status_)                                                                            \
            show_status("child", status_);                                                      \
    } while (0)

static int one(int id, int number, int change, int flags)
{
    struct sembuf b = { number, change, flags };
    return semop(id, &b, 1);
}
static int timed(int id, int change, long ns)
{
    struct sembuf b = { 0, change, 0 };
    return semtimedop(id, &b, 1, &(struct timespec){ ns / 1000000000, ns % 1000000000 });
}
static int value(int id, int number) { return semctl(id, number, GETVAL); }
static void values(const char *what, int id, int count)
{
    printf("%s:", what);
    for (int n = 0; n < count; n++)
        printf(" %d", value(id, n));
    putchar('\n');
    fflush(stdout);
}
static void until_waits(int id, int number, int cmd, int count)
{
    while (semctl(id, number, cmd) < count)
        pause_ms(2);
}
static void reap(const char *what)
{
    int status;
    wait(&status);
    show_status(what, status);
}

static void keys(void)
{
    enum { KEY = 0x4d4e5701 };
    struct semid_ds d;
    SHOW(semget(KEY, 3, 0600));
    int id = semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0640);
    SAY("made %d", id >= 0);
    SHOW(semget(KEY, 3, IPC_CREAT | 0600) == id);
    SHOW(semget(KEY, 0, 0) == id);
    SHOW(semget(KEY, 4, 0));
    SHOW(semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0640));
    SHOW(semget(KEY, -1, 0));
    SHOW(semget(KEY + 1, 0, IPC_CREAT | 0600));
    SHOW(semget(KEY + 1, 1 << 20, IPC_CREAT | 0600));
    SHOW(semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }));
    SAY("key %x mode %o nsems %lu uid %d gid %d cuid %d cgid %d otime %ld ctime %d",
        d.sem_perm.__ipc_perm_key, d.sem_perm.mode, (long)d.sem_nsems, d.sem_perm.uid,
        d.sem_perm.gid, d.sem_perm.cuid, d.sem_perm.cgid, (long)d.sem_otime,
        labs(d.sem_ctime - time(NULL)) < 3);
    int a = semget(IPC_PRIVATE, 1, 0600), b = semget(IPC_PRIVATE, 1, 0600 | IPC_CREAT | IPC_EXCL);
    SAY("private ones differ %d", a != b && a >= 0 && b >= 0);
    SHOW(semctl(a, 0, IPC_RMID));
    SHOW(semctl(b, 0, IPC_RMID));
    SHOW(semctl(a, 0, IPC_RMID));
    SHOW(semctl(id, 0, IPC_RMID));
    SHOW(semget(KEY, 3, 0600));
    SHOW(value(id, 0));
    SHOW(one(id, 0, 1, 0));
    SHOW(one(-1, 0, 1, 0));
    SHOW(semctl(-1, 0, GETVAL));
    SHOW(semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }));
}

static void operations(void)
{
    int id = semget(IPC_PRIVATE, 3, 0600);
    values("new", id, 3);
    SHOW(one(id, 1, 5, 0));
    SHOW(one(id, 1, -2, 0));
    SHOW(one(id, 1, -4, IPC_NOWAIT));
    SHOW(one(id, 1, 0, IPC_NOWAIT));
    SHOW(one(id, 0, 0, IPC_NOWAIT));
    values("after", id, 3);
    struct sembuf both[] = { { 0, 1, 0 }, { 1, -4, IPC_NOWAIT }, { 2, 1, 0 } };
    SHOW(semop(id, both, 3));
    values("not done", id, 3);
    both[1].sem_op = -3;
    SHOW(semop(id, both, 3));
    values("done", id, 3);
    struct sembuf twice[] = { { 0, -1, IPC_NOWAIT }, { 0, 0, IPC_NOWAIT }, { 0, 2, 0 } };
    SHOW(semop(id, twice, 3));
    values("in order", id, 3);
    SHOW(semop(id, twice, 3));
    values("taken back", id, 3);
    SHOW(one(id, 3, 1, 0));
    SHOW(one(id, -1, 1, 0));
    SHOW(one(id, 0, 32766, 0));
    SHOW(one(id, 0, 32765, 0));
    SHOW(value(id, 0));
    struct sembuf many[501];
    memset(many, 0, sizeof many);
    SHOW(semop(id, many, 501));
    SHOW(semop(id, many, 0));
    for (int n = 0; n < 500; n++)
        many[n] = (struct sembuf){ 1, 1, 0 };
    SHOW(semop(id, many, 500));
    values("many", id, 3);
    SHOW(semop(id, (void *)8, 1));
    SHOW(timed(id, -32768, 0));
    SHOW(timed(id, -32768, 20000000));
    SHOW(semtimedop(id, both, 1, &(struct timespec){ 0, 1000000000 }));
    SHOW(semtimedop(id, both, 1, &(struct timespec){ -1, 0 }));
    SHOW(semtimedop(id, both, 1, (void *)8));
    SHOW(semctl(id, 0, IPC_RMID));
}

static void commands(void)
{
    int id = semget(IPC_PRIVATE, 4, 0600);
    unsigned short set[4] = { 1, 2, 3, 4 }, got[4];
    struct semid_ds d;
    struct seminfo i;
    SHOW(semctl(id, 0, SETALL, (union semun){ .array = set }));
    values("set", id, 4);
    SHOW(semctl(id, 0, GETALL, (union semun){ .array = got }));
    SAY("got %d %d %d %d", got[0], got[1], got[2], got[3]);
    set[2] = 32768;
    SHOW(semctl(id, 0, SETALL, (union semun){ .array = set }));
    SHOW(semctl(id, 0, SETALL, (union semun){ .array = (void *)8 }));
    SHOW(semctl(id, 0, GETALL, (union semun){ .array = (void *)8 }));
    SHOW(semctl(id, 1, SETVAL, (union semun){ .val = 9 }));
    SHOW(semctl(id, 1, SETVAL, (union semun){ .val = -1 }));
    SHOW(semctl(id, 1, SETVAL, (union semun){ .val = 32768 }));
    SHOW(semctl(id, 4, SETVAL, (union semun){ .val = 1 }));
    SHOW(semctl(id, -1, SETVAL, (union semun){ .val = 1 }));
    SHOW(semctl(id, 4, GETVAL));
    SHOW(semctl(id, -1, GETPID));
    SHOW(semctl(id, 1, GETPID) == getpid());
    SHOW(semctl(id, 0, 99));
    SHOW(semctl(id, 0, 0x100 | GETVAL));
    values("as before", id, 4);
    IN_CHILD(0, one(id, 3, 1, 0));
    SAY("last process %d", semctl(id, 3, GETPID) != getpid());
    SHOW(one(id, 0, 1, 0));
    semctl(id, 0, IPC_STAT, (union semun){ .buf = &d });
    SAY("otime %d", labs(d.sem_otime - time(NULL)) < 3);
    d.sem_perm.mode = 0604;
    d.sem_perm.uid = USER;
    d.sem_perm.gid = OTHER;
    SHOW(semctl(id, 0, IPC_SET, (union semun){ .buf = &d }));
    memset(&d, 0, sizeof d);
    SHOW(semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }));
    SAY("mode %o uid %d gid %d cuid %d", d.sem_perm.mode, d.sem_perm.uid, d.sem_perm.gid,
        d.sem_perm.cuid);
    d.sem_perm.uid = -1;
    SHOW(semctl(id, 0, IPC_SET, (union semun){ .buf = &d }));
    SHOW(semctl(id, 0, IPC_SET, (union semun){ .buf = (void *)8 }));
    SHOW(semctl(id, 0, IPC_STAT, (union semun){ .buf = (void *)8 }));
    int top = semctl(0, 0, IPC_INFO, (union semun){ .info = &i });
    SAY("info %d vmx %d opm %d", top >= 0, i.semvmx, i.semopm);
    SHOW(semctl(0, 0, SEM_INFO, (union semun){ .info = &i }) == top);
    SAY("sets %d semaphores %d", i.semusz >= 1, i.semaem >= 4);
    int found = 0;
    for (int n = 0; n <= top; n++)
        if (semctl(n, 0, SEM_STAT, (union semun){ .buf = &d }) == id)
            found = 1;
    SAY("found by place %d", found);
    SHOW(semctl(id & 0x7fff, 0, 20 /* SEM_STAT_ANY */, (union semun){ .buf = &d }) == id);
    SHOW(semctl(30000, 0, SEM_STAT, (union semun){ .buf = &d }));
    SHOW(semctl(id, 0, IPC_RMID));
}

static void waiting(void)
{
    int id = semget(IPC_PRIVATE, 2, 0600);
    if (!fork())
        _exit(one(id, 0, -2, 0) ? errno : 0);
    until_waits(id, 0, GETNCNT, 1);
    SHOW(semctl(id, 0, GETNCNT));
    SHOW(semctl(id, 0, GETZCNT));
    SHOW(one(id, 0, 1, 0));
    pause_ms(20);
    SHOW(semctl(id, 0, GETNCNT));
    SHOW(one(id, 0, 1, 0));
    reap("goes on");
    values("taken", id, 2);
    one(id, 0, 2, 0);
    if (!fork())
        _exit(one(id, 0, 0, 0) ? errno : 0);
    until_waits(id, 0, GETZCNT, 1);
    SHOW(semctl(id, 0, GETNCNT));
    SHOW(semctl(id, 0, SETVAL, (union semun){ .val = 0 }));
    reap("zero");
    /* two semaphores: the one that blocks is counted */
    if (!fork()) {
        struct sembuf b[] = { { 0, -1, 0 }, { 1, -1, 0 } };
        _exit(semop(id, b, 2) ? errno : 0);
    }
    until_waits(id, 0, GETNCNT, 1);
    SHOW(semctl(id, 1, GETNCNT));
    SHOW(one(id, 0, 1, 0));
    until_waits(id, 1, GETNCNT, 1);
    SHOW(semctl(id, 0, GETNCNT));
    values("nothing taken", id, 2);
    SHOW(one(id, 1, 1, 0));
    reap("both");
    values("both taken", id, 2);
    /* one wait lets the next go on */
    for (int n = 0; n < 5; n++) {
        if (!fork()) {
            struct sembuf b[] = { { 0, -1, 0 }, { 0, 1, 0 }, { 1, 1, 0 } };
            _exit(semop(id, b, 3) ? errno : 0);
        }
        until_waits(id, 0, GETNCNT, n + 1);
    }
    SHOW(one(id, 0, 1, 0));
    for (int n = 0; n < 5; n++)
        reap("chain");
    values("chain", id, 2);
    SHOW(one(id, 0, -1, 0));
    /* first come, first served */
    int out[2];
    pipe(out);
    for (int n = 0; n < 4; n++) {
        if (!fork()) {
            char c = '0' + n;
            one(id, 0, -1, 0);
            write(out[1], &c, 1);
            _exit(0);
        }
        until_waits(id, 0, GETNCNT, n + 1);
    }
    for (int n = 0; n < 4; n++) {
        char c;
        one(id, 0, 1, 0);
        read(out[0], &c, 1);
        SAY("served %c", c);
        wait(NULL);
    }
    /* SETALL and the queue; a result too large for the one that waits */
    if (!fork()) {
        struct sembuf b[] = { { 0, -1, 0 }, { 1, 1, 0 } };
        _exit(semop(id, b, 2) ? errno == ERANGE ? 7 : 8 : 0);
    }
    until_waits(id, 0, GETNCNT, 1);
    SHOW(semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 1, 32767 } }));
    reap("too large");
    values("unchanged", id, 2);
    /* removal */
    if (!fork())
        _exit(one(id, 0, -3, 0) ? errno == EIDRM ? 9 : 10 : 0);
    until_waits(id, 0, GETNCNT, 1);
    SHOW(semctl(id, 0, IPC_RMID));
    reap("removed");
}

static volatile int handled;
static void handler(int sig) { handled = sig; }

static void signals(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    struct sigaction a = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &a, NULL);
    SHOW_INTERRUPTED(one(id, 0, -1, 0));
    SAY("handled %d", handled == SIGALRM);
    SHOW_INTERRUPTED(timed(id, -1, 5000000000));
    SHOW(semctl(id, 0, GETNCNT));
    pid_t child = fork();
    if (!child)
        _exit(one(id, 0, -1, 0) ? errno : 0);
    until_waits(id, 0, GETNCNT, 1);
    kill(child, SIGSTOP);
    waitpid(child, NULL, WUNTRACED);
    kill(child, SIGCONT);
    int status;
    waitpid(child, &status, 0);
    SAY("stopped and continued: %s", error_name(WEXITSTATUS(status)));
    child = fork();
    if (!child)
        _exit(one(id, 0, -1, 0) ? errno : 0);
    until_waits(id, 0, GETNCNT, 1);
    kill(child, SIGKILL);
    reap("killed");
    SHOW(semctl(id, 0, GETNCNT));
    SHOW(one(id, 0, 1, 0));
    SHOW(value(id, 0));
    SHOW(semctl(id, 0, IPC_RMID));
}

static int thread_id;
static void *in_thread(void *unused)
{
    one(thread_id, 0, -1, SEM_UNDO);
    return unused;
}

static void undo(const char *self)
{
    int id = semget(IPC_PRIVATE, 3, 0600), go[2];
    char number[16], c;
    semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 5, 5, 5 } });
    IN_CHILD(0, {
        one(id, 0, -3, SEM_UNDO);
        one(id, 1, 2, SEM_UNDO);
        one(id, 2, -1, 0);
        values("inside", id, 3);
    });
    values("undone at exit", id, 3);
    IN_CHILD(0, {
        one(id, 0, -3, SEM_UNDO);
        raise(SIGKILL);
    });
    values("undone at a kill", id, 3);
    SAY("last process %d", semctl(id, 0, GETPID) != getpid());
    IN_CHILD(0, {
        one(id, 0, 3, SEM_UNDO);
        one(id, 0, -8, 0);
    });
    values("not below 0", id, 3);
    semctl(id, 0, SETVAL, (union semun){ .val = 5 });
    IN_CHILD(0, {
        one(id, 0, -3, SEM_UNDO);
        semctl(id, 0, SETVAL, (union semun){ .val = 1 });
    });
    values("forgotten by SETVAL", id, 3);
    IN_CHILD(0, {
        one(id, 1, -3, SEM_UNDO);
        semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 5, 6, 7 } });
    });
    values("forgotten by SETALL", id, 3);
    IN_CHILD(0, {
        one(id, 0, -1, SEM_UNDO);
        IN_CHILD(0, one(id, 1, -1, SEM_UNDO));
        values("a child has its own", id, 3);
    });
    values("then", id, 3);
    IN_CHILD(0, {
        one(id, 0, -1, SEM_UNDO);
        snprintf(number, sizeof number, "%d", id);
        execl(self, self, number, NULL);
    });
    values("exec keeps it", id, 3);
    IN_CHILD(0, {
        pthread_t t;
        thread_id = id;
        pthread_create(&t, NULL, in_thread, NULL);
        pthread_join(t, NULL);
        values("a thread's end is none", id, 3);
    });
    values("the process's is", id, 3);
    IN_CHILD(0, {
        struct sembuf b = { 0, -32767, SEM_UNDO };
        semctl(id, 0, SETVAL, (union semun){ .val = 32767 });
        SHOW(semop(id, &b, 1));
        semctl(id, 1, SETVAL, (union semun){ .val = 0 });
        SHOW(one(id, 0, 32767, 0));
        SHOW(one(id, 0, -1, SEM_UNDO | IPC_NOWAIT));
        SHOW(value(id, 0));
    });
    values("after limits", id, 3);
    /* the end of one lets another go on */
    semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 1, 0, 0 } });
    pipe(go);
    if (!fork()) {
        one(id, 0, -1, SEM_UNDO);
        write(go[1], "x", 1);
        until_waits(id, 0, GETNCNT, 1);
        _exit(1);
    }
    read(go[0], &c, 1);
    SHOW(one(id, 0, -1, 0));
    reap("holder");
    SHOW(semctl(id, 0, IPC_RMID));
}

static void permissions(void)
{
    enum { KEY = 0x4d4e5702 };
    struct semid_ds d;
    int id = semget(KEY, 2, IPC_CREAT | 0640);
    IN_CHILD(USER, {
        SHOW(semget(KEY, 0, 0) == id);
        SHOW(semget(KEY, 0, 0400));
        SHOW(semget(KEY, 0, 0004));
        SHOW(value(id, 0));
        SHOW(one(id, 0, 1, 0));
        SHOW(one(id, 0, 0, 0));
        SHOW(one(id, 7, 1, 0));
        SHOW(semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }));
        SHOW(semctl(id & 0x7fff, 0, SEM_STAT, (union semun){ .buf = &d }));
        SHOW(semctl(id & 0x7fff, 0, 20, (union semun){ .buf = &d }) == id);
        SHOW(semctl(id, 0, SETVAL, (union semun){ .val = 1 }));
        SHOW(semctl(id, 0, GETALL, (union semun){ .array = (void *)8 }));
        SHOW(semctl(id, 0, IPC_SET, (union semun){ .buf = &d }));
        SHOW(semctl(id, 0, IPC_RMID));
    });
    semctl(id, 0, IPC_STAT, (union semun){ .buf = &d });
    d.sem_perm.mode = 0444;
    semctl(id, 0, IPC_SET, (union semun){ .buf = &d });
    IN_CHILD(USER, {
        SHOW(value(id, 0));
        SHOW(one(id, 0, 0, 0));
        SHOW(one(id, 0, 1, 0));
        SHOW(semget(KEY, 0, 0444) == id);
        SHOW(semget(KEY, 0, 0644));
        SHOW(semctl(id, 0, SETVAL, (union semun){ .val = 1 }));
    });
    d.sem_perm.mode = 0060;
    d.sem_perm.gid = USER;
    semctl(id, 0, IPC_SET, (union semun){ .buf = &d });
    IN_CHILD(USER, SHOW(one(id, 0, 1, 0)));
    d.sem_perm.mode = 0066;
    d.sem_perm.uid = USER;
    semctl(id, 0, IPC_SET, (union semun){ .buf = &d });
    IN_CHILD(USER, {
        SHOW(one(id, 0, 1, 0));
        SHOW(semctl(id, 0, IPC_RMID));
    });
    int own = -1;
    IN_CHILD(USER, {
        own = semget(KEY, 1, IPC_CREAT | 0);
        SHOW(value(own, 0));
        SHOW(semget(KEY, 1, 0600));
    });
    own = semget(KEY, 1, 0600);
    SHOW(value(own, 0));
    SHOW(semctl(own, 0, IPC_RMID));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        values("the new program sees", atoi(argv[1]), 3);
        return 0;
    }
    keys();
    operations();
    commands();
    waiting();
    signals();
    undo(argv[0]);
    permissions();
    return 0;
}
