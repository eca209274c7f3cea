/* Calls about the caching of files: fadvise, readahead, sync_file_range, syncfs. Advice has no
 * effect here, but the calls say what Linux says of descriptors and arguments that make no sense.
 */
#include "handlers.h"
#include "syscalls.h"
#include <minnow/file.h>

/* The open file behind a descriptor that is not only a path. 0, -EBADF. */
static int64_t file_behind(struct thread *t, unsigned fd, struct conn_info *info)
{
    return ask_conn_get(t->call, fd, info) < 0 || info->flags & O_PATH ? -EBADF : 0;
}

/* What kind of file it is. 0; an error; LATER: t has died. May wait. */
static int64_t mode_behind(const struct thread *t, const struct conn_info *info, uint32_t *mode)
{
    struct stat s = { 0 };
    int64_t error = call_window(info->service,
                                &(struct call_args){ .op = FS_STAT, .object = info->object },
                                WINDOW_OUT, &s, sizeof s, NULL);
    *mode = s.mode;
    return t->dead ? LATER : MIN(error, 0l);
}

int64_t linux_fadvise64(struct thread *t, struct message *m)
{
    enum { LAST_ADVICE = 5 };
    struct conn_info info;
    int64_t error = file_behind(t, m->w[0], &info);
    if (error)
        return error;
    if (info.service == service_find("pipe"))
        return -ESPIPE;
    return (int64_t)m->w[2] < 0 || (uint32_t)m->w[3] > LAST_ADVICE ? -EINVAL : 0;
}

int64_t linux_readahead(struct thread *t, struct message *m)
{
    struct conn_info info;
    int64_t error = file_behind(t, m->w[0], &info);
    if (error || (info.flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    if (!(info.flags & CONN_SEEKABLE))
        return -EINVAL;
    uint32_t mode;
    error = mode_behind(t, &info, &mode);
    return error ? error : S_ISREG(mode) || (mode & S_IFMT) == S_IFBLK ? 0 : -EINVAL;
}

/* Hands the call on as FS_SYNC of the file, or of `all` its file system. */
static int64_t pass_sync(struct thread *t, struct message *m, const struct conn_info *info,
                         bool all)
{
    m->op = FS_SYNC;
    m->object = info->object;
    m->position = info->position;
    m->flags = info->flags;
    m->w[1] = all ? FS_SYNC_ALL : 0;
    return forward(m, info->service) < 0 ? -EIO : thread_gone(t);
}

int64_t linux_sync_file_range(struct thread *t, struct message *m)
{
    enum { FLAGS = 7 };
    struct conn_info info;
    uint64_t from = m->w[1], length = m->w[2];
    int64_t error = file_behind(t, m->w[0], &info);
    if (error)
        return error;
    if ((uint32_t)m->w[3] & ~(uint32_t)FLAGS || (int64_t)from < 0 || (int64_t)length < 0 ||
        (int64_t)(from + length) < 0)
        return -EINVAL;
    if (!(info.flags & CONN_SEEKABLE))
        return -ESPIPE;
    uint32_t mode;
    if ((error = mode_behind(t, &info, &mode)))
        return error;
    if (!S_ISREG(mode) && !S_ISDIR(mode) && (mode & S_IFMT) != S_IFBLK)
        return -ESPIPE;
    return (uint32_t)m->w[3] ? pass_sync(t, m, &info, false) : 0;
}

int64_t linux_syncfs(struct thread *t, struct message *m)
{
    struct conn_info info;
    int64_t error = file_behind(t, m->w[0], &info);
    if (error)
        return error;
    return info.flags & CONN_SEEKABLE ? pass_sync(t, m, &info, true) : 0;
}
