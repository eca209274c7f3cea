/* Message queues of System V: types, sizes, waiting, the commands, permissions. */
#define _GNU_SOURCE
#include "oracle.h"
#include <grp.h>
#include <limits.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/syscall.h>

enum { USER = 1000, LARGEST = 8192, COPY = 040000 };

static struct {
    long type;
    char text[LARGEST + 8];
} m;

static int put(int id, long type, const char *text, int flags)
{
    m.type = type;
    strcpy(m.text, text);
    return msgsnd(id, &m, strlen(text), flags);
}
/* Prints what a msgrcv gets. */
static void get(int id, long type, long size, int flags)
{
    memset(&m, 0, sizeof m);
    long n = msgrcv(id, &m, size, type, flags);
    if (n < 0)
        SAY("get %ld: %s", type, error_name(errno));
    else
        SAY("get %ld: %ld bytes of type %ld: %s", type, n, m.type, m.text);
}
static struct msqid_ds status(int id)
{
    struct msqid_ds d;
    if (msgctl(id, IPC_STAT, &d))
        SAY("IPC_STAT: %s", error_name(errno));
    return d;
}
static void reap(const char *what)
{
    int status;
    wait(&status);
    show_status(what, status);
}

static void keys(void)
{
    enum { KEY = 0x4d4e5711 };
    SHOW(msgget(KEY, 0600));
    int id = msgget(KEY, IPC_CREAT | IPC_EXCL | 0620);
    SHOW(msgget(KEY, IPC_CREAT | 0600) == id);
    SHOW(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
    struct msqid_ds d = status(id);
    SAY("mode %o qnum %ld qbytes %ld cbytes %ld stime %ld rtime %ld pids %d %d", d.msg_perm.mode,
        d.msg_qnum, d.msg_qbytes, d.msg_cbytes, (long)d.msg_stime, (long)d.msg_rtime, d.msg_lspid,
        d.msg_lrpid);
    SHOW(put(id, 1, "one", 0));
    d = status(id);
    SAY("qnum %ld cbytes %ld stime %d rtime %ld sender %d", d.msg_qnum, d.msg_cbytes,
        labs(d.msg_stime - time(NULL)) < 3, (long)d.msg_rtime, d.msg_lspid == getpid());
    get(id, 0, 100, 0);
    d = status(id);
    SAY("qnum %ld cbytes %ld rtime %d receiver %d", d.msg_qnum, d.msg_cbytes,
        labs(d.msg_rtime - time(NULL)) < 3, d.msg_lrpid == getpid());
    SHOW(msgctl(id, IPC_RMID, NULL));
    SHOW(msgctl(id, IPC_RMID, NULL));
    SHOW(put(id, 1, "x", 0));
    get(id, 0, 10, 0);
    get(-1, 0, 10, 0);
    SHOW(put(-1, 1, "x", 0));
    SHOW(msgctl(-1, IPC_RMID, NULL));
}

static void types(void)
{
    int id = msgget(IPC_PRIVATE, 0600);
    SHOW(put(id, 0, "x", 0));
    SHOW(put(id, -1, "x", 0));
    SHOW(put(id, 5, "five", 0));
    SHOW(put(id, 3, "three", 0));
    SHOW(put(id, 5, "again five", 0));
    SHOW(put(id, 3, "again three", 0));
    SHOW(put(id, LONG_MAX, "large", 0));
    SHOW(put(id, 2, "", 0));
    get(id, 5, 100, 0);
    get(id, -4, 100, 0);
    get(id, 3, 100, MSG_EXCEPT);
    get(id, -1, 100, IPC_NOWAIT);
    get(id, 7, 100, IPC_NOWAIT);
    get(id, LONG_MIN, 100, 0);
    get(id, 0, 3, 0);
    get(id, 0, 3, MSG_NOERROR);
    get(id, 0, 100, 0);
    get(id, 0, 100, IPC_NOWAIT);
    put(id, 1, "first", 0);
    put(id, 2, "second", 0);
    get(id, 0, 100, COPY | IPC_NOWAIT);
    get(id, 1, 100, COPY | IPC_NOWAIT);
    get(id, 2, 100, COPY | IPC_NOWAIT);
    get(id, 1, 100, COPY);
    get(id, 1, 100, COPY | IPC_NOWAIT | MSG_EXCEPT);
    get(id, 1, 3, COPY | IPC_NOWAIT);
    SAY("still %ld", status(id).msg_qnum);
    SHOW(msgrcv(id, &m, -1, 0, 0));
    SHOW(msgrcv(id, (void *)8, 100, 0, 0));
    SHOW(msgsnd(id, (void *)8, 1, 0));
    SHOW(msgsnd(id, &m, LARGEST + 1, 0));
    SHOW(msgsnd(id, &m, -1, 0));
    SHOW(msgctl(id, IPC_RMID, NULL));
}

static void sizes(void)
{
    static const int lengths[] = {
        0, 1, 63, 64, 65, 2023, 2024, 2087, 2088, 2089, 4112, 8191, 8192
    };
    int id = msgget(IPC_PRIVATE, 0600);
    for (unsigned n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
        m.type = 1;
        for (int b = 0; b < LARGEST; b++)
            m.text[b] = b * 7 + n;
        int sent = msgsnd(id, &m, lengths[n], 0), wrong = 0;
        memset(&m, 0, sizeof m);
        int got = msgrcv(id, &m, LARGEST, 0, 0);
        for (int b = 0; b < lengths[n]; b++)
            wrong += m.text[b] != (char)(b * 7 + n);
        SAY("%d: sent %d got %d wrong %d behind %d", lengths[n], sent, got, wrong,
            m.text[lengths[n]]);
    }
    /* memory that is not there yet */
    char *fresh = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    m.type = 9;
    memset(m.text, 'q', LARGEST);
    SHOW(msgsnd(id, &m, LARGEST, 0));
    SHOW(msgrcv(id, fresh + 4092, LARGEST, 0, 0));
    SAY("%ld %c %c", *(long *)(fresh + 4092), fresh[4100], fresh[4099 + LARGEST]);
    fresh = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(long *)(fresh + 4088) = 4;
    SHOW(msgsnd(id, fresh + 4088, LARGEST, 0));
    get(id, 4, LARGEST, 0);
    /* full */
    m.type = 1;
    SHOW(msgsnd(id, &m, LARGEST, 0));
    SHOW(msgsnd(id, &m, LARGEST, 0));
    SHOW(msgsnd(id, &m, 1, IPC_NOWAIT));
    SHOW(msgsnd(id, &m, 0, IPC_NOWAIT));
    SAY("%ld messages %ld bytes", status(id).msg_qnum, status(id).msg_cbytes);
    SHOW(msgctl(id, IPC_RMID, NULL));
    id = msgget(IPC_PRIVATE, 0600);
    int count = 0;
    while (msgsnd(id, &m, 20, IPC_NOWAIT) == 0)
        count++;
    SAY("%d of twenty bytes: %s", count, error_name(errno));
    SHOW(msgctl(id, IPC_RMID, NULL));
}

static void commands(void)
{
    int id = msgget(IPC_PRIVATE, 0600);
    struct msqid_ds d = status(id);
    struct msginfo i;
    d.msg_perm.mode = 0644;
    d.msg_perm.uid = USER;
    d.msg_qbytes = 10;
    SHOW(msgctl(id, IPC_SET, &d));
    d = status(id);
    SAY("mode %o uid %d qbytes %ld", d.msg_perm.mode, d.msg_perm.uid, d.msg_qbytes);
    SHOW(put(id, 1, "0123456789", IPC_NOWAIT));
    SHOW(put(id, 1, "0", IPC_NOWAIT));
    get(id, 0, 100, 0);
    SHOW(put(id, 1, "0123456789a", IPC_NOWAIT));
    SHOW(msgctl(id, IPC_SET, (void *)8));
    SHOW(msgctl(id, IPC_STAT, (void *)8));
    SHOW(msgctl(id, 99, &d));
    int top = msgctl(0, IPC_INFO, (void *)&i);
    SAY("info %d max %d mnb %d", top >= 0, i.msgmax, i.msgmnb);
    put(id, 1, "abc", IPC_NOWAIT);
    SHOW(msgctl(0, MSG_INFO, (void *)&i) == top);
    SAY("queues %d messages %d bytes %d", i.msgpool >= 1, i.msgmap >= 1, i.msgtql >= 3);
    SHOW(msgctl(id & 0x7fff, MSG_STAT, &d) == id);
    SAY("%ld", d.msg_qnum);
    SHOW(msgctl(id & 0x7fff, 13 /* MSG_STAT_ANY */, &d) == id);
    SHOW(msgctl(30000, MSG_STAT, &d));
    SHOW(msgctl(id, IPC_RMID, NULL));
}

static volatile int handled;
static void handler(int sig) { handled = sig; }

static void waiting(void)
{
    int id = msgget(IPC_PRIVATE, 0600), out[2];
    char c;
    pipe(out);
    /* each of three receivers gets what it wants */
    for (int n = 1; n <= 3; n++)
        if (!fork()) {
            get(id, n, 100, 0);
            write(out[1], "x", 1);
            _exit(n);
        }
    pause_ms(50);
    for (int n = 3; n >= 1; n--) {
        put(id, n, "for you", 0);
        read(out[0], &c, 1);
        reap("receiver");
    }
    SAY("left %ld", status(id).msg_qnum);
    /* one that is too small, one that is not */
    pid_t receivers[2];
    for (int n = 0; n < 2; n++) {
        if (!(receivers[n] = fork()))
            _exit(msgrcv(id, &m, n ? 100 : 2, 0, 0) < 0 ? errno : 100);
        pause_ms(30);
    }
    SHOW(put(id, 4, "four", 0));
    for (int n = 0; n < 2; n++) {
        int status;
        waitpid(receivers[n], &status, 0);
        show_status(n ? "large enough" : "too small", status);
    }
    SAY("left %ld", status(id).msg_qnum);
    /* senders wait for room: for as much, since Linux wakes both, and whoever runs first has it */
    m.type = 1;
    msgsnd(id, &m, LARGEST, 0);
    msgsnd(id, &m, LARGEST, 0);
    for (int n = 0; n < 2; n++) {
        if (!fork()) {
            m.type = 10 + n;
            _exit(msgsnd(id, &m, LARGEST, 0) ? errno : 0);
        }
        pause_ms(150);
    }
    SAY("before %ld", status(id).msg_qnum);
    SHOW(msgrcv(id, &m, LARGEST, 0, 0));
    reap("sender");
    SHOW(msgrcv(id, &m, LARGEST, 0, 0));
    reap("sender");
    SHOW(msgrcv(id, &m, LARGEST, 0, 0));
    SHOW(msgrcv(id, &m, LARGEST, 0, 0));
    SAY("after %ld", status(id).msg_qnum);
    /* signals: never made again */
    struct sigaction a = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &a, NULL);
    alarms(1);
    get(id, 0, 100, 0);
    alarms(0);
    m.type = 1;
    msgsnd(id, &m, LARGEST, 0);
    msgsnd(id, &m, LARGEST, 0);
    SHOW_INTERRUPTED(msgsnd(id, &m, 1, 0));
    pid_t child = fork();
    if (!child) {
        get(id, 77, 100, 0);
        _exit(0);
    }
    pause_ms(30);
    kill(child, SIGSTOP);
    waitpid(child, NULL, WUNTRACED);
    kill(child, SIGCONT);
    pause_ms(20);
    SHOW(msgrcv(id, &m, LARGEST, 0, 0));
    put(id, 77, "after a stop", 0);
    reap("stopped");
    /* a receiver that dies takes nothing */
    child = fork();
    if (!child) {
        get(id, 78, 100, 0);
        _exit(0);
    }
    pause_ms(30);
    kill(child, SIGKILL);
    reap("killed");
    put(id, 78, "nobody", 0);
    get(id, 78, 100, IPC_NOWAIT);
    /* removal */
    m.type = 1;
    SHOW(msgsnd(id, &m, LARGEST, 0));
    for (int n = 0; n < 2; n++)
        if (!fork()) {
            m.type = 1;
            long r = n ? msgrcv(id, &m, 10, 99, 0) : msgsnd(id, &m, LARGEST, 0);
            _exit(r < 0 ? errno : 0);
        }
    pause_ms(50);
    m.type = 1;
    SHOW(msgctl(id, IPC_RMID, NULL));
    reap("removed");
    reap("removed");
}

