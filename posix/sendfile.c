/* sendfile, copy_file_range, splice: copying from file to file through a buffer of this server. A
 * thread of this server must not wait for a program, so a connection must be always ready, or a
 * pipe's or a socket's. Of those nothing is waited for: if nothing can be done, the program's
 * thread waits as in a poll, and the call is made again (poll_again). All others get -EINVAL, after
 * which programs copy by themselves. tee and splice between pipes are done by the pipes' server. */
#include "handlers.h"
#include "poll.h"

#include "signal.h"
#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>
#include <minnow/socket.h>

enum { PIECE = 16384, AT_ONCE = 1 << 20 };
enum { SPLICE_F_NONBLOCK = 2, SPLICE_F_ALL = 15, NR_READV = 19, NR_WRITEV = 20 };

/* One side of the copy. */
struct end {
    struct conn_info conn;
    unsigned fd;
    uint64_t position; /* where the next piece is read or written */
    caller_t offset;   /* the position is the program's variable; 0: the open file's own */
    uint64_t more;     /* CALL_FOR_ROOT, or 0 */
    endpoint_t task;   /* for which the copy is made: what files of /proc show goes by that */
    bool refuses;      /* has answered -EAGAIN */
};

static bool is_pipe(const struct end *e) { return e->conn.service == service_find("pipe"); }
static bool is_socket(const struct end *e) { return e->conn.service == service_find("local"); }
/* What comes through has no place in a file. */
static bool is_stream(const struct end *e) { return is_pipe(e) || is_socket(e); }

/* Begins one side of a copy: descriptor fd, from the position that stands at `offset` in the
 * program's memory (0: the open file's own). not_access: O_RDONLY or O_WRONLY, whichever mode is of
 * no use for this side. 0, an error, or as user_read(). */
static int64_t end_begin(struct thread *t, struct end *e, unsigned fd, caller_t offset,
                         unsigned not_access)
{
    *e = (struct end){ .fd = fd, .offset = offset, .task = t->process->i.task };
    int64_t error = ask_conn_get(t->call, fd, &e->conn);
    if (error < 0)
        return error;
    if ((e->conn.flags & O_ACCMODE) == not_access || e->conn.flags & O_PATH)
        return -EBADF;
    if (is_stream(e))
        e->conn.flags |= O_NONBLOCK;
    else if (!(e->conn.flags & CONN_READY))
        return -EINVAL;
    e->position = e->conn.position;
    if (!offset)
        return 0;
    if (!(e->conn.flags & (CONN_SEEKABLE | CONN_OFFSETS)))
        return -ESPIPE;
    if ((error = user_read(t, offset, &e->position, sizeof e->position)) ||
        (error = user_probe(t, offset, sizeof e->position)))
        return error;
    return (int64_t)e->position < 0 ? -EINVAL : 0;
}

/* Writes the position back, to where end_begin() had it from. */
static void end_finish(struct thread *t, struct end *e)
{
    if (e->offset)
        user_poke(t, e->offset, &e->position, sizeof e->position);
    else if (!is_stream(e))
        ask_conn_set(t->call, e->fd, CONN_SET_POSITION, e->position);
}

/* Reads or writes one piece, and moves the position on. limit: how long the file may become
 * (RLIMIT_FSIZE). Bytes, or an error. May wait. */
static int64_t piece_transfer(struct end *e, uint64_t op, enum window window, void *buffer,
                              size_t n, uint64_t limit)
{
    struct call_result r = { 0 };
    int64_t done = call_window(e->conn.service,
                               &(struct call_args){ .op = op,
                                                    .object = e->conn.object,
                                                    .position = e->position,
                                                    .w4 = limit,
                                                    .w5 = op == FS_READ ? e->task : 0,
                                                    .flags = e->conn.flags | e->more |
                                                             (limit == ~0ul ? 0 : CALL_LIMITED) },
                               window, buffer, n, &r);
    if (done > 0)
        e->position = op == FS_WRITE && (e->conn.flags & O_APPEND) && r.r1 ? r.r1
                                                                           : e->position + done;
    return done;
}

