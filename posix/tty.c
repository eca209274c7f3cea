/* Controlling terminals.
 *
 * The driver of a terminal has the line discipline, the echo, and the signals of keys. This file
 * decides which session a terminal belongs to and which group is in the foreground, and tells the
 * driver (TTY_SET). The driver compares that with the label of each caller, which the kernel has
 * from process_label(). Calls that need more go to this server, by protocol POSIX:
 *
 *   TTY_CONTROL   from drivers: an ioctl of job control
 *   TTY_STOP      from drivers: a read or write from the background. The caller's group gets a
 *                 signal (SIGTTIN, SIGTTOU), or the call fails with -EIO, or, if the caller ignores
 *                 the signal, the call goes on (let_pass)
 *   TTY_OPEN      from VFS: an open, which may make the terminal the caller's controlling one
 *   TTY_NAME      from VFS: an open of /dev/tty, which opens the caller's terminal
 *
 * Signals of keys go another way: the driver notifies, and tty_pull() fetches them (TTY_PULL). */
#include "tty.h"
#include "capability.h"

#include "signal.h"
#include "delivery.h"
#include "handlers.h"
#include "device_table.h"
#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>
#include <minnow/tty.h>

/* As many as there can be, since one without a session needs no entry. */
enum { TERMINALS = DEV_PTS_COUNT + 16 };

struct terminal {
    uint64_t rdev;
    uint32_t session, group;
};
static struct terminal terminals[TERMINALS];

static endpoint_t driver(uint64_t rdev)
{
    uint64_t object;
    const struct device *d = device_find(rdev, &object);
    return d ? service_find(d->service) : 0;
}

/* The entry of a terminal, which is made if there is none; one without a session gives its place.
 * NULL: the table is full. */
static struct terminal *terminal_find(uint64_t rdev)
{
    struct terminal *free = NULL;
    for (unsigned i = 0; i < TERMINALS; i++) {
        if (terminals[i].rdev == rdev)
            return &terminals[i];
        if (!terminals[i].session && !free)
            free = &terminals[i];
    }
    if (free)
        *free = (struct terminal){ .rdev = rdev };
    return free;
}

/* Tells the driver who has its terminal. 0, or why the terminal cannot be opened. May wait. */
static int64_t tell_driver(uint64_t rdev, unsigned session, unsigned group)
{
    return call_window(driver(rdev),
                       &(struct call_args){ .op = TTY_SET, .w0 = session, .object = rdev },
                       WINDOW_NONE, (void *)(uint64_t)group, 0, NULL);
}

/* Publishes for all processes of a session which terminal they have, and its foreground group. */
static void publish(unsigned session, uint64_t rdev, uint32_t group)
{
    FOR_EACH_PROCESS(p)
    if (p->i.sid == session) {
        p->i.tty = rdev;
        p->i.tty_pgrp = group;
    }
}

/* The terminal is a session's from now on, and this group in the foreground; session 0: nobody's.
 */
static void note(struct terminal *y, unsigned session, unsigned group)
{
    if (y->session && y->session != session)
        publish(y->session, 0, 0);
    y->session = session;
    y->group = group;
    if (session)
        publish(session, y->rdev, group);
}

/* Gives the terminal to a session and a foreground group. This is noted before the driver is told,
 * which may be long at work for others: meanwhile y is not given to another terminal, nor the
 * terminal to another session, and the end of this one takes it back. 0, or what the driver says.
 * May wait. */
static int64_t terminal_set(struct terminal *y, unsigned session, unsigned group)
{
    const struct terminal before = *y;
    note(y, session, group);
    int64_t error = tell_driver(before.rdev, session, group);
    if (error && y->rdev == before.rdev && y->session == session)
        note(y, before.session, before.group);
    return error;
}

/* Makes the terminal the controlling one of p, which must lead a session without one. 0, -EPERM,
 * -ENOMEM, or what the driver says. May wait. */