static void as_user(int id, int key)
{
    setgroups(0, NULL);
    setresgid(USER, USER, USER);
    setresuid(USER, USER, USER);
    struct msqid_ds d;
    SHOW(msgget(key, 0) == id);
    SHOW(msgget(key, 0400) == id);
    SHOW(msgget(key, 0004) == id);
    SHOW(put(id, 1, "x", IPC_NOWAIT));
    get(id, 0, 10, IPC_NOWAIT);
    SHOW(msgctl(id, IPC_STAT, &d));
    SHOW(msgctl(id, IPC_SET, &d));
    SHOW(msgctl(id, IPC_RMID, &d));
    int own = msgget(IPC_PRIVATE, 0);
    SHOW(put(own, 1, "x", IPC_NOWAIT));
    SHOW(msgctl(own, IPC_STAT, &d));
    memset(&d, 0, sizeof d);
    d.msg_perm.uid = d.msg_perm.gid = USER;
    d.msg_perm.mode = 0600;
    d.msg_qbytes = 16385;
    SHOW(msgctl(own, IPC_SET, &d));
    d.msg_qbytes = 16384;
    SHOW(msgctl(own, IPC_SET, &d));
    SHOW(put(own, 1, "x", IPC_NOWAIT));
    SHOW(msgctl(own, IPC_RMID, NULL));
    _exit(0);
}

