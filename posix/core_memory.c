/* Core files: which parts of the process's memory the file keeps, by /proc/N/coredump_filter and
 * the kinds of its regions; and, of memory without a file, which pages there are. */
#include "core_steps.h"

enum { BYTES_AT_ONCE = 64 * PAGE_SIZE };
/* of /proc/N/coredump_filter */
enum { PRIVATE = 1, SHARED = 2, FILE_PRIVATE = 4, FILE_SHARED = 8, ELF_HEADS = 16 };

unsigned core_regions(struct core *c, struct pm_region *list, unsigned places, bool *last)
{
    int64_t n = call_window(
        service_find("pm"),
        &(struct call_args){ .op = PM_REGIONS, .w0 = c->process->i.task, .w3 = c->next },
        WINDOW_OUT, list, places * sizeof list[0], NULL);
    unsigned kept = 0;
    *last = n < (int64_t)places;
    for (int64_t i = 0; i < n; i++) {
        c->next = list[i].end;
        if (list[i].start != c->scratch || list[i].end != c->scratch + SCRATCH)
            list[kept++] = list[i];
    }
    return kept;
}

/* Linux: vma_dump_size. */
uint64_t core_bytes_kept(const struct core *c, const struct pm_region *r)
{
    uint32_t filter = c->process->i.core_filter;
    uint64_t all = r->end - r->start;
    bool shared = r->flags & PM_REGION_SHARED;
    if (r->flags & PM_REGION_FIXED)
        return r->protection & PAGE_EXEC ? all : 0;
    if (!r->protection || r->flags & PM_REGION_NOT_DUMPED)
        return 0;
    if (!r->service)
        return filter & (shared ? SHARED : PRIVATE) ? all : 0;
    if (filter & (shared ? FILE_SHARED : FILE_PRIVATE) ||
        (r->flags & PM_REGION_CHANGED && filter & PRIVATE))
        return all;
    return !shared && filter & ELF_HEADS && !r->offset ? PAGE_SIZE : 0;
}

bool core_region_next(struct core *c)
{
    struct pm_region r;
    bool last = false;
    while (!last && c->done < c->count) {
        if (!core_regions(c, &r, 1, &last))
            continue;
        uint64_t bytes = core_bytes_kept(c, &r);
        c->done++;
        c->at = r.start;
        c->stop = r.start + bytes;
        c->base = c->data_at - r.start;
        c->whole = r.service || r.flags & PM_REGION_FIXED;
        c->data_at += bytes;
        return true;
    }
    return false;
}

uint64_t core_pages_next(struct core *c)
{
    struct call_result r;
    if (c->whole)
        return MIN(c->stop - c->at, (uint64_t)BYTES_AT_ONCE);
    int64_t error = call_window(service_find("pm"),
                                &(struct call_args){ .op = PM_PAGES, .w0 = c->process->i.task },
                                WINDOW_NONE, (void *)c->at, c->stop, &r);
    c->at = error || r.r1 < c->at ? c->stop : MIN(r.r1, c->stop);
    return error || r.r2 < c->at ? 0 : MIN(MIN(r.r2, c->stop) - c->at, (uint64_t)BYTES_AT_ONCE);
}
