/* Terminals for their callers: protocols FS and TTY, and the calls that wait. See terminal.h.
 *
 *     what waits   where it stands      until
 *     a read       readers, in order    terminal_may_read(), or its time is over
 *     a write      writes               see writes.c; the output is stopped, or a key has sent a
 *                                       signal: it ends short
 *     an ioctl     drainers             all output has gone
 *     a poll       poll                 events_now(): the service that asked is told, once
 *
 * terminal_settle() looks at all of them, after everything that may end a wait. Input leaves the
 * ring only when the kernel has accepted the reply to the reader: input that a reader did not get,
 * because it was interrupted at the last moment, is the next one's. */
#include "terminal.h"

#include <minnow/devices.h>
#include <minnow/file.h>

#include "statfs.h"

enum {
    BLOCK = 2048, /* st_blksize */
    SIGNAL_TTIN = 21,
    SIGNAL_TTOU = 22,
    TENTH_NS = SECOND / 10
};
enum { IN_EVENTS = POLLIN | POLLRDNORM, OUT_EVENTS = POLLOUT | POLLWRNORM };

static struct terminal *terminals;
static unsigned terminal_count;
static void (*driver_notify)(uint64_t bits);

static struct terminal *terminal_find(uint64_t number)
{
    for (unsigned i = 0; i < terminal_count; i++)
        if (terminals[i].number == number)
            return &terminals[i];
    return NULL;
}

/* ---- reading ---- */

/* Whether a read may end by time. */
static bool timed(const struct terminal *t)
{
    return !(t->termios.lflag & ICANON) && t->termios.cc[VTIME];
}

/* Adds a read to the end of the list; a signal may end it from now on. An earlier one of the same
 * thread, which was cancelled, goes. false: no memory. */
static bool reader_add(struct terminal *t, const struct message *m, uint64_t deadline)
{
    struct reader **at = &t->readers;
    while (*at) {
        struct reader *r = *at;
        if (call_thread(r->call) == call_thread(m->call)) {
            *at = r->next;
            memory_free(r);
        } else {
            at = &r->next;
        }
    }
    struct reader *r = memory_alloc(sizeof *r);
    if (!r)
        return false;
    *r = (struct reader){ NULL, m->call, m->w[2], deadline };
    *at = r;
    call_waits(m->call);
    return true;
}

static void reader_remove(struct terminal *t, struct reader *r)
{
    struct reader **at = &t->readers;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    memory_free(r);
}

/* Ends a read with the input that there is, which leaves the ring if the reader got it; or throws
 * the read back. */
static void give_input(struct terminal *t, call_t call, size_t length)
{
    static uint8_t bytes[TTY_INPUT];
    uint32_t used;
    size_t n = terminal_peek(t, bytes, MIN(length, sizeof bytes), &used);
    int error = n ? copy_out_call(call, 0, bytes, n) : 0;
    if (error == -EFAULT)
        throw_back(call, 0, n);
    if (!error && reply(call, n) == 0)
        terminal_consume(t, used);
    t->read_deadline = 0;
    if (t->resume)
        t->resume(t);
}

static int64_t do_read(struct message *m)
{
    struct terminal *t = terminal_find(m->object);
    if (!t)
        return -ENXIO;
    if (terminal_background(t, m))
        return terminal_hand_up(t, m, SIGNAL_TTIN);
    if (!m->w[2])
        return 0;
    while (t->readers && !call_alive(t->readers->call))
        reader_remove(t, t->readers);
    if (!t->readers && terminal_may_read(t, m->w[2], false)) {
        give_input(t, m->call, m->w[2]);
        return LATER;
    }
    if (m->flags & O_NONBLOCK) {
        if (t->readers || t->ready == t->tail || t->termios.lflag & ICANON)
            return -EAGAIN;
        give_input(t, m->call, m->w[2]);
        return LATER;
    }
    uint64_t deadline = timed(t) && !t->termios.cc[VMIN]
                            ? time_now() + t->termios.cc[VTIME] * (uint64_t)TENTH_NS
                            : 0;
    if (!reader_add(t, m, deadline))
        return -ENOMEM;
    terminal_settle(t); /* starts the timer */
    return LATER;
}

/* Starts or stops the time of the first read: with VMIN and VTIME it runs from the last byte on,
 * once there is one. */
static void start_timer(struct terminal *t)
{
    bool runs = timed(t) && t->termios.cc[VMIN] && t->ready != t->tail && t->readers;
    if (!runs)
        t->read_deadline = 0;
    else if (!t->read_deadline || t->read_deadline_head != t->head)
        t->read_deadline = time_now() + t->termios.cc[VTIME] * (uint64_t)TENTH_NS;
    t->read_deadline_head = t->head;
}

/* Ends the reads at the front of the list that need wait no longer. */
static void settle_readers(struct terminal *t)
{
    while (t->readers) {
        struct reader *r = t->readers;
        uint64_t deadline = t->termios.cc[VMIN] ? t->read_deadline : r->deadline;
        bool expired = deadline && timed(t) && time_now() >= deadline;
        if (!terminal_may_read(t, r->length, expired))
            break;
        give_input(t, r->call, r->length);
        reader_remove(t, r);
    }
}

