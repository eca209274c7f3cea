/* The master's side of a pair. A read gets what the slave's terminal has for its device; a write
 * is what is typed there. In packet mode (TIOCPKT) a byte stands before what a read gets: 0, or,
 * with nothing behind it, bits of what has happened at the slave. */
#include "pty.h"
#include "statfs.h"

enum { SIGNAL_INT = 2, SIGNAL_QUIT = 3, SIGNAL_TSTP = 20 };
enum { IN_EVENTS = POLLIN | POLLRDNORM, OUT_EVENTS = POLLOUT | POLLWRNORM };
/* places in the input that a byte may need: with PARMRK two */
enum { INPUT_ROOM = 2 };

/* The slave has been open and is no longer. */
static bool left(const struct pair *p) { return p->was_open && !p->slaves; }

/* What a reader in packet mode has to be told of. */
static uint8_t news(const struct pair *p) { return p->packet ? p->slave->happened : 0; }

static bool has_output(const struct pair *p)
{
    return terminal_output_waiting(p->slave) && !terminal_stopped(p->slave);
}

/* ---- reading ---- */

/* Answers a read, or throws it back, if there is something for it; what its caller did not get
 * stays there. false: the read has to wait. */
static bool give(struct pair *p, call_t call, size_t length)
{
    static uint8_t bytes[1 + TTY_OUTPUT];
    struct terminal *t = p->slave;
    uint8_t control = news(p);
    size_t before = p->packet, taken = 0;
    if (!control && !has_output(p)) {
        if (left(p))
            reply(call, -EIO);
        return left(p);
    }
    bytes[0] = control;
    if (!control)
        taken = terminal_look(t, bytes + before, MIN(length, sizeof bytes) - before);
    int error = copy_out_call(call, 0, bytes, before + taken);
    if (error == -EFAULT)
        throw_back(call, 0, before + taken);
    if (error || reply(call, before + taken) < 0)
        return true;
    terminal_drop(t, taken);
    if (control)
        t->happened = 0;
    return true;
}

static int64_t do_read(struct message *m)
{
    struct pair *p = pair_of_master(m->object);
    if (!m->w[2])
        return 0;
    if (p->readers.first)
        master_serve(p); /* forgets those that have gone */
    if (!p->readers.first && give(p, m->call, m->w[2]))
        return LATER;
    if (m->flags & O_NONBLOCK)
        return -EAGAIN;
    return pending_add(&p->readers, m) ? LATER : -ENOMEM;
}

/* ---- writing ---- */

static bool has_room(void *of)
{
    struct pair *p = of;
    return terminal_input_room(p->slave) >= INPUT_ROOM;
}

/* Keys that take a character away may have the whole line looked at. */
static size_t take(void *of, const uint8_t *bytes, size_t n)
{
    enum { LOOKED_AT_ONCE = 65536 };
    struct pair *p = of;
    struct terminal *t = p->slave;
    size_t done = 0;
    t->looked_at = 0;
    while (done < n && has_room(p) && t->looked_at < LOOKED_AT_ONCE)
        terminal_input(t, bytes + done++, 1);
    p->writes.extra = t->looked_at;
    return done;
}

static int64_t do_write(struct message *m)
{
    return writes_begin(&pair_of_master(m->object)->writes, m, false);
}

void master_start(struct pair *p)
{
    p->poll.object = PTY_MASTER + number_of(p);
    p->writes = (struct writes){ .has_room = has_room, .take = take, .of = p };
}

/* ---- waiting ---- */

static uint64_t events_now(const struct pair *p)
{
    uint64_t events = has_output(p) ? IN_EVENTS : 0;
    if (news(p))
        events |= IN_EVENTS | POLLPRI;
    if (terminal_input_room(p->slave) >= INPUT_ROOM)
        events |= OUT_EVENTS;
    return left(p) ? events | POLLHUP : events;
}

static int64_t do_poll(struct message *m)
{
    struct pair *p = pair_of_master(m->object);
    p->poll_seen = events_now(p);
    p->poll_head = p->slave->out_head;
    return pollable_answer(&p->poll, m, p->poll_seen);
}

