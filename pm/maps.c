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

/* ---- for core files ---- */

enum { PLACES = 64 };

/* Lists what is there of [at, end) in out[PLACES]. *next becomes where to go on; `end`: nowhere. */
static unsigned look(const struct space *s, vaddr_t at, vaddr_t end, struct page_out *out,
                     vaddr_t *next)
{
    struct page_change c = page_list(s, PAGE_QUERY, at, (end - at) / PAGE_SIZE, out, PLACES);
    int64_t n = ask_pages(&c, 1);
    bool early = n > 0 && (n == PLACES || !out[n - 1].entry);
    *next = early ? out[n - 1].address + PAGE_SIZE : end;
    return MAX(n, 0l);
}

/* Whether a page of the range is the task's own and no file's. May wait. */
static bool has_copies(endpoint_t task, vaddr_t at, vaddr_t end)
{
    enum { LOOKS_AT_ONCE = 64 };
    static struct page_out out[PLACES];
    for (unsigned looks = 1; at < end; looks++) {
        const struct space *s = space_of(task);
        if (!s)
            return false;
        for (unsigned i = 0, n = look(s, at, end, out, &at); i < n; i++)
            if (out[i].entry & PAGE_OUT_OWNED)
                return true;
        if (looks % LOOKS_AT_ONCE == 0 && at < end)
            give_way(STEPS(end - at, PAGE_SIZE * PLACES));
    }
    return false;
}

int64_t do_regions(struct message *m)
{
    endpoint_t task = m->w[0];
    vaddr_t at = m->w[3];
    uint64_t n = 0, places = m->w[2] / sizeof(struct pm_region);
    for (; n < places; n++) {
        const struct space *s = space_of(task);
        const struct region *r = s ? regions_find(&s->regions, at) : NULL;
        if (!r)
            return s ? (int64_t)n : -ESRCH;
        bool file = r->backing && r->backing->service, shared = r->flags & REGION_SHARED;
        struct pm_region out = { .start = r->start,
                                 .end = r->end,
                                 .offset = file ? r->offset : 0,
                                 .object = file ? r->backing->object : 0,
                                 .service = file ? r->backing->service : 0,
                                 .protection = r->protection,
                                 .flags = (shared ? PM_REGION_SHARED : 0) |
                                          (r->flags & REGION_FIXED ? PM_REGION_FIXED : 0) };
        if (file && !shared && has_copies(task, out.start, out.end))
            out.flags |= PM_REGION_CHANGED;
        int error = copy_out(m, n * sizeof out, &out, sizeof out);
        if (error)
            return error;
        at = out.end;
    }
    return n;
}

int64_t do_pages(struct message *m)
{
    static struct page_out out[PLACES];
    const struct space *s = space_of(m->w[0]);
    vaddr_t at = m->w[1], end = m->w[2], next;
    if (!s || at % PAGE_SIZE || end % PAGE_SIZE || at > end || end > USER_TOP)
        return s ? -EINVAL : -ESRCH;
    unsigned i = 0, n = look(s, at, end, out, &next);
    while (i < n && !out[i].entry)
        i++;
    vaddr_t first = i < n ? out[i].address : next, behind = first;
    for (; i < n && out[i].entry && out[i].address == behind; i++)
        behind += PAGE_SIZE;
    reply_words(m, first, behind, 0);
    return 0;
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