/* Ends reads behind the first whose own time (VMIN 0) is over. */
static void expire_readers(struct terminal *t)
{
    if (!timed(t) || t->termios.cc[VMIN])
        return;
    for (struct reader *r = t->readers, *next; r; r = next) {
        next = r->next;
        if (r->deadline && time_now() >= r->deadline) {
            give_input(t, r->call, r->length);
            reader_remove(t, r);
        }
    }
}

static uint64_t alarm_set; /* when the alarm rings; 0: it is not set */

/* Sets the alarm to the first moment at which a read's time is over. */
static void set_alarm(void)
{
    uint64_t first = 0;
    for (struct terminal *t = terminals; t < terminals + terminal_count; t++) {
        if (t->read_deadline && (!first || t->read_deadline < first))
            first = t->read_deadline;
        for (struct reader *r = t->readers; r && timed(t); r = r->next)
            if (r->deadline && (!first || r->deadline < first))
                first = r->deadline;
    }
    if (first != alarm_set)
        alarm_at(alarm_set = first);
}

/* ---- writing ---- */

static bool has_room(void *of)
{
    struct terminal *t = of;
    if (terminal_output_room(t) <= TTY_ECHO_ROOM)
        t->start(t);
    return terminal_output_room(t) > TTY_ECHO_ROOM;
}

static size_t take(void *of, const uint8_t *bytes, size_t n)
{
    struct terminal *t = of;
    size_t taken = terminal_output(t, bytes, n);
    if (taken < n)
        t->start(t);
    return taken;
}

static int64_t do_write(struct message *m)
{
    struct terminal *t = terminal_find(m->object);
    if (!t)
        return -ENXIO;
    if (t->hung_up)
        return -EIO;
    if (t->termios.lflag & TOSTOP && terminal_background(t, m))
        return terminal_hand_up(t, m, SIGNAL_TTOU);
    int64_t result = writes_begin(&t->writes, m, terminal_stopped(t));
    terminal_settle(t);
    return result;
}

/* Repeats the ioctls that waited for the end of the output. */
static void settle_drainers(struct terminal *t)
{
    while (t->drainers.first && (t->hung_up || !terminal_output_waiting(t))) {
        struct message m = t->drainers.first->m;
        pending_remove(&t->drainers, t->drainers.first);
        int64_t result = call_alive(m.call) ? terminal_ioctl(t, &m) : LATER;
        if (result != LATER)
            reply(m.call, result);
    }
}

/* ---- poll ---- */

static uint64_t events_now(const struct terminal *t)
{
    uint64_t events = terminal_may_read(t, t->termios.cc[VTIME] ? 1 : TTY_INPUT, false) ? IN_EVENTS
                                                                                        : 0;
    if (!(t->termios.lflag & ICANON) && t->ready == t->tail)
        events = 0; /* VMIN 0: a read would not wait, but would get nothing */
    if (t->hung_up)
        return IN_EVENTS | OUT_EVENTS | POLLERR | POLLHUP;
    return terminal_output_room(t) > TTY_ECHO_ROOM ? events | OUT_EVENTS : events;
}

static int64_t do_poll(struct message *m)
{
    struct terminal *t = terminal_find(m->object);
    if (!t)
        return -ENXIO;
    uint64_t now = events_now(t);
    t->poll_seen = now;
    t->poll_ready = t->ready;
    return pollable_answer(&t->poll, m, now);
}

/* Tells of events that hold, and of those that have happened since somebody asked: more input, and
 * room where there was none. */
static void tell_polls(struct terminal *t)
{
    uint64_t now = events_now(t);
    uint16_t more = t->ready != t->poll_ready ? IN_EVENTS : 0;
    pollable_changed(&t->poll, now);
    pollable_happened(&t->poll, now & (uint16_t)(~t->poll_seen | more));
    t->poll_seen = now;
    t->poll_ready = t->ready;
}

/* ---- settling ---- */

void terminal_settle(struct terminal *t)
{
    if (terminal_output_waiting(t))
        t->start(t);
    writes_settle(&t->writes, terminal_stopped(t) || t->signals);
    settle_drainers(t);
    settle_readers(t);
    if (pollable_watched(&t->poll))
        tell_polls(t);
    if ((t->signals || t->lost) && !t->signals_told) {
        t->signals_told = true;
        notify(terminal_posix, BIT_TTY);
    }
    if (timed(t) || t->read_deadline) {
        start_timer(t);
        set_alarm();
    }
    if (terminal_output_waiting(t))
        t->start(t);
}

void terminal_hang_up(struct terminal *t)
{
    t->hung_up = true;
    t->lost = t->session != 0;
    t->signals_told = false;
    t->session = t->group = 0;
    terminal_flush_input(t);
    terminal_drop(t, TTY_OUTPUT);
    for (; t->readers; reader_remove(t, t->readers))
        reply(t->readers->call, -EIO);
    writes_fail(&t->writes, -EIO);
    terminal_settle(t);
}

