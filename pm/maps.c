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

/* Sends the part of the text from `offset` on that the window has room for. The space remembers in
 * which line the last part ended, since most readers go on there. Bytes, or -EFAULT, -ESRCH. May
 * wait, before anything is sent. */
static int64_t text(struct message *m, struct space *s, uint64_t room, uint64_t offset)
{
    enum { AT_ONCE = 64 * 1024 };
    char buffer[LINE];
    uint64_t at = 0, sent = 0;
    vaddr_t from = 0;
    if (offset && s->line.read_to == offset)
        at = s->line.offset, from = s->line.at;
    const struct region *r = regions_find(&s->regions, from);
    room = MIN(room, (uint64_t)AT_ONCE);
    for (unsigned i = 1; r && sent < room; i++) {
        uint64_t n = line(s, r, buffer), skip = offset > at ? MIN(offset - at, n) : 0,
                 now = MIN(n - skip, room - sent);
        s->line.offset = at;
        s->line.at = r->start;
        if (now && copy_out(m, sent, buffer + skip, now))
            return -EFAULT;
        sent += now;
        s->line.read_to = offset + sent;
        at += n;
        from = r->end;
        r = regions_next(&s->regions, r);
        if (i % REGIONS_AT_ONCE || sent)
            continue;
        give_way(STEPS(s->regions.count - MIN(i, s->regions.count), REGIONS_AT_ONCE));
        if (!(s = space_of(m->w[0])))
            return -ESRCH;
        r = regions_find(&s->regions, from);
    }
    reply_position(m, offset + sent); /* procfs forwards reads of its file */
    return sent;
}

int64_t do_maps(struct message *m)
{
    struct space *s = space_of(m->w[0]);
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
