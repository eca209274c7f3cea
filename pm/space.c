/* Address spaces and the tasks in them, and what is done to whole ranges of pages. */
#include "space.h"

#include "backing.h"
#include "frames.h"

enum { LIST = 128 };

static struct {
    endpoint_t task;
    unsigned threads;
    struct space *space;
} table[TASKS_MAX];

/* Lists of pages from the kernel. They are used up before anything waits. */
static struct page_out list[LIST];

void space_init(void) { ask_publish(&published, sizeof published); }

struct space *space_of(endpoint_t task)
{
    unsigned i = endpoint_index(task);
    return i < TASKS_MAX && table[i].task == task ? table[i].space : NULL;
}

struct space *space_create(void)
{
    static uint64_t spaces;
    struct space *s = memory_zalloc(sizeof *s);
    if (s)
        s->id = ++spaces;
    if (!s)
        return NULL;
    for (unsigned i = 0; i < PM_LIMITS; i++)
        s->limit[i] = ~0ul;
    s->limit[PM_LIMIT_STACK] = 8 << 20;
    return s;
}

void space_enter(struct space *s, endpoint_t task, unsigned threads)
{
    unsigned i = endpoint_index(task);
    table[i].task = task;
    table[i].threads = threads;
    table[i].space = s;
    s->threads += threads;
    s->shared |= s->threads > 1;
    if (s->tasks++ == 0) {
        space_name(s, task);
        s->usage = &published.usage[i];
        s->usage->space = s->id;
    } else {
        published.usage[i] = *s->usage;
    }
}

/* Names s by another of its tasks, since the one that named it has left. */
static void rename_space(struct space *s)
{
    for (unsigned i = 0; i < TASKS_MAX; i++)
        if (table[i].space == s) {
            published.usage[i] = *s->usage;
            space_name(s, table[i].task);
            s->usage = &published.usage[i];
            return;
        }
}

void space_runs(struct space *s, struct backing *program)
{
    struct backing *before = s->program;
    s->program = program;
    if (program)
        backing_ref_program(program);
    if (before)
        backing_unref_program(before);
}

void space_leave(endpoint_t task)
{
    unsigned i = endpoint_index(task);
    struct space *s = table[i].space;
    s->threads -= table[i].threads;
    table[i].space = NULL;
    table[i].task = 0;
    if (--s->tasks == 0) {
        regions_clear(&s->regions);
        space_runs(s, NULL);
        memory_free(s);
    } else if (s->task == task) {
        rename_space(s);
    }
    published.usage[i] = (struct pm_usage){ 0 };
}

void space_threads(endpoint_t task, int more)
{
    unsigned i = endpoint_index(task);
    table[i].threads += more;
    table[i].space->threads += more;
    table[i].space->shared |= table[i].space->threads > 1;
}

struct space *space_at(unsigned i)
{
    return table[i].space && table[i].space->task == table[i].task ? table[i].space : NULL;
}

struct space *space_with(uint64_t id)
{
    for (unsigned i = 0; i < TASKS_MAX; i++)
        if (table[i].space && table[i].space->id == id)
            return table[i].space;
    return NULL;
}

struct space *space_unvisited(unsigned *i, uint64_t walk)
{
    for (; *i < TASKS_MAX; ++*i) {
        struct space *s = table[*i].space;
        if (s && s->visited != walk) {
            s->visited = walk;
            return s;
        }
    }
    return NULL;
}

void space_each(void (*f)(struct space *s, void *argument), void *argument)
{
    for (unsigned i = 0; i < TASKS_MAX; i++)
        if (space_at(i))
            f(space_at(i), argument);
}

/* ---- pages ---- */

int64_t pages_do(const struct page_change *changes, unsigned count)
{
    for (;;) {
        int64_t result = sys_pages(changes, count);
        if (__builtin_expect(result != -ENOMEM, 1) || !frames_lend(changes[0].task))
            return result;
    }
}

int64_t page_map(struct space *s, vaddr_t page, paddr_t frame, uint32_t protection, unsigned action)
{
    struct page_change c = { .address = page,
                             .count = 1,
                             .source = frame,
                             .task = s->task,
                             .protection = protection,
                             .action = action };
    int64_t result = pages_do(&c, 1);
    s->usage->resident += result == 0 && action != PAGE_MAP_COPY;
    return result;
}

int64_t page_protect(const struct space *s, vaddr_t page, uint32_t protection)
{
    struct page_change c = { .address = page,
                             .count = 1,
                             .task = s->task,
                             .protection = protection,
                             .action = PAGE_PROTECT };
    return pages_do(&c, 1);
}

uint64_t page_entry(const struct space *s, vaddr_t page)
{
    struct page_out out = { 0, 0 };
    struct page_change c = page_list(s, PAGE_QUERY, page, 1, &out, 1);
    return ask_pages(&c, 1) == 1 ? out.entry : 0;
}

/* Accounts for a page that PAGE_RELEASE has listed: frees a frame, or notes a dirty mark. */
static void page_gone(struct space *s, const struct page_out *p)
{
    if (p->entry & PAGE_OUT_OWNED) {
        frame_put(PAGE_DOWN(p->entry));
        return;
    }
    const struct region *r = regions_at(&s->regions, p->address);
    if (r && r->backing && r->backing->service && r->flags & REGION_SHARED)
        backing_mark_dirty(r->backing, (r->offset + p->address - r->start) / PAGE_SIZE);
}

vaddr_t pages_release(struct space *s, vaddr_t start, vaddr_t end)
{
    /* one call that looks through tables in vain counts like so many pages */
    enum { EMPTY_TABLES = 256 };
    for (unsigned work = 0; start < end && work < STEP_PAGES;) {
        struct page_change c = page_list(s, PAGE_RELEASE, start, (end - start) / PAGE_SIZE, list,
                                         LIST);
        int64_t n = sys_pages(&c, 1);
        if (n < 0)
            die("pages cannot be given back");
        /* from the last to the first, so that frame_get() gives them in the order of addresses */
        for (int64_t i = n; i-- > 0;)
            page_gone(s, &list[i]);
        s->usage->peak = MAX(s->usage->peak, s->usage->resident);
        s->usage->resident -= c.count;
        start = c.address;
        work += c.count ? c.count : EMPTY_TABLES;
    }
    return start;
}

/* ---- sums ---- */

void space_account(struct space *s)
{
    const struct regions *rs = &s->regions;
    s->usage->virtual_pages = rs->bytes / PAGE_SIZE;
    if (s->usage->virtual_peak < s->usage->virtual_pages)
        s->usage->virtual_peak = s->usage->virtual_pages;
    s->usage->data = rs->data / PAGE_SIZE;
    s->usage->stack = rs->stack / PAGE_SIZE;
    s->usage->text = rs->text / PAGE_SIZE;
    s->usage->locked = rs->locked / PAGE_SIZE;
}

bool space_allows(const struct space *s, uint64_t bytes, bool data)
{
    if (s->usage->virtual_pages * PAGE_SIZE + bytes > s->limit[PM_LIMIT_AS])
        return false;
    return !data || s->usage->data * PAGE_SIZE + bytes <= s->limit[PM_LIMIT_DATA];
}