/* Receives a piece from a socket: MSG_PEEK, a look at it; 0, it is taken. */
static int64_t piece_receive(const struct end *from, void *buffer, size_t n, uint64_t flags)
{
    return call_window(from->conn.service,
                       &(struct call_args){ .op = SOCKET_RECEIVE,
                                            .object = from->conn.object,
                                            .w3 = flags | MSG_DONTWAIT,
                                            .flags = from->conn.flags },
                       WINDOW_OUT, buffer, n, NULL);
}

/* Sends a piece in the name of t. */
static int64_t piece_send(struct thread *t, const struct end *to, void *buffer, size_t n)
{
    const struct posix_proc *i = &t->process->i;
    return call_window(to->conn.service,
                       &(struct call_args){ .op = SOCKET_SEND,
                                            .object = to->conn.object,
                                            .w0 = (uint64_t)i->uid << 32,
                                            .w3 = MSG_DONTWAIT,
                                            .w4 = i->pid | (uint64_t)i->gid << 32,
                                            .flags = to->conn.flags },
                       WINDOW_IN, buffer, n, NULL);
}

/* Whether t is to get SIGPIPE because a socket refused a piece. */
static bool breaks_loudly(const struct end *to)
{
    int32_t type = 0;
    call_window(
        to->conn.service,
        &(struct call_args){ .op = SOCKET_OPTION, .w0 = SO_TYPE, .object = to->conn.object },
        WINDOW_OUT, &type, sizeof type, NULL);
    return type == SOCK_STREAM;
}

/* Reads one piece, of a pipe or socket without taking it out. */
static int64_t piece_read(struct end *from, void *buffer, size_t n)
{
    if (is_socket(from))
        return piece_receive(from, buffer, n, MSG_PEEK);
    if (!is_pipe(from))
        return piece_transfer(from, FS_READ, WINDOW_OUT, buffer, n, ~0ul);
    return call_window(from->conn.service,
                       &(struct call_args){ .op = PIPE_PEEK, .object = from->conn.object },
                       WINDOW_OUT, buffer, n, NULL);
}

/* Of the n bytes read to the buffer, only so many were written. */
static void piece_used(struct end *from, void *buffer, int64_t n, int64_t written)
{
    if (is_socket(from) && written > 0)
        piece_receive(from, buffer, written, 0);
    else if (is_socket(from))
        return;
    else if (is_pipe(from))
        call_object(from->conn.service, PIPE_TAKE, from->conn.object, MAX(written, 0), 0, 0);
    else
        from->position -= n - MAX(written, 0);
}

/* Bytes copied, or an error if none was. At most 1 MiB a call; a signal ends it after a piece. May
 * wait. */
static int64_t copy(struct thread *t, struct end *from, struct end *to, uint64_t length)
{
    char *buffer = memory_alloc(PIECE);
    if (!buffer)
        return -ENOMEM;
    int64_t total = 0, error = 0;
    uint64_t limit = t->process->i.limits[RLIMIT_FSIZE].soft;
    length = MIN(length, (uint64_t)AT_ONCE);
    while ((uint64_t)total < length) {
        int64_t n = piece_read(from, buffer, MIN(length - total, (uint64_t)PIECE));
        if (n > 0 && t->dead)
            piece_used(from, buffer, n, 0);
        if (n <= 0 || t->dead) {
            from->refuses = n == -EAGAIN;
            error = n;
            break;
        }
        to->more = t->process->i.fsuid ? 0 : CALL_FOR_ROOT;
        int64_t written = is_socket(to) ? piece_send(t, to, buffer, n)
                                        : piece_transfer(to, FS_WRITE, WINDOW_IN, buffer, n, limit);
        to->refuses = written == -EAGAIN;
        piece_used(from, buffer, n, written);
        if (written > 0)
            total += written;
        if (written < n || t->dead || t->attention) {
            error = written < 0 ? written : 0;
            break;
        }
    }
    memory_free(buffer);
    bool broken = error == -EPIPE && is_socket(to) && breaks_loudly(to);
    if (t->dead)
        return LATER;
    if (error == -EFBIG && limit != ~0ul)
        signal_self(t, SIGXFSZ);
    if (broken)
        signal_self(t, SIGPIPE);
    end_finish(t, from);
    end_finish(t, to);
    return total ? total : error;
}

