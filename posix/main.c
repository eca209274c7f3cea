/* The personality server: start-up, and what arrives.
 *
 *   KERNEL_SYSCALL     a system call without a route; dispatched by its number
 *   KERNEL_SIGNAL      a thread that SYS_INTERRUPT has brought here, out of its program or out of a
 *                      call to another service
 *   KERNEL_EXCEPTION   a thread that did what the processor or PM forbids
 *   POSIX_...          a program's call that a terminal's driver or VFS hands up
 *   notifications      the alarm, signals of terminals, changes for poll
 *
 * The first four hold a thread's call, and go by enter(), a handler, and leave(), which delivers
 * signals if there are any. */
#include "anon.h"
#include "async.h"
#include "clock.h"
#include "core.h"
#include "cred.h"
#include "delivery.h"
#include "dnotify.h"
#include "due.h"
#include "epoll.h"
#include "epoll_set.h"
#include "exception.h"
#include "exec.h"
#include "exit.h"
#include "handlers.h"
#include "inotify.h"
#include "lease.h"
#include "load.h"
#include "locks.h"
#include "ptimer.h"
#include "ptrace.h"
#include "readiness.h"
#include "routes.h"
#include "setting.h"
#include "signal.h"
#include "signal_calls.h"
#include "signal_frame.h"
#include "signalfd.h"
#include "socket.h"
#include "syscalls.h"
#include "sysv_sem.h"
#include "trace.h"
#include "tty.h"
#include "wait.h"

enum { SERVICE_THREADS = 16, RTC_OBJECT = 135 };

#define ROUTED(number, name, status, route, note)
#define MISSING(number, name, errno, note)
#define HANDLED(number, name, status, note) [number] = linux_##name,
static const linux_t handlers[] = {
#include "syscalls.def"
};

/* Begins a handler's work for t: the call of m is held from now on. mask: what the kernel says of
 * t's mask. */
static void enter(struct thread *t, const struct message *m, uint64_t number, uint64_t mask)
{
    t->call = m->call;
    t->number = number;
    t->blocked = t->tell ? t->blocked : mask;
    t->read_end = 0;
    t->place = THREAD_HANDLED;
    t->in_event = t->interrupting = false;
}

/* Ends a handler's work for t on the call m; this is its result. Returns what the loop is to reply,
 * or LATER when nothing is to be replied: the call waits, has been answered or thrown back, or t is
 * dead. */
static int64_t leave(struct thread *t, struct message *m, int64_t result)
{
    if (t->dead) {
        if (!t->active)
            thread_free(t);
        return LATER;
    }
    if (result == LATER || result == FORWARDED)
        return result;
    if (__builtin_expect(t->attention || result <= -ERESTARTSYS, 0)) {
        result = thread_attend(t, result);
        if (result == LATER)
            return LATER;
    }
    t->place = THREAD_AWAY;
    t->call = 0;
    if (__builtin_expect(t->tell | t->waits, 0))
        thread_tell(t, reply_of(m));
    if (result != REGISTERS)
        return result;
    reply_keep(m);
    return 0;
}

/* The handler of a call that the kernel answers itself but for some cases: close, dup2 and dup3 of
 * a process that is watched, sigreturn where it is not plain, clock_gettime of a clock that names a
 * process. */
static linux_t handler_for_kernel(uint64_t number)
{
    enum { NR_RT_SIGRETURN = 15, NR_CLOCK_GETTIME = 228 };
    switch (number) {
    case NR_RT_SIGRETURN: return sigreturn_up;
    case NR_CLOCK_GETTIME: return clock_gettime_other;
    default: return close_watched;
    }
}

static int64_t do_syscall(struct message *m)
{
    struct thread *t = thread_of(m);
    uint64_t number = (uint32_t)m->position; /* CALL_MOVED may stand above it */
    if (__builtin_expect(!t, 0))
        return -ENOSYS;
    linux_t handler = number < ARRAY_SIZE(handlers) && handlers[number]
                          ? handlers[number]
                          : handler_for_kernel(number);
    enter(t, m, number, m->object);
    t->active++;
    int64_t result = handler(t, m);
    t->active--;
    return leave(t, m, result);
}

