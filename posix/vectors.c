/* preadv2 and pwritev2: preadv and pwritev, which have routes, with flags. */
#include "vectors.h"

#include "handlers.h"
#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>

enum { RWF_HIPRI = 1, RWF_DSYNC = 2, RWF_SYNC = 4, RWF_APPEND = 16 };
enum { NR_READV = 19, NR_WRITEV = 20, NR_PREADV = 295, NR_PWRITEV = 296 };

/* A call without flags is an older one, of which it has the arguments: it is made again as that,
 * `at` an offset or, with an offset of -1, `here`, at the open file's own position. */
static int64_t made_again(struct thread *t, const struct message *m, unsigned at, unsigned here)
{
    t->number = m->w[3] == UINT64_MAX ? here : at;
    return -ERESTARTNOINTR;
}

int64_t vector_bytes(struct thread *t, caller_t vector, uint64_t count, uint64_t *bytes)
{
    enum { AT_ONCE = 32 };
    struct iovec v[AT_ONCE];
    *bytes = 0;
    if (count > IOV_MAX)
        return -EINVAL;
    for (uint64_t at = 0; at < count; at += AT_ONCE) {
        unsigned n = MIN(count - at, (uint64_t)AT_ONCE);
        int64_t error = user_read(t, vector + at * sizeof v[0], v, n * sizeof v[0]);
        if (error)
            return error;
        for (unsigned k = 0; k < n; k++) {
            if ((int64_t)v[k].length < 0)
                return -EINVAL;
            *bytes = MIN(*bytes + v[k].length, (uint64_t)TRANSFER_MAX);
        }
    }
    return 0;
}

int64_t linux_preadv2(struct thread *t, struct message *m)
{
    if (m->w[5] & UINT32_MAX & ~(uint64_t)RWF_HIPRI)
        return -EOPNOTSUPP;
    return made_again(t, m, NR_PREADV, NR_READV);
}

/* Makes m the write of the open file that pwritev2 asks for, but for its window. 0 or an error. */
static int64_t write_message(struct thread *t, struct message *m)
{
    struct conn_info info;
    uint32_t flags = m->w[5];
    int64_t error = ask_conn_get(t->call, m->w[0], &info);
    if (error < 0 || info.flags & O_PATH || (info.flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if (!(info.flags & (CONN_SEEKABLE | CONN_OFFSETS)))
        return -ESPIPE;
    m->op = FS_WRITE;
    m->object = info.object;
    m->position = m->w[3];
    m->flags = info.flags | (flags & RWF_APPEND ? O_APPEND : 0) |
               (flags & (RWF_DSYNC | RWF_SYNC) ? O_DSYNC : 0);
    m->w[LIMIT_WORD] = t->process->i.limits[RLIMIT_FSIZE].soft;
    if (m->w[LIMIT_WORD] != UINT64_MAX)
        m->flags |= CALL_LIMITED;
    m->from = info.service; /* whom it is for */
    return 0;
}

int64_t linux_pwritev2(struct thread *t, struct message *m)
{
    uint32_t flags = m->w[5] & ~(uint64_t)RWF_HIPRI;
    if (!flags)
        return made_again(t, m, NR_PWRITEV, NR_WRITEV);
    if (flags & ~(uint32_t)(RWF_DSYNC | RWF_SYNC | RWF_APPEND) || m->w[3] == UINT64_MAX)
        return -EOPNOTSUPP;
    if ((int64_t)m->w[3] < 0)
        return -EINVAL;
    uint64_t bytes, count = m->w[2];
    int64_t error = vector_bytes(t, m->w[1], count, &bytes);
    if (!error)
        error = write_message(t, m);
    if (error)
        return error;
    if (sys_aim(m->call, m->w[1], count, WINDOW_IN | WINDOW_IOVEC) < 0)
        return -EFAULT;
    m->w[2] = bytes;
    return forward(m, m->from) < 0 ? -EBADF : thread_gone(t);
}
