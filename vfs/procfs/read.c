/* Files: opening, reading, writing. A text is made anew for each read.
 *
 * Permission is asked twice: at open (read_open), and at each read of maps and environ, since a
 * process may have run a set-id program since then, whose memory the reader may not see. */
#include "procfs.h"

enum { TEXT_MAX = 128 * 1024 };

static char buffer[TEXT_MAX]; /* the text, or the piece of memory, of the read at hand */

/* The task that reads: the caller, or that for which POSIX copies (sendfile). */
static endpoint_t reader_of(const struct message *m)
{
    return m->from < MAX_SERVICE ? (endpoint_t)m->w[5] : m->from;
}

/* Forwards the reader to a service, as `op`. LATER, or -EIO if the service is not there. */
static int64_t pass(struct message *m, uint64_t op, const char *service)
{
    endpoint_t to = service_find(service);
    m->op = op;
    return to && forward(m, to) != -EPERM ? LATER : -EIO;
}

/* Forwards the reader to PM, which fills its buffer and moves its position. */
static int64_t read_maps(struct message *m, const struct subject *p, enum pm_maps form)
{
    m->w[0] = p->task;
    m->w[3] = m->position;
    m->w[4] = form;
    m->w[5] = p->exe_dir;
    return pass(m, PM_MAPS, "pm");
}

static enum pm_maps maps_form(unsigned kind)
{
    switch (kind) {
    case KIND_SMAPS: return PM_MAPS_SMAPS;
    case KIND_SMAPS_ROLLUP: return PM_MAPS_ROLLUP;
    default: return PM_MAPS_LINES;
    }
}

/* Forwards the reader to VFS, which lists the mounts in a form. */
static int64_t read_mounts(struct message *m, unsigned form)
{
    m->w[0] = form;
    return pass(m, VFS_MOUNTS, "vfs");
}

/* Reads bytes of p's own memory, a file of `size` bytes from address `start` on. A page that p has
 * not any more ends the file. */
static int64_t read_memory(struct message *m, const struct subject *p, caller_t start,
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
    return error ? error : (int64_t)done;
}

/* The number that PM has for the memory of p, which was p's when the file was opened; 0: it is no
 * longer, or the reader may not look into it. The process is looked at again behind that: what is
 * permitted then is permitted for the memory of this number, whatever the process executes
 * meanwhile. */
static uint64_t memory_of(const struct message *m, const struct subject *p)
{
    struct pm_usage u;
    struct subject now;
    fact_usage(p->task, &u);
    return p->task && fact_process(p->pid, &now) && now.task == p->task &&
                   now.memory_serial == p->memory_serial && may_look_into(m->from, &now)
               ? u.space
               : 0;
}

/* Forwards who reads or writes p's memory, at m->position, to PM, which can have pages brought. */
static int64_t move_memory(struct message *m, const struct subject *p, uint64_t length,
                           uint32_t flags)
{
    uint64_t space = memory_of(m, p);
    if (!space)
        return 0;
    m->w[0] = p->task;
    m->w[2] = length;
    m->w[3] = m->position;
    m->w[4] = flags | MEMORY_FORCE;
    m->w[5] = space;
    return pass(m, PM_MEMORY, "pm");
}

/* The auxiliary vector, up to and with its last pair, whose type is 0. */
static int64_t read_auxv(struct message *m, const struct subject *p)
{
    enum { PAIRS_MAX = 32 };
    uint64_t pair[2] = { 1 }, size = 0;
    struct pm_usage u;
    fact_usage(p->task, &u);
    while (u.at.auxv && pair[0] && size < PAIRS_MAX * sizeof pair &&
           ask_peek(p->task, u.at.auxv + size, pair, sizeof pair) >= 0)
        size += sizeof pair;
    return read_memory(m, p, u.at.auxv, size);
}

static int64_t read_strings(struct message *m, const struct subject *p,
                            const struct proc_strings *s)
{
    return read_memory(m, p, s->at, p->task ? s->end - s->at : 0);
}