#define NEXT_ID "/proc/sys/kernel/msg_next_id"

static int next_id(const char *text)
{
    int fd = open(NEXT_ID, O_WRONLY);
    if (fd < 0)
        return -1;
    int n = write(fd, text, strlen(text)), error = errno;
    close(fd);
    errno = error;
    return n;
}
static void show_next_id(void)
{
    char now[32] = "";
    int fd = open(NEXT_ID, O_RDONLY);
    read(fd, now, sizeof now - 1);
    close(fd);
    SAY("next: %s", now);
}

/* The next queue gets the id that is asked for, if nobody has its place. */
static void wanted_ids(void)
{
    show_next_id();
    SHOW(next_id("123456789\n"));
    show_next_id();
    int id = msgget(IPC_PRIVATE, 0600);
    SAY("made %d", id);
    show_next_id();
    SHOW(next_id("123456789"));
    int other = msgget(IPC_PRIVATE, 0600);
    SAY("another %d", other >= 0 && other != id);
    show_next_id();
    struct msqid_ds d = status(id);
    SAY("mode %o", d.msg_perm.mode);
    SHOW(msgctl(other, IPC_RMID, NULL));
    SHOW(msgctl(id, IPC_RMID, NULL));
    SHOW(msgctl(id, IPC_RMID, NULL));
    SHOW(next_id("-1"));
    SHOW(next_id("-2"));
    SHOW(next_id("2147483648"));
    SHOW(next_id("x"));
    show_next_id();
    if (!fork()) {
        setuid(USER);
        SHOW(next_id("5"));
        _exit(0);
    }
    reap("user");
}

int main(void)
{
    enum { KEY = 0x4d4e5712 };
    keys();
    types();
    sizes();
    commands();
    waiting();
    wanted_ids();
    int id = msgget(KEY, IPC_CREAT | 0644);
    if (!fork())
        as_user(id, KEY);
    reap("user");
    SHOW(msgctl(id, IPC_RMID, NULL));
    return 0;
}
