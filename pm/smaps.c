/* How the pages of a region are used: see smaps.h.
 *
 * Of a frame of PM's the kernel tells how many pages of programs it is. Pages of files are not
 * counted by anybody; a census, which looks at all regions now and then, counts by how many spaces
 * a file is shown, and each of its pages is taken to be shared by as many. A page of PM's own is
 * nowhere else, so it counts as written; a page of a file, if it was written by way of this space
 * and has not been given back since. */
#include "smaps.h"

#include "backing.h"

/* EVERYBODY: how many share the clock page and the vDSO, so to say */
enum { CENSUS_NS = SECOND / 2, LIST = 128, KIB = 1024, EVERYBODY = 4096 };

static uint64_t census, complete; /* the number of the last one that began, and that was finished */

void smaps_pause(struct smaps_pace *p, uint64_t more)
{
    p->work += more;
    if (p->work < STEP_PAGES)
        return;
    p->work = 0;
    p->pauses++;
    give_way(STEPS_MAX - MIN(p->pauses, (uint64_t)STEPS_MAX));
}

/* ---- by how many spaces a backing is shown ---- */

static void count(struct backing *b, const struct space *s, uint64_t number)
{
    if (b->census != number) {
        if (b->census <= complete)
            b->shown_before = b->shown;
        b->census = number;
        b->counted = b->shown = 0;
    }
    if (b->counted == s->id)
        return;
    b->counted = s->id;
    b->shown++;
}

static unsigned shown_by(const struct backing *b)
{
    return MAX(b->census > complete ? b->shown_before : b->shown, 1u);
}

/* Counts the backings of a space. May wait. */
static void count_space(unsigned place, uint64_t number, struct smaps_pace *pace)
{
    struct space *s = space_at(place);
    uint64_t id = s->id;
    for (vaddr_t at = 0; s && s->id == id; s = space_at(place)) {
        const struct region *r = regions_find(&s->regions, at);
        if (!r)
            return;
        if (r->backing)
            count(r->backing, s, number);
        at = r->end;
        smaps_pause(pace, STEP_PAGES / REGIONS_AT_ONCE);
    }
}

void smaps_census(struct smaps_pace *pace)
{
    static uint64_t began;
    uint64_t now = time_now();
    if (census && now - began < CENSUS_NS)
        return;
    began = now;
    uint64_t number = ++census;
    /* one that is overtaken by the next leaves the rest to it */
    for (unsigned i = 0; i < TASKS_MAX && number == census; i++)
        if (space_at(i))
            count_space(i, number, pace);
    if (number == census)
        complete = number;
}

/* ---- sums ---- */

static void add_page(const struct region *r, uint64_t entry, struct smaps_sums *sums)
{
    const struct backing *b = r->backing;
    bool own = entry & PAGE_OUT_OWNED, dirty = own || (b && !b->service) || entry & PAGE_OUT_DIRTY;
    unsigned uses = page_out_uses(entry), users = uses ? uses : b ? shown_by(b) : EVERYBODY;
    uint64_t share = PAGE_SIZE * (uint64_t)SMAPS_PART / users;
    sums->resident += PAGE_SIZE;
    sums->share += share;
    if (entry & PAGE_OUT_ACCESSED)
        sums->referenced += PAGE_SIZE;
    if (own)
        sums->anonymous += PAGE_SIZE;
    if (dirty)
        sums->share_dirty += share;
    *(own                ? &sums->share_anonymous
      : !b || b->service ? &sums->share_file
                         : &sums->share_shared) += share;
    if (r->flags & REGION_LOCKED)
        sums->share_locked += share;
    *(users > 1 ? dirty ? &sums->shared_dirty : &sums->shared_clean
      : dirty   ? &sums->private_dirty
                : &sums->private_clean) += PAGE_SIZE;
}

/* Adds the pages from `at` on, one step of them. Returns where to go on. */
static vaddr_t add_step(const struct space *s, const struct region *r, vaddr_t at,
                        struct smaps_sums *sums, uint64_t *work)
{
    struct page_out out[LIST];
    while (at < r->end && *work < STEP_PAGES) {
        struct page_change c = page_list(s, PAGE_QUERY_USES, at, (r->end - at) / PAGE_SIZE, out,
                                         LIST);
        int64_t n = ask_pages(&c, 1);
        for (int64_t i = 0; i < n; i++)
            if (out[i].entry)
                add_page(r, out[i].entry, sums);
        *work += n > 0 ? n : 1;
        if (n <= 0 || (n < LIST && out[n - 1].entry))
            return r->end;
        if (!out[n - 1].entry)
            *work += LIST; /* many empty tables */
        at = out[n - 1].address + PAGE_SIZE;
    }
    return at;
}

