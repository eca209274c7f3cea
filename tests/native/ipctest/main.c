/* ipctest: tests of the kernel's messages, run inside the system without a program. Each line of
 * the result is "ok NAME" or "FAILED NAME: got, wanted"; it goes to the harness in frames, as
 * vmrun's. */
#include "../ipcpeer/peer.h"
#include "../frame.h"
#include "service.h"
#include "syscalls.h"

#include <minnow/file.h>

enum { ROUNDS = 1000 };

static endpoint_t peer;
static unsigned failures;
static uint64_t notified;
static unsigned notifications;
static struct condition was_notified;
static int64_t reentered[2];
static unsigned finished;
static struct condition all_finished;

uint64_t raw_calls(endpoint_t to, uint64_t op, uint64_t rounds); /* raw.S */

static void check(const char *name, int64_t got, int64_t wanted)
{
    char line[160];
    int n = got == wanted
                ? format(line, sizeof line, "ok %s\n", name)
                : format(line, sizeof line, "FAILED %s: %ld, not %ld\n", name, got, wanted);
    failures += got != wanted;
    frame('o', line, n);
}

static int64_t window_call(uint64_t op, uint64_t w0, uint64_t w3, uint64_t w4, enum window kind,
                           void *buffer, size_t length)
{
    return call_window(peer, &(struct call_args){ .op = op, .w0 = w0, .w3 = w3, .w4 = w4 }, kind,
                       buffer, length, NULL);
}

static void test_calls(void)
{
    struct call_result r;
    int64_t sum = call_window(
        peer, &(struct call_args){ .op = PEER_ECHO, .w0 = 1, .w3 = 4, .w4 = 5, .w5 = 6 },
        WINDOW_NONE, (void *)2, 3, &r);
    check("a call carries its words", sum, 10);
    check("a reply carries three more words", r.r1 * 100 + r.r2 * 10 + r.r3, 456);
    check("an unknown operation is answered ENOSYS", call(peer, FS_HOLD, 0, 0, 0, 0), -ENOSYS);
    check("an unknown protocol is answered ENOSYS", call(peer, PM_BRK, 0, 0, 0, 0), -ENOSYS);
    check("a call that the manifest does not allow is refused",
          call(service_find("mem"), FS_READ, 0, 0, 0, 0), -EPERM);
    check("a call to nobody is refused", call(63, FS_READ, 0, 0, 0, 0), -EPERM);
    check("a call to no slot at all is refused", call(1000, FS_READ, 0, 0, 0, 0), -EPERM);
    int64_t from = call_window(
        peer, &(struct call_args){ .op = PEER_IDENTITY, .object = 11, .position = 22, .flags = 33 },
        WINDOW_NONE, NULL, 0, &r);
    check("the peer learns who calls", from, service_find("ipctest"));
    check("object, position and flags arrive", r.r1 * 10000 + r.r2 * 100 + r.r3, 112233);
}

static void test_windows(void)
{
    static uint8_t bytes[10000];
    memset(bytes, 3, sizeof bytes);
    check("an in-window is read", window_call(PEER_SUM, 0, 0, 0, WINDOW_IN, bytes, sizeof bytes),
          30000);
    check("an out-window is written", window_call(PEER_FILL, 0, 9, 0, WINDOW_OUT, bytes, 5000),
          5000);
    check("to its end", bytes[4999] * 10 + bytes[5000], 93);
    check("a copy past the window's end is refused",
          window_call(PEER_COPY_OUT_OF_BOUNDS, 90, 20, COPY_FROM_CALLER, WINDOW_IN, bytes, 100),
          -ERANGE);
    check("an offset past it too",
          window_call(PEER_COPY_OUT_OF_BOUNDS, 101, 1, COPY_FROM_CALLER, WINDOW_IN, bytes, 100),
          -ERANGE);
    check("and one that wraps around",
          window_call(PEER_COPY_OUT_OF_BOUNDS, -8, 16, COPY_FROM_CALLER, WINDOW_IN, bytes, 100),
          -ERANGE);
    check("up to the end it is allowed",
          window_call(PEER_COPY_OUT_OF_BOUNDS, 90, 10, COPY_FROM_CALLER, WINDOW_IN, bytes, 100),
          10);
    check("an in-window cannot be written",
          window_call(PEER_COPY_OUT_OF_BOUNDS, 0, 1, COPY_TO_CALLER, WINDOW_IN, bytes, 100),
          -EACCES);
    check("an out-window cannot be read",
          window_call(PEER_COPY_OUT_OF_BOUNDS, 0, 1, COPY_FROM_CALLER, WINDOW_OUT, bytes, 100),
          -EACCES);
    check("without a window nothing is copied",
          window_call(PEER_COPY_OUT_OF_BOUNDS, 0, 1, COPY_FROM_CALLER, WINDOW_NONE, bytes, 100),
          -EACCES);
    check("a window into the kernel shows nothing",
          window_call(PEER_COPY_OUT_OF_BOUNDS, 0, 8, COPY_FROM_CALLER, WINDOW_IN,
                      (void *)0xffffffff80100000, 100),
          -ERANGE);
    check("nor does one where nothing is, and the call ends",
          window_call(PEER_SUM, 0, 0, 0, WINDOW_IN, (void *)0x600000000000, 100), -EFAULT);
    struct iovec v[3] = { { (caller_t)bytes, 10 }, { 0, 0 }, { (caller_t)bytes + 20, 10 } };
    memset(bytes, 1, 100);
    check("an iovec is one buffer",
          window_call(PEER_COPY_OUT_OF_BOUNDS, 5, 10, COPY_TO_CALLER, WINDOW_OUT | WINDOW_IOVEC, v,
                      3),
          10);
    check("whose parts are written where they are",
          bytes[4] * 1000 + bytes[9] * 100 + bytes[10] * 10 + bytes[24],
          1000 + bytes[9] * 100 + 10 + bytes[24]);
    check("and whose length is their sum",
          window_call(PEER_FILL, 0, 6, 0, WINDOW_OUT | WINDOW_IOVEC, v, 3), 20);
    check("with an end",
          window_call(PEER_COPY_OUT_OF_BOUNDS, 15, 6, COPY_TO_CALLER, WINDOW_OUT | WINDOW_IOVEC, v,
                      3),
          -ERANGE);
}