static int64_t acquire(struct process *p, uint64_t rdev, bool steal)
{
    struct terminal *y = terminal_find(rdev);
    if (!y)
        return -ENOMEM;
    if (p->i.sid == y->session && p->i.tty == rdev)
        return 0;
    if (p->i.sid != p->i.pid || p->i.tty)
        return -EPERM;
    if (y->session && y->session != p->i.sid && !(steal && capable(p, CAP_SYS_ADMIN)))
        return -EPERM;
    return terminal_set(y, p->i.sid, p->i.pgid);
}

static void hang_up_group(unsigned group)
{
    signal_group(group, SIGHUP);
    signal_group(group, SIGCONT);
}

void tty_leader_exits(struct process *leader)
{
    if (leader->hung_up_group)
        hang_up_group(leader->hung_up_group);
    if (!leader->i.tty)
        return;
    struct terminal *y = terminal_find(leader->i.tty);
    if (!y || y->session != leader->i.sid)
        return;
    unsigned group = y->group;
    publish(y->session, 0, 0);
    leader->i.tty = 0;
    y->session = y->group = 0;
    tell_driver(y->rdev, 0, 0);
    if (group)
        hang_up_group(group);
}

/* The line of terminal rdev has gone. Its session has no terminal any more, and its leader is told;
 * the group that was in the foreground is when the leader ends. May wait. */
static void hung_up(uint64_t rdev)
{
    struct terminal *y = terminal_find(rdev);
    if (!y || !y->session)
        return;
    unsigned session = y->session, group = y->group;
    y->session = y->group = 0;
    publish(session, 0, 0);
    struct process *leader = process_find(session);
    if (leader)
        leader->hung_up_group = group;
    for (int i = 0; i < 2 && leader && !leader->zombie; i++) {
        signal_kernel(leader, i == 0 ? SIGHUP : SIGCONT);
        leader = process_find(session);
    }
}

/* vhangup: the session of the caller loses its terminal as if the line had gone. */
int64_t linux_vhangup(struct thread *t, struct message *m)
{
    uint64_t rdev = t->process->i.tty;
    (void)m;
    if (!capable(t->process, CAP_SYS_TTY_CONFIG))
        return -EPERM;
    if (rdev)
        hung_up(rdev);
    const struct terminal *y = rdev ? terminal_find(rdev) : NULL;
    if (y && !y->session)
        tell_driver(rdev, 0, 0);
    return t->dead ? LATER : 0;
}

/* Takes the terminal from p, and, if p leads its session, from the session. May wait. */
static void tty_leave(struct process *p)
{
    if (p->i.sid == p->i.pid)
        tty_leader_exits(p);
    p->i.tty = p->i.tty_pgrp = 0;
}

/* Decides what becomes of t, which is in the background and reads from the terminal (sig is
 * SIGTTIN), or writes to or changes it (SIGTTOU). 0: t may go on; -EIO; or a restart code: the
 * group of t has been sent the signal. May wait. */
static int64_t background(struct thread *t, int sig)
{
    struct process *p = t->process;
    if ((t->blocked & BIT(sig)) || p->actions[sig - 1].handler == SIG_IGN)
        return sig == SIGTTOU ? 0 : -EIO;
    if (group_orphaned(p->i.pgid, NULL))
        return -EIO;
    signal_group(p->i.pgid, sig);
    return -ERESTARTSYS;
}

static int64_t set_foreground(struct thread *t, struct terminal *y, caller_t argument)
{
    struct process *p = t->process;
    int group;
    int64_t error = user_read(t, argument, &group, sizeof group);
    if (error)
        return error;
    if (y->session != p->i.sid || p->i.tty != y->rdev)
        return -ENOTTY;
    if (group < 0)
        return -EINVAL;
    if (p->i.pgid != y->group && (error = background(t, SIGTTOU))) {
        t->number = handed_up_number(t);
        return error;
    }
    if (!group_exists(group, p->i.sid)) {
        for (struct process *x = table->process; x < processes_end; x++)
            if (x->i.pid && x->i.pgid == (unsigned)group)
                return -EPERM;
        return -ESRCH;
    }
    return terminal_set(y, p->i.sid, group);
}