void terminal_notified(uint64_t bits)
{
    if (bits >> NOTIFY_ALARM & 1) {
        alarm_set = 0;
        for (struct terminal *t = terminals; t < terminals + terminal_count; t++) {
            settle_readers(t);
            expire_readers(t);
            start_timer(t);
        }
        set_alarm();
    }
    if (driver_notify)
        driver_notify(bits);
}

/* ---- the rest of the protocols ---- */

static int64_t do_open(struct message *m)
{
    struct terminal *t = terminal_find(m->object);
    uint32_t flags = m->op == TTY_CONNECT ? m->w[0] : m->w[1];
    if (!t)
        return -ENXIO;
    if (t->closed)
        return t->closed;
    t->hung_up = false;
    int64_t descriptor = connect(m, t->number,
                                 flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC));
    if (descriptor >= 0 && t->opened)
        t->opened(t);
    return descriptor;
}

static int64_t do_stat(struct message *m)
{
    uint64_t rdev = m->object;
    struct stat s = { .dev = DEVFS_DEV,
                      .ino = rdev,
                      .nlink = 1,
                      .mode = S_IFCHR | 0620,
                      .rdev = rdev,
                      .blksize = BLOCK };
    return terminal_find(m->object) ? copy_out(m, 0, &s, sizeof s) : -ENXIO;
}

static int64_t do_statfs(struct message *m)
{
    return statfs_without_disk(m, m->object >= DEV_PTS ? DEVPTS_MAGIC : DEVTMPFS_MAGIC);
}

static int64_t do_ioctl(struct message *m)
{
    struct terminal *t = terminal_find(m->object);
    int64_t result = t ? terminal_ioctl(t, m) : -ENXIO;
    if (t)
        terminal_settle(t);
    return result;
}

static int64_t do_seek(struct message *m) { return terminal_find(m->object) ? -ESPIPE : -ENXIO; }
static int64_t do_invalid(struct message *m) { return terminal_find(m->object) ? -EINVAL : -ENXIO; }
static int64_t do_no_directory(struct message *m)
{
    return terminal_find(m->object) ? -ENOTDIR : -ENXIO;
}

static int64_t do_set(struct message *m)
{
    struct terminal *t = terminal_find(m->object);
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    if (!t)
        return -ENXIO;
    if (t->closed && m->w[0])
        return t->closed;
    t->session = m->w[0];
    t->group = m->w[1];
    return 0;
}

static int64_t do_pull(struct message *m)
{
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    for (struct terminal *t = terminals; t < terminals + terminal_count; t++)
        if (t->signals || t->lost) {
            reply_words(m, t->signals, t->signals_group, t->lost ? t->number : 0);
            t->signals = 0;
            t->lost = false;
            return 0;
        }
    reply_words(m, 0, 0, 0);
    return 0;
}

const handler_t terminal_fs[TERMINAL_FS_HANDLERS] = {
    [op_number(FS_READ)] = do_read,          [op_number(FS_WRITE)] = do_write,
    [op_number(FS_SEEK)] = do_seek,          [op_number(FS_STAT)] = do_stat,
    [op_number(FS_SYNC)] = do_invalid,       [op_number(FS_TRUNCATE)] = do_invalid,
    [op_number(FS_DENTS)] = do_no_directory, [op_number(FS_IOCTL)] = do_ioctl,
    [op_number(FS_POLL)] = do_poll,          [op_number(FS_OPEN)] = do_open,
    [op_number(FS_CHANGED)] = pollable_list, [op_number(FS_DENTS_OLD)] = do_no_directory,
    [op_number(FS_STATFS)] = do_statfs,
};

static const handler_t tty_handlers[] = {
    [op_number(TTY_SET)] = do_set,
    [op_number(TTY_PULL)] = do_pull,
    [op_number(TTY_CONNECT)] = do_open,
};
const struct protocol terminal_tty = PROTOCOL_TABLE(TTY, tty_handlers);

void terminal_fresh(struct terminal *t)
{
    terminal_flush_input(t);
    terminal_drop(t, TTY_OUTPUT);
    t->column = 0;
    t->winsize = (struct winsize){ 0 };
    t->hung_up = t->stopped = t->stopped_by_call = false;
    t->session = t->group = 0;
    t->signals = t->happened = 0;
    terminal_init(t);
}

void terminal_start(struct terminal *list, unsigned count)
{
    terminals = list;
    terminal_count = count;
    terminal_posix = service_find("posix");
    for (unsigned i = 0; i < count; i++) {
        list[i].writes = (struct writes){ .has_room = has_room, .take = take, .of = &list[i] };
        terminal_init(&list[i]);
    }
    pollable_start();
}

void terminal_serve(struct terminal *list, unsigned count, void (*notify_driver)(uint64_t bits))
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, terminal_fs),
                                                 PROTOCOL_TABLE(TTY, tty_handlers) };
    driver_notify = notify_driver;
    terminal_start(list, count);
    service_run(&(struct service){ .protocols = protocols,
                                   .count = ARRAY_SIZE(protocols),
                                   .threads = 1,
                                   .notify = terminal_notified });
}