static void tell_polls(struct pair *p)
{
    uint16_t now = events_now(p), more = p->slave->out_head != p->poll_head ? IN_EVENTS : 0;
    pollable_changed(&p->poll, now);
    pollable_happened(&p->poll, now & (~p->poll_seen | more));
    p->poll_seen = now;
    p->poll_head = p->slave->out_head;
}

void master_serve(struct pair *p)
{
    while (p->readers.first) {
        struct message *m = &p->readers.first->m;
        if (call_alive(m->call) && !give(p, m->call, m->w[2]))
            break;
        pending_remove(&p->readers, p->readers.first);
    }
    if (pollable_watched(&p->poll))
        tell_polls(p);
}

void pair_settle(struct pair *p)
{
    writes_settle(&p->writes, false);
    terminal_settle(p->slave);
    master_serve(p);
}

/* ---- ioctl ---- */

static int64_t set_int(struct pair *p, struct message *m, void (*set)(struct pair *p, bool on))
{
    int32_t value;
    int64_t error = terminal_argument_in(m, &value, sizeof value);
    if (!error)
        set(p, value);
    return error;
}

static void set_packet(struct pair *p, bool on)
{
    if (on && !p->packet)
        p->slave->happened = 0;
    p->packet = on;
}

static int64_t send_signal(struct pair *p, uint64_t signal)
{
    if (signal != SIGNAL_INT && signal != SIGNAL_QUIT && signal != SIGNAL_TSTP)
        return -EINVAL;
    terminal_signal(p->slave, signal);
    return 0;
}

/* What waits to be read by the master is the slave's output. */
static int64_t flush(struct pair *p, uint64_t which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH)
        terminal_drop(p->slave, TTY_OUTPUT);
    if (which != TCIFLUSH)
        terminal_flush_input(p->slave);
    return 0;
}

/* TIOCGPTPEER: opens the slave, whatever its name is by now. */
static int64_t open_peer(struct pair *p, struct message *m)
{
    uint32_t flags = m->w[2];
    m->object = p->slave->number;
    if (flags & O_NOCTTY || pair_locked(p)) {
        m->w[1] = flags;
        m->op = FS_OPEN;
        return terminal_fs[op_number(FS_OPEN)](m);
    }
    m->op = POSIX_TTY_OPEN;
    m->w[0] = flags;
    m->w[1] = m->object;
    return forward(m, terminal_posix) < 0 ? -EIO : LATER;
}

static int64_t do_ioctl(struct message *m)
{
    struct pair *p = pair_of_master(m->object);
    switch ((uint32_t)m->w[1]) {
    case TIOCGPTN: return terminal_int_out(m, number_of(p));
    case TIOCSPTLCK: return set_int(p, m, pair_lock);
    case TIOCGPTLCK: return terminal_int_out(m, pair_locked(p));
    case TIOCGPTPEER: return open_peer(p, m);
    case TIOCPKT: return set_int(p, m, set_packet);
    case TIOCGPKT: return terminal_int_out(m, p->packet);
    case TIOCSIG: return send_signal(p, m->w[2]);
    case TCFLSH: return flush(p, m->w[2]);
    case FIONREAD: return terminal_int_out(m, terminal_output_waiting(p->slave));
    case TIOCOUTQ: return terminal_int_out(m, 0);
    default: return terminal_ioctl(p->slave, m);
    }
}

const handler_t master_handlers[FS_HANDLERS] = {
    [op_number(FS_READ)] = do_read,
    [op_number(FS_WRITE)] = do_write,
    [op_number(FS_SEEK)] = answer_espipe,
    [op_number(FS_IOCTL)] = do_ioctl,
    [op_number(FS_POLL)] = do_poll,
    [op_number(FS_OPEN)] = pair_open,
    [op_number(FS_SYNC)] = answer_einval,
    [op_number(FS_TRUNCATE)] = answer_einval,
    [op_number(FS_STATFS)] = statfs_of_device,
};
