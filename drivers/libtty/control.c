/* ioctl on terminals. Requests of job control are handed up to the personality server, which
 * decides them: it knows sessions and groups, the terminal only their numbers. */
#include "terminal.h"

enum { SIGNAL_WINCH = 28, SIGNAL_TTOU = 22 };

endpoint_t terminal_posix;

/* The process group and the session of the caller stand in the message's label. */
static uint32_t caller_group(const struct message *m) { return m->label >> 32; }
static uint32_t caller_session(const struct message *m) { return (uint32_t)m->label; }

bool terminal_background(const struct terminal *t, const struct message *m)
{
    return t->session && caller_session(m) == t->session && caller_group(m) != t->group;
}

static uint64_t rdev(const struct terminal *t)
{
    return DEVICE_NUMBER(DEVICE_MAJOR(DEV_TTY1), t->minor);
}

/* Hands the call up to the personality server as `op` with these words. LATER or -EIO. */
static int64_t forward_to_posix(struct terminal *t, struct message *m, uint64_t op, uint64_t w0,
                                uint64_t w1)
{
    m->op = op;
    m->w[0] = w0;
    m->w[1] = w1;
    m->object = rdev(t);
    return forward(m, terminal_posix) < 0 ? -EIO : LATER;
}

int64_t terminal_hand_up(struct terminal *t, struct message *m, unsigned signal)
{
    return forward_to_posix(t, m, POSIX_TTY_STOP, signal, rdev(t));
}

/* Copy the request's argument from or to the caller's window. 0; or LATER, for the handler to
 * return: the call has been thrown back, or the caller has gone. */
static int64_t read_argument(const struct message *m, void *to, size_t n)
{
    int error = copy_in_call(m->call, 0, to, n);
    if (error == -EFAULT)
        throw_back(m->call, 0, n);
    return error ? LATER : 0;
}

static int64_t write_argument(const struct message *m, const void *from, size_t n)
{
    int error = copy_out_call(m->call, 0, from, n);
    if (error == -EFAULT)
        throw_back(m->call, 0, n);
    return error ? LATER : 0;
}

static int64_t write_int(const struct message *m, int n) { return write_argument(m, &n, sizeof n); }

static int64_t set_termios(struct terminal *t, const struct message *m, bool flush)
{
    struct termios new;
    int64_t error = read_argument(m, &new, sizeof new);
    if (error)
        return error;
    if (flush)
        terminal_flush_input(t);
    terminal_set_termios(t, &new);
    return 0;
}

static int64_t set_size(struct terminal *t, const struct message *m)
{
    struct winsize new;
    int64_t error = read_argument(m, &new, sizeof new);
    if (error)
        return error;
    if (memcmp(&new, &t->winsize, sizeof new) != 0)
        terminal_signal(t, SIGNAL_WINCH);
    t->winsize = new;
    return 0;
}

static int64_t flush(struct terminal *t, uint64_t which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH)
        terminal_flush_input(t);
    if (which != TCIFLUSH)
        terminal_flush_output(t);
    return 0;
}

static int64_t flow(struct terminal *t, uint64_t action)
{
    switch (action) {
    case TCOOFF: t->stopped_by_call = true; return 0;
    case TCOON: t->stopped_by_call = false; return 0;
    case TCIOFF:
    case TCION: {
        uint8_t c = t->termios.cc[action == TCIOFF ? VSTOP : VSTART];
        if (c)
            terminal_echo(t, c);
        return 0;
    }
    default: return -EINVAL;
    }
}

/* Whether the request waits until all output has gone. */
static bool waits_for_output(uint32_t request, uint64_t argument)
{
    return request == TCSETSW || request == TCSETSF || request == TCSBRKP ||
           (request == TCSBRK && argument);
}

/* Whether the request changes the terminal, which a process in the background must not do. */
static bool changes_terminal(uint32_t request)
{
    switch (request) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSBRK:
    case TCSBRKP:
    case TCXONC:
    case TCFLSH: return true;
    default: return false;
    }
}

int64_t terminal_ioctl(struct terminal *t, struct message *m)
{
    uint32_t request = m->w[1];
    if (changes_terminal(request) && terminal_background(t, m))
        return terminal_hand_up(t, m, SIGNAL_TTOU);
    if (waits_for_output(request, m->w[2]) && terminal_output_waiting(t))
        return pending_add(&t->drainers, m) ? LATER : -ENOMEM;
    switch (request) {
    case TCGETS: return write_argument(m, &t->termios, sizeof t->termios);
    case TCSETS: return set_termios(t, m, false);
    case TCSETSW: return set_termios(t, m, false);
    case TCSETSF: return set_termios(t, m, true);
    case TIOCGWINSZ: return write_argument(m, &t->winsize, sizeof t->winsize);
    case TIOCSWINSZ: return set_size(t, m);
    case TCFLSH: return flush(t, m->w[2]);
    case TCXONC: return flow(t, m->w[2]);
    case TCSBRK:
    case TCSBRKP: return 0;
    case FIONREAD: return write_int(m, terminal_readable(t));
    case TIOCOUTQ: return write_int(m, terminal_output_waiting(t));
    case TIOCSCTTY:
    case TIOCNOTTY:
    case TIOCSPGRP:
    case TIOCGPGRP:
    case TIOCGSID: return forward_to_posix(t, m, POSIX_TTY_CONTROL, request, m->w[2]);
    default: return -ENOTTY;
    }
}
