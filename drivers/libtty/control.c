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

/* Hands the call up to the personality server as `op` with these words. LATER or -EIO. */
static int64_t forward_to_posix(struct terminal *t, struct message *m, uint64_t op, uint64_t w0,
                                uint64_t w1)
{
    m->op = op;
    m->w[0] = w0;
    m->w[1] = w1;
    m->w[2] = m->object != t->number; /* the caller has the master */
    m->object = t->number;
    return forward(m, terminal_posix) < 0 ? -EIO : LATER;
}

int64_t terminal_hand_up(struct terminal *t, struct message *m, unsigned signal)
{
    return forward_to_posix(t, m, POSIX_TTY_STOP, signal, t->number);
}

int64_t terminal_argument_in(const struct message *m, void *to, size_t n)
{
    int error = copy_in_call(m->call, 0, to, n);
    if (error == -EFAULT)
        throw_back(m->call, 0, n);
    return error ? LATER : 0;
}

int64_t terminal_argument_out(const struct message *m, const void *from, size_t n)
{
    int error = copy_out_call(m->call, 0, from, n);
    if (error == -EFAULT)
        throw_back(m->call, 0, n);
    return error ? LATER : 0;
}

int64_t terminal_int_out(const struct message *m, int n)
{
    return terminal_argument_out(m, &n, sizeof n);
}

/* TCGETA: the modes as System V had them. */
static int64_t get_termio(const struct terminal *t, const struct message *m)
{
    const struct termios *from = &t->termios;
    struct termio old = { .iflag = from->iflag,
                          .oflag = from->oflag,
                          .cflag = from->cflag,
                          .lflag = from->lflag,
                          .line = from->line };
    memcpy(old.cc, from->cc, NCC);
    return terminal_argument_out(m, &old, sizeof old);
}

static void set_low(uint32_t *word, uint16_t half) { *word = *word >> 16 << 16 | half; }

/* Reads such modes; what they do not have stays in *new as it is. */
static int64_t termio_in(const struct message *m, struct termios *new)
{
    struct termio old;
    int64_t error = terminal_argument_in(m, &old, sizeof old);
    if (error)
        return error;
    set_low(&new->iflag, old.iflag);
    set_low(&new->oflag, old.oflag);
    set_low(&new->cflag, old.cflag);
    set_low(&new->lflag, old.lflag);
    new->line = old.line;
    memcpy(new->cc, old.cc, NCC);
    return 0;
}

static int64_t set_termios(struct terminal *t, const struct message *m, bool flush, bool termio)
{
    struct termios new = t->termios;
    int64_t error = termio ? termio_in(m, &new) : terminal_argument_in(m, &new, sizeof new);
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
    int64_t error = terminal_argument_in(m, &new, sizeof new);
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
    case TCOOFF: terminal_stop_by_call(t, true); return 0;
    case TCOON: terminal_stop_by_call(t, false); return 0;
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

/* TIOCSTI: a byte as if it were typed, at the caller's own terminal or by root. */
static int64_t type_in(struct terminal *t, const struct message *m)
{
    uint8_t byte;
    if (!(t->session && caller_session(m) == t->session) && !call_privileged(m->call))
        return -EPERM;
    int64_t error = terminal_argument_in(m, &byte, sizeof byte);
    if (!error)
        terminal_input(t, &byte, sizeof byte);
    return error;
}

/* Bytes of output for whose way out tcdrain() waits. */
static size_t undelivered(const struct terminal *t)
{
    return t->arrives_at_once ? 0 : terminal_output_waiting(t);
}

/* Whether the request waits until all output has gone. */
static bool waits_for_output(uint32_t request, uint64_t argument)
{
    switch (request) {
    case TCSETSW:
    case TCSETSF:
    case TCSETAW:
    case TCSETAF:
    case TCSBRKP: return true;
    case TCSBRK: return argument;
    default: return false;
    }
}

/* Whether the request changes the terminal, which a process in the background must not do. */
static bool changes_terminal(uint32_t request)
{
    switch (request) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
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
    if (t->hung_up)
        return request == TIOCSPGRP ? -ENOTTY : -EIO;
    if (changes_terminal(request) && terminal_background(t, m))
        return terminal_hand_up(t, m, SIGNAL_TTOU);
    if (waits_for_output(request, m->w[2]) && undelivered(t))
        return pending_add(&t->drainers, m) ? LATER : -ENOMEM;
    switch (request) {
    case TCGETS: return terminal_argument_out(m, &t->termios, sizeof t->termios);
    case TCSETS: return set_termios(t, m, false, false);
    case TCSETSW: return set_termios(t, m, false, false);
    case TCSETSF: return set_termios(t, m, true, false);
    case TCGETA: return get_termio(t, m);
    case TCSETA: return set_termios(t, m, false, true);
    case TCSETAW: return set_termios(t, m, false, true);
    case TCSETAF: return set_termios(t, m, true, true);
    case TIOCGWINSZ: return terminal_argument_out(m, &t->winsize, sizeof t->winsize);
    case TIOCSWINSZ: return set_size(t, m);
    case TCFLSH: return flush(t, m->w[2]);
    case TCXONC: return flow(t, m->w[2]);
    case TCSBRK:
    case TCSBRKP: return 0;
    case FIONREAD: return terminal_int_out(m, terminal_readable(t));
    case TIOCOUTQ: return terminal_int_out(m, undelivered(t));
    case TIOCGPTPEER: return -EIO; /* it is no master */
    case TIOCSTI: return type_in(t, m);
    case TIOCSCTTY:
    case TIOCNOTTY:
    case TIOCSPGRP:
    case TIOCGPGRP:
    case TIOCGSID: return forward_to_posix(t, m, POSIX_TTY_CONTROL, request, m->w[2]);
    default: return -ENOTTY;
    }
}