/* Runs a handler for a thread that comes by other ways than a system call without a route: in
 * `number`, or NO_SYSCALL. The result is treated alike. */
static int64_t run_handler(struct thread *t, struct message *m, uint64_t number, uint64_t mask,
                           linux_t handler)
{
    enter(t, m, number, mask);
    t->active++;
    int64_t result = handler(t, m);
    t->active--;
    return leave(t, m, result);
}

/* For what the kernel has the thread call. -ESRCH: the thread is of no process here. */
static int64_t with_thread(struct message *m, linux_t handler)
{
    struct thread *t = thread_of(m);
    if (!t)
        return -ESRCH;
    enter(t, m, NO_SYSCALL, m->object);
    t->in_event = true;
    t->active++;
    int64_t result = handler(t, m);
    t->active--;
    return leave(t, m, result);
}

/* For a call that another service hands up, which knows nothing of masks. */
static int64_t handed_up(struct message *m, linux_t handler)
{
    struct thread *t = thread_of(m);
    return t ? run_handler(t, m, NO_SYSCALL, thread_mask(t), handler) : -ESRCH;
}

/* KERNEL_SIGNAL: t was interrupted, or has changed its mask. w0: the number of the system call that
 * was interrupted, negative when t was in none; w2: EPIPE or EFBIG, if that call has failed so,
 * because a signal goes with these errors; EINTR, if the call had a time limit: it is not made
 * again. w3: what the call had moved; more than 32 bits: it was one for many messages. */
static int64_t signal_arrived(struct thread *t, struct message *m)
{
    t->number = m->w[0];
    thread_recheck(t);
    if (m->w[3] >> 32)
        messages_interrupted(t, m->w[3]);
    if (t->process->core)
        return REGISTERS;
    if (m->w[2] == EINTR) { /* so it has ended, also if no handler runs: after a stop */
        registers_finish(t, -EINTR);
        t->number = NO_SYSCALL;
        return REGISTERS;
    }
    if (m->w[2])
        signal_self(t, m->w[2] == EPIPE ? SIGPIPE : SIGXFSZ);
    if (t->trace)
        return ptrace_arrived(t, m);
    return (int64_t)m->w[0] < 0 ? REGISTERS : -ERESTARTSYS;
}

static int64_t do_epoll_wait(struct message *m)
{
    enum { NR_EPOLL_PWAIT = 281 };
    struct thread *t = thread_of(m);
    return t ? run_handler(t, m, NR_EPOLL_PWAIT, m->w[0], epoll_pwait) : -ESRCH;
}

static int64_t do_entry(struct message *m) { return with_thread(m, ptrace_entry); }
static int64_t do_signal(struct message *m) { return with_thread(m, signal_arrived); }
static int64_t do_exception(struct message *m) { return with_thread(m, exception_arrived); }
static int64_t do_tty_control(struct message *m) { return handed_up(m, tty_control); }
static int64_t do_tty_open(struct message *m) { return handed_up(m, tty_open); }
static int64_t do_tty_stop(struct message *m) { return handed_up(m, tty_stop); }
static int64_t do_socket_done(struct message *m) { return handed_up(m, socket_done); }
static int64_t do_socket_send(struct message *m) { return handed_up(m, socket_send); }
static int64_t do_set(struct message *m) { return handed_up(m, setting_write); }
static int64_t do_lease(struct message *m) { return handed_up(m, lease_break); }
static int64_t do_tty_name(struct message *m) { return handed_up(m, tty_name); }

static void notified(uint64_t bits)
{
    if (bits & 1ul << BIT_POLL)
        readiness_notified();
    if (bits & 1ul << NOTIFY_ALARM)
        timers_run();
    if (bits & 1ul << BIT_TTY)
        tty_pull();
    if (bits & 1ul << BIT_FILES)
        inotify_notified();
    if (bits & (1ul << BIT_POLL | 1ul << BIT_DUE | 1ul << BIT_FILES))
        due_run(bits & (1ul << BIT_POLL | 1ul << BIT_FILES));
}