static void hold_thread(void *unused)
{
    (void)unused;
    check("a held call gets its late reply", call(peer, PEER_HOLD, 0, 0, 0, 0), 77);
}

static void test_replies(void)
{
    check("a call is answered once", call(peer, PEER_REPLY_TWICE, 0, 0, 0, 0), 1);
    check("a second reply is refused", call(peer, PEER_LAST, 0, 0, 0, 0), -ESRCH);
    uint8_t byte = 0;
    check("after the reply", window_call(PEER_COPY_AFTER_REPLY, 0, 0, 0, WINDOW_OUT, &byte, 1), 1);
    check("nothing can be copied", call(peer, PEER_LAST, 0, 0, 0, 0), -ESRCH);
    check("and nothing was", byte, 0);
    check("a reply to a call that is not held is refused",
          call(peer, PEER_FORGE, 0x123450001, 0, 0, 0), -ESRCH);
    thread_start(hold_thread, NULL);
    ask_yield();
    check("others are served meanwhile", call(peer, PEER_ECHO, 1, 1, 1, 1), 4);
    check("the late reply is accepted", call(peer, PEER_RELEASE_HELD, 77, 0, 0, 0), 0);
    check("once", call(peer, PEER_RELEASE_HELD, 78, 0, 0, 0), -ESRCH);
    check("a forwarded call is answered by the third", call(peer, PEER_FORWARD, 5, 6, 7, 0), 18);
    check("one that is handed over too", call(peer, PEER_HAND_OVER, 5, 6, 7, 0), 18);
    check("to a service that may not be called it ends", call(peer, PEER_HAND_OVER, 0, 0, 0, 63),
          -ENXIO);
    check("as it does with a window that may not be moved",
          call_window(peer, &(struct call_args){ .op = PEER_HAND_OVER, .w4 = WINDOW_OUT },
                      WINDOW_OUT, &byte, 1, NULL),
          -ENXIO);
    check("and the one that handed it over serves on", call(peer, PEER_ECHO, 1, 1, 1, 1), 4);
}

static void reenter_thread(void *which)
{
    reentered[(uint64_t)which] = call(peer, PEER_REENTER, 0, 0, 0, 0);
    if (++finished == 2)
        condition_wake(&all_finished);
}

static void test_threads(void)
{
    thread_start(reenter_thread, (void *)0);
    thread_start(reenter_thread, (void *)1);
    while (finished < 2)
        condition_wait(&all_finished);
    check("a service's second thread serves while the first waits", reentered[0] + reentered[1], 4);
}

static void test_notifications(void)
{
    check("notify", call(peer, PEER_NOTIFY_ME, 0, 0, 0, 0), 0);
    while (!(notified & 1 << 6))
        condition_wait(&was_notified);
    check("bits arrive, and coalesce", notified & 0x60, 0x60);
    check("in at most as many messages", notifications <= 4, 1);
    check("a notification without right is refused", ask_notify(service_find("mem"), 1), -EPERM);
    uint64_t start = time_now();
    alarm_at(start + 2000000);
    notified = 0;
    while (!(notified >> NOTIFY_ALARM & 1))
        condition_wait(&was_notified);
    check("an alarm comes, and not early", time_now() >= start + 2000000, 1);
}