/* The flags of a descriptor that is open. */
static uint64_t flags_of(struct thread *t, unsigned fd)
{
    struct conn_info c = { .flags = 0 };
    ask_conn_get(t->call, fd, &c);
    return c.flags;
}

/* copy(), which waits for the pipe or socket that can do nothing now. May wait. */
static int64_t copy_or_wait(struct thread *t, struct end *from, struct end *to, uint64_t length,
                            bool waits)
{
    int64_t result = copy(t, from, to, length);
    if (result != -EAGAIN || !waits)
        return result == -EISDIR ? -EINVAL : result; /* of a directory nothing can be copied */
    return from->refuses ? poll_again(t, from->fd, POLLIN) : poll_again(t, to->fd, POLLOUT);
}

int64_t linux_sendfile(struct thread *t, struct message *m)
{
    struct end from, to;
    int64_t error = end_begin(t, &from, m->w[1], m->w[2], O_WRONLY);
    if (!error)
        error = end_begin(t, &to, m->w[0], 0, O_RDONLY);
    if (!error &&
        (!(from.conn.flags & CONN_SEEKABLE) || (to.conn.flags & O_APPEND && !is_pipe(&to))))
        error = -EINVAL;
    bool waits = !error && !(flags_of(t, m->w[0]) & O_NONBLOCK);
    return error ? error : copy_or_wait(t, &from, &to, m->w[3], waits);
}

static int64_t stat_end(const struct end *e, struct stat *s)
{
    return call_window(e->conn.service,
                       &(struct call_args){ .op = FS_STAT, .object = e->conn.object }, WINDOW_OUT,
                       s, sizeof *s, NULL);
}

/* What copy_file_range demands: regular files of one file system, and ranges that do not overlap.
 * 0, and *length is cut at the end of the source; -EISDIR, -EINVAL, -EXDEV. May wait. */
static int64_t check_range(const struct end *from, const struct end *to, uint64_t *length)
{
    struct stat in, out;
    if (stat_end(from, &in) < 0 || stat_end(to, &out) < 0)
        return -EINVAL;
    if (S_ISDIR(in.mode) || S_ISDIR(out.mode))
        return -EISDIR;
    if (!S_ISREG(in.mode) || !S_ISREG(out.mode))
        return -EINVAL;
    if (in.dev != out.dev)
        return -EXDEV;
    uint64_t left = from->position < (uint64_t)in.size ? in.size - from->position : 0;
    *length = MIN(*length, left);
    bool apart = in.ino != out.ino || from->position + *length <= to->position ||
                 to->position + *length <= from->position;
    return apart || !*length ? 0 : -EINVAL;
}

int64_t linux_copy_file_range(struct thread *t, struct message *m)
{
    struct end from, to;
    if (m->w[5])
        return -EINVAL;
    int64_t error = end_begin(t, &from, m->w[0], m->w[1], O_WRONLY);
    if (!error)
        error = end_begin(t, &to, m->w[2], m->w[3], O_RDONLY);
    if (!error && (!(from.conn.flags & CONN_SEEKABLE) || !(to.conn.flags & CONN_SEEKABLE)))
        error = -EINVAL;
    if (!error && to.conn.flags & O_APPEND)
        error = -EBADF;
    uint64_t length = m->w[4];
    if (!error)
        error = check_range(&from, &to, &length);
    return error ? error : copy(t, &from, &to, length);
}

/* splice or tee (`stay`) between two pipes. */
static int64_t pipe_to_pipe(struct thread *t, struct end *from, struct end *to, uint64_t length,
                            bool stay, bool waits)
{
    if (pipe_number(from->conn.object) == pipe_number(to->conn.object))
        return -EINVAL;
    int64_t result = call_object(from->conn.service, PIPE_MOVE, from->conn.object, to->conn.object,
                                 length, stay);
    bool full = result == -ENOBUFS;
    if (t->dead)
        return LATER;
    if (result != -EAGAIN && !full)
        return result;
    if (!waits)
        return -EAGAIN;
    return full ? poll_again(t, to->fd, POLLOUT) : poll_again(t, from->fd, POLLIN);
}