static int64_t read_text(struct node *n, struct message *m, uint64_t position, uint64_t length)
{
    struct text t = { buffer, sizeof buffer, 0 };
    fact_reader = reader_of(m);
    (n->file ? n->file->make : make_descriptor)(&t, n->process.pid ? &n->process : NULL);
    length = position < t.length ? MIN(t.length - position, length) : 0;
    int error = length ? copy_out(m, 0, buffer + position, length) : 0;
    return error ? error : (int64_t)length;
}

int64_t read_file(struct fs_node *f, struct message *m, uint64_t position, uint64_t length)
{
    struct node *n = node_of(f);
    const struct subject *p = &n->process;
    if (!n->links)
        return n->kind == KIND_MEMORY ? 0 : -ESRCH;
    switch (n->kind) {
    case KIND_FDINFO:
    case KIND_PRIVATE:
        if (!may_look_into(reader_of(m), p))
            return 0;
        __attribute__((fallthrough));
    case KIND_TEXT: return read_text(n, m, position, length);
    case KIND_MOUNTS: return read_mounts(m, VFS_MOUNTS_SHORT);
    case KIND_MOUNTINFO: return read_mounts(m, VFS_MOUNTS_INFO);
    case KIND_MOUNTSTATS: return read_mounts(m, VFS_MOUNTS_STATISTICS);
    case KIND_MAPS:
    case KIND_SMAPS:
    case KIND_SMAPS_ROLLUP:
        if (n->kind == KIND_SMAPS_ROLLUP && (!p->task || is_service(p)))
            return -ESRCH;
        /* empty if p has become another program since the file was opened */
        return p->task && may_look_into(reader_of(m), p) ? read_maps(m, p, maps_form(n->kind)) : 0;
    case KIND_ENVIRONMENT:
        return may_look_into(reader_of(m), p) ? read_strings(m, p, &p->environment) : 0;
    case KIND_AUXV: return may_look_into(reader_of(m), p) ? read_auxv(m, p) : 0;
    case KIND_MEMORY: return move_memory(m, p, length, 0);
    case KIND_ARGUMENTS: return read_strings(m, p, &p->arguments);
    case KIND_LOG: return log_read(m);
    case KIND_TRACE: return trace_read(m);
    default: return -EINVAL;
    }
}

int64_t write_file(struct fs_node *n, struct message *m, uint64_t position, uint64_t length)
{
    const struct node *node = node_of(n);
    const struct subject *p = &node->process;
    if (node->kind == KIND_MEMORY)
        return n->links ? move_memory(m, p, length, MEMORY_WRITE) : 0;
    if (node->kind == KIND_TRACE)
        return trace_write(m);
    if (node->kind != KIND_TEXT || !(n->mode & 0222))
        return -EINVAL;
    if (!n->links)
        return -ESRCH;
    m->w[0] = node->file->setting;
    m->w[3] = p->tid ? p->tid : p->pid;
    m->w[4] = position;
    return pass(m, POSIX_SET, "posix");
}

/* Whether a file shows objects or memory of a process, for which may_look_into() is asked. */
static bool is_private(const struct node *n)
{
    switch (n->kind) {
    case KIND_MAPS:
    case KIND_SMAPS:
    case KIND_SMAPS_ROLLUP:
    case KIND_MEMORY:
    case KIND_ENVIRONMENT:
    case KIND_AUXV:
    case KIND_FDS:
    case KIND_FDINFOS:
    case KIND_FDINFO:
    case KIND_PRIVATE:
    case KIND_MOUNTSTATS: return true;
    default: return false;
    }
}

int read_open(struct fs_node *f, struct message *m, uint64_t *flags)
{
    const struct node *n = node_of(f);
    (void)flags;
    if (tree_is_setting(n) && !(n->mode & 0222) && (m->w[1] & O_ACCMODE) != O_RDONLY)
        return -EACCES; /* root's rights do not help: the system has no such setting to change */
    return is_private(n) && !(m->w[1] & O_PATH) &&
                   !(n->links && may_look_into(m->from, &n->process))
               ? -EACCES
               : 0;
}