/* What the manifest of this service does not grant. */
static const struct {
    const char *name;
    unsigned number;
} refused[] = {
    { "SYS_PEEK", SYS_PEEK },
    { "SYS_POKE", SYS_POKE },
    { "SYS_AIM", SYS_AIM },
    { "SYS_REGS_GET", SYS_REGS_GET },
    { "SYS_REGS_SET", SYS_REGS_SET },
    { "SYS_THREAD_SET", SYS_THREAD_SET },
    { "SYS_TASK_SET", SYS_TASK_SET },
    { "SYS_CONTEXT_LOAD", SYS_CONTEXT_LOAD },
    { "SYS_MASK_WATCH", SYS_MASK_WATCH },
    { "SYS_INTERRUPT", SYS_INTERRUPT },
    { "SYS_ROUTES", SYS_ROUTES },
    { "SYS_CONN_GET", SYS_CONN_GET },
    { "SYS_CONN_LIST", SYS_CONN_LIST },
    { "SYS_CONN_WORDS", SYS_CONN_WORDS },
    { "SYS_CONN_SET", SYS_CONN_SET },
    { "SYS_CONN_DUP", SYS_CONN_DUP },
    { "SYS_CONN_CLOSE", SYS_CONN_CLOSE },
    { "SYS_CONN_EXEC", SYS_CONN_EXEC },
    { "SYS_TASK_CREATE", SYS_TASK_CREATE },
    { "SYS_TASK_KILL", SYS_TASK_KILL },
    { "SYS_THREAD_CREATE", SYS_THREAD_CREATE },
    { "SYS_THREAD_KILL", SYS_THREAD_KILL },
    { "SYS_TASK_SPACE", SYS_TASK_SPACE },
    { "SYS_PAGES", SYS_PAGES },
    { "SYS_PAGES_CLONE", SYS_PAGES_CLONE },
    { "SYS_FRAMES", SYS_FRAMES },
    { "SYS_FRAMES_GIVE", SYS_FRAMES_GIVE },
    { "SYS_SERVICE_CREATE", SYS_SERVICE_CREATE },
    { "SYS_SERVICE_LOAD", SYS_SERVICE_LOAD },
    { "SYS_SERVICE_START", SYS_SERVICE_START },
    { "SYS_SERVICE_KILL", SYS_SERVICE_KILL },
    { "SYS_MODULE", SYS_MODULE },
    { "SYS_IRQ_BIND", SYS_IRQ_BIND },
    { "SYS_IRQ_ACK", SYS_IRQ_ACK },
    { "SYS_PORT_IN", SYS_PORT_IN },
    { "SYS_PORT_OUT", SYS_PORT_OUT },
    { "SYS_PORT_INS", SYS_PORT_INS },
    { "SYS_PORT_OUTS", SYS_PORT_OUTS },
    { "SYS_MAP_DEVICE", SYS_MAP_DEVICE },
    { "SYS_CLOCK_SET", SYS_CLOCK_SET },
    { "SYS_INFO", SYS_INFO },
    { "SYS_HALT", SYS_HALT },
};

static void test_rights(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
        check(refused[i].name, kernel_call(refused[i].number, 1, 1, 0x400000, 4, 0, 0), -EPERM);
    check("a number behind the last", kernel_call(SYS_COUNT_, 0, 0, 0, 0, 0, 0), -ENOSYS);
    check("a huge number", kernel_call(-1, 0, 0, 0, 0, 0, 0), -ENOSYS);
    check("a port beyond all", sys_port_in(-1, 2), -EPERM);
    check("memory over the budget", sys_grow(100000, 0, NULL), -ENOMEM);
}

/* The cost of one call and its reply, in ticks of the TSC: instructions if the machine counts them.
 */
static void measure(void)
{
    uint64_t start = time_now();
    for (int i = 0; i < ROUNDS; i++)
        call(peer, PEER_ECHO, 0, 0, 0, 0);
    char line[80];
    frame('o', line,
          format(line, sizeof line, "call and reply through libservice: %lu\n",
                 (time_now() - start) / ROUNDS));
    call(peer, PEER_RAW, ROUNDS + 1, 0, 0, 0);
    start = time_now();
    raw_calls(peer, PEER_ECHO, ROUNDS);
    frame('o', line,
          format(line, sizeof line, "call and reply: %lu\n", (time_now() - start) / ROUNDS));
    call(peer, PEER_ECHO, 0, 0, 0, 0); /* the one that the peer's raw loop has already received */
}

static void run(void *unused)
{
    (void)unused;
    char line[64];
    peer = service_find("ipcpeer");
    frame('b', line, 0);
    test_calls();
    test_windows();
    test_replies();
    test_threads();
    test_notifications();
    test_rights();
    measure();
    frame('x', line, format(line, sizeof line, "exit %d", failures ? 1 : 0));
    frame('q', line, 0);
    call(service_find("rs"), RS_HALT, HALT_POWEROFF, 0, 0, 0);
}

static int64_t do_forwarded(struct message *m) { return m->w[0] + m->w[1] + m->w[2]; }

static void noticed(uint64_t bits)
{
    notified |= bits;
    notifications++;
    condition_wake(&was_notified);
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(FS_WRITE)] = do_forwarded };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    thread_start(run, NULL);
    service_run(
        &(struct service){ .protocols = protocols, .count = 1, .threads = 2, .notify = noticed });
}