/* 0 if two descriptors can be the sides of a splice with these offsets. */
static int64_t check_splice(const struct end *from, const struct end *to, caller_t from_offset,
                            caller_t to_offset)
{
    if ((is_pipe(from) && from_offset) || (is_pipe(to) && to_offset))
        return -ESPIPE;
    if (!is_pipe(from) && !is_pipe(to))
        return -EINVAL;
    if ((from_offset && !(from->conn.flags & (CONN_SEEKABLE | CONN_OFFSETS))) ||
        (to_offset && !(to->conn.flags & (CONN_SEEKABLE | CONN_OFFSETS))))
        return -EINVAL;
    return is_pipe(from) && !is_pipe(to) && to->conn.flags & O_APPEND ? -EINVAL : 0;
}

int64_t linux_splice(struct thread *t, struct message *m)
{
    struct end from, to;
    uint32_t flags = m->w[5];
    if (!m->w[4])
        return 0;
    if (flags & ~(uint32_t)SPLICE_F_ALL)
        return -EINVAL;
    int64_t error = end_begin(t, &from, m->w[0], 0, O_WRONLY);
    if (!error)
        error = end_begin(t, &to, m->w[2], 0, O_RDONLY);
    if (!error)
        error = check_splice(&from, &to, m->w[1], m->w[3]);
    if (!error && m->w[1])
        error = end_begin(t, &from, m->w[0], m->w[1], O_WRONLY);
    if (!error && m->w[3])
        error = end_begin(t, &to, m->w[2], m->w[3], O_RDONLY);
    if (error)
        return error;
    bool waits = !(flags & SPLICE_F_NONBLOCK);
    if (is_stream(&to))
        waits &= !(flags_of(t, to.fd) & O_NONBLOCK);
    if (is_stream(&from))
        waits &= !(flags_of(t, from.fd) & O_NONBLOCK);
    if (!is_pipe(&from) || !is_pipe(&to))
        return copy_or_wait(t, &from, &to, m->w[4], waits);
    return pipe_to_pipe(t, &from, &to, m->w[4], false, waits);
}

int64_t linux_tee(struct thread *t, struct message *m)
{
    struct end from, to;
    if (m->w[3] & UINT32_MAX & ~(uint64_t)SPLICE_F_ALL)
        return -EINVAL;
    if (!m->w[2])
        return 0;
    int64_t error = end_begin(t, &from, m->w[0], 0, O_WRONLY);
    if (!error)
        error = end_begin(t, &to, m->w[1], 0, O_RDONLY);
    if (!error && (!is_pipe(&from) || !is_pipe(&to)))
        error = -EINVAL;
    bool waits = !error && !(m->w[3] & SPLICE_F_NONBLOCK) &&
                 !((flags_of(t, from.fd) | flags_of(t, to.fd)) & O_NONBLOCK);
    return error ? error : pipe_to_pipe(t, &from, &to, m->w[2], true, waits);
}

/* vmsplice copies: it is a readv or writev of a pipe, and is made again as that. */
int64_t linux_vmsplice(struct thread *t, struct message *m)
{
    struct conn_info c;
    if (m->w[3] & UINT32_MAX & ~(uint64_t)SPLICE_F_ALL)
        return -EINVAL;
    if (ask_conn_get(t->call, m->w[0], &c) < 0 || c.flags & O_PATH ||
        c.service != service_find("pipe"))
        return -EBADF;
    bool reads = (c.flags & O_ACCMODE) == O_RDONLY;
    if (m->w[3] & SPLICE_F_NONBLOCK && !(c.flags & O_NONBLOCK)) {
        int64_t events = call_object(c.service, FS_POLL, c.object, POLLIN | POLLOUT, 0, 0);
        if (events >= 0 && !(events & (reads ? POLLIN | POLLHUP : POLLOUT | POLLERR)))
            return -EAGAIN;
    }
    t->number = reads ? NR_READV : NR_WRITEV;
    return -ERESTARTNOINTR;
}
