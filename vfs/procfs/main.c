/* procfs: start-up, the operations on open files, and the table of handlers. */
#include "procfs.h"

#include <minnow/format.h>

enum { TEXT_MAX = 128 * 1024, MOUNTS = 32 };

static char buffer[TEXT_MAX];
static unsigned mounted; /* bit per mount */

void text_add(struct text *t, const char *f, ...)
{
    va_list args;
    va_start(args, f);
    t->length += format_text(t->buffer + t->length, t->size - t->length, f, args);
    t->length = MIN(t->length, t->size - 1);
    va_end(args);
}

/* The reader goes on to the service that knows. */
static int64_t pass(struct message *m, uint64_t op, const char *service)
{
    endpoint_t to = service_find(service);
    m->op = op;
    return to && forward(m, to) != -EPERM ? LATER : -EIO;
}

/* PM fills the buffer, and its reply moves the reader's position. */
static int64_t read_maps(struct message *m, endpoint_t task)
{
    m->w[0] = task;
    m->w[3] = m->position;
    m->w[4] = 0;
    return pass(m, PM_MAPS, "pm");
}

/* Bytes of p's own memory, from `start` on. What has gone from there ends the file. */
static int64_t read_memory(struct message *m, const struct posix_proc *p, caller_t start,
                           uint64_t size)
{
    uint64_t rest = m->position < size ? MIN(size - m->position, MIN(m->w[2], (uint64_t)TEXT_MAX))
                                       : 0,
             done = 0;
    while (done < rest) {
        caller_t at = start + m->position + done;
        size_t n = MIN(rest - done, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
        if (ask_peek(p->task, at, buffer + done, n) < 0)
            break;
        done += n;
    }
    int error = done ? copy_out(m, 0, buffer, done) : 0;
    if (error)
        return error;
    reply_position(m, m->position + done);
    return done;
}

static int64_t do_read(struct message *m)
{
    struct posix_proc p;
    const struct file *f = file_of(m->object);
    bool process = f && f->parent == KIND_PROCESS;
    if (!f || S_ISDIR(f->mode))
        return -EISDIR;
    if (process && !source_process(object_pid(m->object), &p))
        return -ESRCH;
    switch (f->kind) {
    case KIND_MOUNTS: return pass(m, VFS_MOUNTS, "vfs");
    case KIND_MAPS:
        /* it has become another program since this was opened */
        if (!p.task || !may_look_into(m->from, &p))
            return 0;
        return read_maps(m, p.task);
    case KIND_ENVIRONMENT:
        if (!may_look_into(m->from, &p))
            return 0;
        return read_memory(m, &p, p.strings_at + p.argument_bytes,
                           p.task ? p.environment_bytes : 0);
    case KIND_ARGUMENTS: return read_memory(m, &p, p.strings_at, p.task ? p.argument_bytes : 0);
    case KIND_LOG: return log_read(m);
    case KIND_TRACE: return trace_read(m);
    case KIND_TEXT: break;
    default: return -EINVAL;
    }
    struct text t = { buffer, sizeof buffer, 0 };
    source_reader = m->from;
    f->make(&t, process ? &p : NULL);
    size_t length = m->position < t.length ? MIN(t.length - m->position, m->w[2]) : 0;
    int error = length ? copy_out(m, 0, buffer + m->position, length) : 0;
    if (error)
        return error;
    reply_position(m, m->position + length);
    return length;
}

static int64_t do_write(struct message *m)
{
    const struct file *f = file_of(m->object);
    return f && f->kind == KIND_TRACE ? trace_write(m) : -EINVAL;
}

static int64_t do_open(struct message *m)
{
    const struct file *f = file_of(m->object);
    bool directory = !f ? object_kind(m->object) != KIND_FD : S_ISDIR(f->mode);
    bool link = f ? S_ISLNK(f->mode) : !directory;
    if (link && !(m->w[1] & O_PATH))
        return -ELOOP;
    if (directory && fs_writes(m->w[1]))
        return -EISDIR;
    bool private = f &&
                   (f->kind == KIND_MAPS || f->kind == KIND_ENVIRONMENT || f->kind == KIND_FDS);
    struct posix_proc p;
    if (private && !(m->w[1] & O_PATH) &&
        !(source_process(object_pid(m->object), &p) && may_look_into(m->from, &p)))
        return -EACCES;
    return connect(m, m->object, fs_connection_flags(m->w[1]));
}

static int64_t do_statfs(struct message *m)
{
    enum { PROC_MAGIC = 0x9fa0 };
    struct statfs s = {
        .type = PROC_MAGIC, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = NAME_MAX
    };
    return copy_out(m, 0, &s, sizeof s);
}

static int64_t do_mount(struct message *m)
{
    unsigned n = 0;
    while (n < MOUNTS && mounted >> n & 1)
        n++;
    if (n == MOUNTS)
        return -ENOMEM;
    mounted |= 1u << n;
    reply_words(m, object_make(n, 0, 0, KIND_ROOT), n + 1, 0);
    return 0;
}

static int64_t do_unmount(struct message *m)
{
    mounted &= ~(1u << object_mount(m->object) % MOUNTS);
    return 0;
}

static int64_t do_seek(struct message *m) { return fs_seek(m, 0); }
static int64_t do_ioctl(struct message *m) { return fs_ioctl(m, 0); }
static int64_t do_nothing(struct message *m)
{
    (void)m;
    return 0;
}
static int64_t do_refuse(struct message *m)
{
    (void)m;
    return -EPERM;
}
static int64_t do_refuse_name(struct message *m)
{
    (void)m;
    return -ENOENT;
}

int main(void)
{
    static const handler_t handlers[] = {
        [FS_READ & 0xff] = do_read,          [FS_WRITE & 0xff] = do_write,
        [FS_SEEK & 0xff] = do_seek,          [FS_DENTS & 0xff] = do_dents,
        [FS_STAT & 0xff] = do_stat,          [FS_TRUNCATE & 0xff] = do_nothing,
        [FS_SYNC & 0xff] = do_nothing,       [FS_IOCTL & 0xff] = do_ioctl,
        [FS_POLL & 0xff] = fs_poll,          [FS_STATFS & 0xff] = do_statfs,
        [FS_OPEN & 0xff] = do_open,          [FS_LOOKUP & 0xff] = do_lookup,
        [FS_CREATE & 0xff] = do_refuse_name, [FS_SYMLINK & 0xff] = do_refuse_name,
        [FS_LINK & 0xff] = do_refuse_name,   [FS_UNLINK & 0xff] = do_refuse,
        [FS_RENAME & 0xff] = do_refuse,      [FS_READLINK & 0xff] = do_readlink,
        [FS_SETATTR & 0xff] = do_refuse,     [FS_NAME & 0xff] = do_name,
        [FS_MOUNT & 0xff] = do_mount,        [FS_UNMOUNT & 0xff] = do_unmount,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