int smaps_add(struct space *s, const struct region *r, struct smaps_sums *sums,
              struct smaps_pace *pace)
{
    endpoint_t task = s->task;
    uint64_t id = s->id;
    for (vaddr_t at = r->start; s && s->id == id && at < r->end; s = space_of(task)) {
        uint64_t work = 0;
        at = add_step(s, r, at, sums, &work);
        smaps_pause(pace, work);
    }
    return s && s->id == id ? 0 : -ESRCH;
}

/* ---- texts ---- */

static unsigned add_line(char *text, unsigned n, const char *name, uint64_t bytes)
{
    return n + format(text + n, SMAPS_ROOM - n, "%-16s%8lu kB\n", name, bytes / KIB);
}

/* The sums, as both texts have them; `whole`: with what only smaps_rollup tells. */
static unsigned add_sums(char *text, unsigned n, const struct smaps_sums *s, bool whole)
{
    const struct {
        const char *name;
        uint64_t bytes;
        bool whole;
    } lines[] = { { "Rss:", s->resident, false },
                  { "Pss:", s->share / SMAPS_PART, false },
                  { "Pss_Dirty:", s->share_dirty / SMAPS_PART, false },
                  { "Pss_Anon:", s->share_anonymous / SMAPS_PART, true },
                  { "Pss_File:", s->share_file / SMAPS_PART, true },
                  { "Pss_Shmem:", s->share_shared / SMAPS_PART, true },
                  { "Shared_Clean:", s->shared_clean, false },
                  { "Shared_Dirty:", s->shared_dirty, false },
                  { "Private_Clean:", s->private_clean, false },
                  { "Private_Dirty:", s->private_dirty, false },
                  { "Referenced:", s->referenced, false },
                  { "Anonymous:", s->anonymous, false },
                  { "LazyFree:", 0, false },
                  { "AnonHugePages:", 0, false },
                  { "ShmemPmdMapped:", 0, false },
                  { "FilePmdMapped:", 0, false },
                  { "Shared_Hugetlb:", 0, false },
                  { "Private_Hugetlb:", 0, false },
                  { "Swap:", 0, false },
                  { "SwapPss:", 0, false },
                  { "Locked:", s->share_locked / SMAPS_PART, false } };
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
        if (whole || !lines[i].whole)
            n = add_line(text, n, lines[i].name, lines[i].bytes);
    return n;
}

/* What the region allows, in Linux's order and letters (proc(5), VmFlags). */
static unsigned add_flags(char *text, unsigned n, const struct region *r)
{
    bool shared = r->flags & REGION_SHARED;
    const struct {
        const char *letters;
        bool holds;
    } flags[] = {
        { "rd", r->protection & PAGE_READ },    { "wr", r->protection & PAGE_WRITE },
        { "ex", r->protection & PAGE_EXEC },    { "sh", shared && r->allowed & PAGE_WRITE },
        { "mr", r->allowed & PAGE_READ },       { "mw", r->allowed & PAGE_WRITE },
        { "me", r->allowed & PAGE_EXEC },       { "ms", shared },
        { "gd", r->flags & REGION_STACK },      { "lo", r->flags & REGION_LOCKED },
        { "dc", r->flags & REGION_NOT_FORKED }, { "wf", r->flags & REGION_WIPED },
        { "dd", r->flags & REGION_NOT_DUMPED }
    };
    n += format(text + n, SMAPS_ROOM - n, "VmFlags: ");
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
        if (flags[i].holds)
            n += format(text + n, SMAPS_ROOM - n, "%s ", flags[i].letters);
    return n + format(text + n, SMAPS_ROOM - n, "\n");
}

unsigned smaps_text(const struct region *r, const struct smaps_sums *sums, char text[SMAPS_ROOM])
{
    unsigned n = add_line(text, 0, "Size:", r->end - r->start);
    n = add_line(text, n, "KernelPageSize:", PAGE_SIZE);
    n = add_line(text, n, "MMUPageSize:", PAGE_SIZE);
    n = add_sums(text, n, sums, false);
    n += format(text + n, SMAPS_ROOM - n, "%-16s%8u\n", "THPeligible:", 0);
    return add_flags(text, n, r);
}

unsigned smaps_length(const struct region *r)
{
    enum { LINE = 16 + 8 + 4 /* a name, a number, " kB\n" */, LINES = 20, LAST_LINE = LINE - 3 };
    char text[SMAPS_ROOM];
    return add_line(text, 0, "Size:", r->end - r->start) + LINES * LINE + LAST_LINE +
           add_flags(text, 0, r);
}

unsigned smaps_rollup(const struct smaps_sums *sums, char text[SMAPS_ROOM])
{
    return add_sums(text, 0, sums, true);
}
