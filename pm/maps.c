/* Looking at spaces: the text of /proc/N/maps, sums, names for futexes. */
#include "backing.h"
#include "handlers.h"
#include "space.h"

enum { LINE = 160, NAME_COLUMN = 73 };

static const char *name_of(const struct space *s, const struct region *r)
{
    if (r->flags & REGION_STACK && r->start < s->stack_top && s->stack_top <= r->end)
        return "[stack]";
    if (r->flags & REGION_HEAP)
        return "[heap]";
    if (r->flags & REGION_FIXED)
        return r->protection & PAGE_EXEC ? "[vdso]" : "[vvar]";
    return r->backing && !r->backing->service ? "/dev/zero (deleted)" : "";
}

static unsigned line(const struct space *s, const struct region *r, char *text)
{
    const struct backing *b = r->backing && r->backing->service ? r->backing : NULL;
    unsigned n = format(text, LINE, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", r->start, r->end,
                        r->protection & PAGE_READ ? 'r' : '-',
                        r->protection & PAGE_WRITE ? 'w' : '-',
                        r->protection & PAGE_EXEC ? 'x' : '-', r->flags & REGION_SHARED ? 's' : 'p',
                        r->backing ? r->offset : 0ul, b ? dev_major(b->device) : 0u,
                        b ? dev_minor(b->device) : 0u, b ? b->inode : 0ul);
    const char *name = name_of(s, r);
    while (*name && n < NAME_COLUMN)
        text[n++] = ' ';
    return n + format(text + n, LINE - n, "%s\n", name);
}

/* Sends the part of the text from `offset` on that the window has room for. Bytes, or -EFAULT. */
static int64_t text(struct message *m, const struct space *s, uint64_t room, uint64_t offset)
{
    char buffer[LINE];
    uint64_t at = 0, sent = 0;
    for (unsigned i = 0; i < s->regions.count && sent < room; i++) {
        uint64_t n = line(s, &s->regions.array[i], buffer),
                 skip = offset > at ? MIN(offset - at, n) : 0;
        at += n;
        n = MIN(n - skip, room - sent);
        if (n && copy_out(m, sent, buffer + skip, n))
            return -EFAULT;
        sent += n;
    }
    reply_position(m, offset + sent); /* procfs forwards reads of its file */
    return sent;
}

int64_t do_maps(struct message *m)
{
    const struct space *s = space_of(m->w[0]);
    if (!s)
        return -ESRCH;
    if (!m->w[4])
        return text(m, s, m->w[2], m->w[3]);
    if (m->w[2] < sizeof *s->usage)
        return -EINVAL;
    int error = copy_out(m, 0, s->usage, sizeof *s->usage);
    return error ? error : (int64_t)sizeof *s->usage;
}

/* Names the word of a futex: in shared memory by the backing and the place in it, else by the space
 * and the address. */
int64_t do_key(struct message *m)
{
    endpoint_t task = m->w[2];
    struct thread_info info;
    if (!task && thread_look(call_thread(m->w[0]), &info))
        task = info.task;
    const struct space *s = space_of(task);
    const struct region *r = s ? regions_at(&s->regions, m->w[1]) : NULL;
    if (!r)
        return -EFAULT;
    if (r->backing && r->flags & REGION_SHARED)
        reply_words(m, (uint64_t)r->backing, r->offset + (m->w[1] - r->start), 0);
    else
        reply_words(m, (uint64_t)s, m->w[1], 0);
    return 0;
}