int64_t tty_control(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    uint64_t request = (uint32_t)m->w[0];
    struct terminal *y = terminal_find(m->object);
    if (!y)
        return -ENOTTY;
    bool own = y->session && y->session == p->i.sid && p->i.tty == y->rdev, by_master = m->w[2];
    switch (request) {
    case TIOCSCTTY: return acquire(p, y->rdev, m->w[1] == 1);
    case TIOCNOTTY:
        if (!own || by_master)
            return -ENOTTY;
        tty_leave(p);
        return 0;
    case TIOCGPGRP:
        return own || by_master ? user_write(t, m->w[1], &y->group, sizeof y->group) : -ENOTTY;
    case TIOCGSID:
        return own || (by_master && y->session)
                   ? user_write(t, m->w[1], &y->session, sizeof y->session)
                   : -ENOTTY;
    case TIOCSPGRP: return set_foreground(t, y, m->w[1]);
    default: return -ENOTTY;
    }
}

/* Forwards an open to the driver of terminal rdev, which connects the caller. LATER, or -ENXIO. */
static int64_t hand_to_driver(struct thread *t, struct message *m, uint64_t rdev, uint64_t flags)
{
    m->op = TTY_CONNECT;
    m->object = rdev;
    m->w[0] = flags;
    return forward(m, driver(rdev)) < 0 ? -ENXIO : thread_gone(t);
}

int64_t tty_open(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    uint64_t flags = m->w[0], rdev = m->w[1];
    struct terminal *y = terminal_find(rdev);
    if (y && p->i.sid == p->i.pid && !p->i.tty && !y->session)
        acquire(p, rdev, false);
    return t->dead ? LATER : hand_to_driver(t, m, rdev, flags);
}

int64_t tty_name(struct thread *t, struct message *m)
{
    uint64_t rdev = t->process->i.tty;
    return rdev ? hand_to_driver(t, m, rdev, m->w[0]) : -ENXIO;
}

/* Lets the call of t pass although t is in the background: it is sent again with the label of the
 * foreground. Returns LATER. */
static int64_t let_pass(struct thread *t, const struct terminal *y)
{
    struct process *p = t->process;
    ask_task_set(p->i.task, TASK_LABEL, (uint64_t)y->group << 32 | y->session);
    sys_retry(t->call);
    process_label(p);
    return thread_gone(t);
}

int64_t tty_stop(struct thread *t, struct message *m)
{
    int sig = m->w[0];
    struct terminal *y = terminal_find(m->w[1]);
    if ((sig != SIGTTIN && sig != SIGTTOU) || !y)
        return -EIO;
    t->number = handed_up_number(t);
    int64_t error = background(t, sig);
    if (t->dead)
        return LATER;
    return error ? error : let_pass(t, y);
}

/* Fetches one driver's signals, and sends them, until there are none. */
static void driver_pull(endpoint_t from)
{
    struct call_result r;
    while (from &&
           call_window(from, &(struct call_args){ .op = TTY_PULL }, WINDOW_NONE, NULL, 0, &r) >=
               0 &&
           (r.r1 || r.r3)) {
        if (r.r3)
            hung_up(r.r3);
        for (int sig = 1; sig <= SIGNALS; sig++)
            if ((r.r1 >> sig & 1) && r.r2)
                signal_group(r.r2, sig);
    }
}

void tty_pull(void)
{
    for (const struct device *d = NULL; (d = device_next(d));)
        if (d->kind == DEVICE_TERMINAL && d->number == d->object)
            driver_pull(service_find(d->service));
}