/* KERNEL_RELEASE: the last descriptor of an open file has gone, which is watched, or this
 * service's own. */
static void released(const struct message *m)
{
    if (!(m->flags & CONN_WATCH)) {
        anon_release(m->object);
        return;
    }
    locks_release(m);
    lease_release(m->w[0]);
    dnotify_release(m->w[0]);
    async_release(m->w[0]);
    interests_drop_file(m->w[0]);
}

static void set_wall_clock(void)
{
    endpoint_t rtc = service_find("rtc");
    int64_t seconds = 0;
    struct call_result r;
    if (!rtc || call_window(rtc, &(struct call_args){ .op = FS_READ, .object = RTC_OBJECT },
                            WINDOW_OUT, &seconds, sizeof seconds, &r) != sizeof seconds) {
        print("no wall clock");
        return;
    }
    wall_set(seconds * SECOND);
}

static void start_init(void)
{
    endpoint_t pm = service_find("pm");
    struct process *p = process_create(NULL);
    struct call_result r;
    int64_t task = call_window(pm, &(struct call_args){ .op = PM_SPAWN }, WINDOW_NONE, NULL, 0, &r);
    if (task < 0)
        die("no task for init: %ld", task);
    init_process = p;
    p->i.task = task;
    struct thread *t = thread_create(p, r.r1, p->i.pid, NULL);
    process_words(p);
    cred_tell(p);
    t->active++;
    int64_t result = exec_init(t);
    t->active--;
    if (result != REGISTERS)
        die("/sbin/init does not start: %ld", result);
    thread_finish(t, result);
}

static void start(void *unused)
{
    (void)unused;
    set_wall_clock();
    start_init();
}

int main(void)
{
    static const handler_t kernel_handlers[] = {
        [op_number(KERNEL_SIGNAL)] = do_signal,
        [op_number(KERNEL_EXCEPTION)] = do_exception,
        [op_number(KERNEL_ENTRY)] = do_entry,
        [op_number(KERNEL_SYSCALL)] = do_syscall,
    };
    static const handler_t posix_handlers[] = {
        [op_number(POSIX_TTY_CONTROL)] = do_tty_control,
        [op_number(POSIX_TTY_OPEN)] = do_tty_open,
        [op_number(POSIX_TTY_STOP)] = do_tty_stop,
        [op_number(POSIX_TTY_NAME)] = do_tty_name,
        [op_number(POSIX_SOCKET_DONE)] = do_socket_done,
        [op_number(POSIX_SOCKET_SEND)] = do_socket_send,
        [op_number(POSIX_SET)] = do_set,
        [op_number(POSIX_LEASE)] = do_lease,
    };
    static const handler_t epoll_handlers[] = { [op_number(EPOLL_WAIT)] = do_epoll_wait };
    const struct protocol protocols[] = {
        PROTOCOL_TABLE(KERNEL, kernel_handlers),
        PROTOCOL_TABLE(POSIX, posix_handlers),
        PROTOCOL_TABLE(EPOLL, epoll_handlers),
        anon_protocol,
    };
    processes_start();
    static const struct signal_effects effects = { process_exit, core_begin,   core_attend,
                                                   wait_notify,  ptimer_taken, signalfd_told };
    delivery_start(&effects);
    static const struct trace_effects trace_effects = { wait_notify_tracer };
    trace_start(&trace_effects);
    frame_init();
    readiness_start();
    due_start();
    anon_start();
    inotify_start();
    routes_install();
    sem_service_start();
    load_start();
    thread_start(start, NULL);
    service_run(&(struct service){ .protocols = protocols,
                                   .count = ARRAY_SIZE(protocols),
                                   .threads = SERVICE_THREADS,
                                   .notify = notified,
                                   .release = released });
}
