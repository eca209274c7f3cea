/* sendfile and copy_file_range: copying from file to file through a buffer of this server. Both
 * connections must be always ready, since a thread of this server must not wait for a program: all
 * others get -EINVAL, after which programs copy by themselves. */
#include "handlers.h"

#include "signal.h"
#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>

enum { PIECE = 16384, AT_ONCE = 1 << 20 };

/* One side of the copy. */
struct end {
    struct conn_info conn;
    unsigned fd;
    uint64_t position; /* where the next piece is read or written */
    caller_t offset;   /* the position is the program's variable; 0: the open file's own */
    uint64_t more;     /* CALL_FOR_ROOT, or 0 */
};

/* Begins one side of a copy: descriptor fd, from the position that stands at `offset` in the
 * program's memory (0: the open file's own). not_access: O_RDONLY or O_WRONLY, whichever mode is of
 * no use for this side. 0, an error, or as user_read(). */
static int64_t end_begin(struct thread *t, struct end *e, unsigned fd, caller_t offset,
                         unsigned not_access)
{
    *e = (struct end){ .fd = fd, .offset = offset };
    int64_t error = ask_conn_get(t->call, fd, &e->conn);
    if (error < 0)
        return error;
    if ((e->conn.flags & O_ACCMODE) == not_access)
        return -EBADF;
    if (!(e->conn.flags & CONN_READY))
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
    else
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
                                                    .flags = e->conn.flags | e->more |
                                                             (limit == ~0ul ? 0 : CALL_LIMITED) },
                               window, buffer, n, &r);
    if (done > 0)
        e->position = op == FS_WRITE && (e->conn.flags & O_APPEND) && r.r1 ? r.r1
                                                                           : e->position + done;
    return done;
}

/* Bytes copied, or an error if none was. At most 1 MiB a call; a signal ends it after a piece. May
 * wait. */
static int64_t copy(struct thread *t, struct end *from, struct end *to, uint64_t length)
{
    char *buffer = memory_alloc(PIECE);
    if (!buffer)
        return -ENOMEM;
    int64_t total = 0, error = 0;
    uint64_t limit = t->process->limits[RLIMIT_FSIZE].soft;
    length = MIN(length, (uint64_t)AT_ONCE);
    while ((uint64_t)total < length) {
        int64_t n = piece_transfer(from, FS_READ, WINDOW_OUT, buffer,
                                   MIN(length - total, (uint64_t)PIECE), ~0ul);
        if (n <= 0 || t->dead) {
            error = n;
            break;
        }
        to->more = t->process->i.fsuid ? 0 : CALL_FOR_ROOT;
        int64_t written = piece_transfer(to, FS_WRITE, WINDOW_IN, buffer, n, limit);
        if (written < n)
            from->position -= n - MAX(written, 0);
        if (written > 0)
            total += written;
        if (written < n || t->dead || t->attention) {
            error = written < 0 ? written : 0;
            break;
        }
    }
    memory_free(buffer);
    if (t->dead)
        return LATER;
    if (error == -EFBIG && limit != ~0ul)
        signal_self(t, SIGXFSZ);
    end_finish(t, from);
    end_finish(t, to);
    return total ? total : error;
}

int64_t linux_sendfile(struct thread *t, struct message *m)
{
    struct end from, to;
    int64_t error = end_begin(t, &from, m->w[1], m->w[2], O_WRONLY);
    if (!error)
        error = end_begin(t, &to, m->w[0], 0, O_RDONLY);
    if (!error && !(from.conn.flags & CONN_SEEKABLE))
        error = -EINVAL;
    return error ? error : copy(t, &from, &to, m->w[3]);
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
    return error ? error : copy(t, &from, &to, m->w[4]);
}
