/* Segments: the shared memory of System V. POSIX gives each a place, and knows its id, key and
 * permissions; here it is a backing without a file. The table holds one user of it, until POSIX
 * drops the segment; afterwards it lives for the regions that show it, and can still be mapped, but
 * goes with the last of them. How many regions there are is published, so that asking costs POSIX
 * and procfs no message. */
#include "segment.h"

#include "backing.h"
#include "frames.h"
#include "handlers.h"
#include "mmap.h"
#include "space.h"

static struct backing *segments[SYSV_PLACES];
static bool held[SYSV_PLACES]; /* not dropped yet */
static struct segment_name names[SYSV_PLACES];

struct segment_name segment_name(const struct backing *b) { return names[b->segment - 1]; }

bool segment_dropped(const struct backing *b) { return !held[b->segment - 1]; }

void segment_users(const struct backing *b)
{
    unsigned place = b->segment - 1;
    published.attached[place] = b->users - (b->users && held[place]);
    if (!b->users)
        segments[place] = NULL;
}

int64_t do_segment_make(struct message *m)
{
    uint64_t place = m->w[0], bytes = m->w[1];
    if (place >= SYSV_PLACES || !bytes || bytes > SHM_BYTES)
        return -EINVAL;
    if (segments[place])
        return -EEXIST;
    struct backing *b = PAGE_UP(bytes) / PAGE_SIZE > frames_total()
                            ? NULL
                            : backing_shared(0, PAGE_UP(bytes));
    if (!b)
        return -ENOMEM;
    b->segment = place + 1;
    names[place] = (struct segment_name){ .key = m->w[2], .id = m->w[3] };
    segments[place] = b;
    held[place] = true;
    segment_users(b);
    return 0;
}

int64_t do_segment_drop(struct message *m)
{
    uint64_t place = m->w[0];
    if (place >= SYSV_PLACES || !segments[place] || !held[place])
        return -EINVAL;
    held[place] = false;
    backing_unref(segments[place]);
    return 0;
}

int64_t do_segment_map(struct message *m)
{
    uint64_t place = m->w[0], flags = m->w[2];
    struct backing *b = place < SYSV_PLACES ? segments[place] : NULL;
    uint8_t allowed = PAGE_ALL & ~(flags & SEGMENT_READ_ONLY ? PAGE_WRITE : 0),
            protection = PAGE_READ | (flags & SEGMENT_READ_ONLY ? 0 : PAGE_WRITE) |
                         (flags & SEGMENT_EXEC ? PAGE_EXEC : 0);
    if (!b)
        return -EIDRM;
    backing_ref(b);
    int64_t at = map_backing(m->w[3], b, m->w[1], flags & SEGMENT_REPLACE, protection, allowed);
    return at == -EEXIST ? -EINVAL : at;
}

/* The first region from `at` on that shows the segment as one does that was mapped to `start`; b
 * NULL: any segment. NULL: there is none. */
static const struct region *region_from(const struct space *s, vaddr_t start, vaddr_t at,
                                        const struct backing *b)
{
    const struct region *r = regions_find(&s->regions, at);
    while (r && !(r->backing && r->backing->segment && (!b || r->backing == b) &&
                  r->start - start == r->offset))
        r = regions_next(&s->regions, r);
    return r;
}

/* A mapping may have become several regions, or may have lost some. */
int64_t do_segment_unmap(struct message *m)
{
    vaddr_t start = m->w[0];
    endpoint_t task = m->w[1];
    struct space *s = space_of(task);
    if (!s)
        return -ESRCH;
    if (start % PAGE_SIZE || start >= USER_TOP)
        return -EINVAL;
    const struct region *r = region_from(s, start, start, NULL);
    if (!r)
        return -EINVAL;
    struct backing *b = r->backing;
    unsigned place = b->segment - 1;
    backing_ref(b); /* while this handler looks for it */
    while (s && (r = region_from(s, start, start, b)))
        s = space_unmap(s, task, r->start, r->end);
    backing_unref(b);
    if (s)
        space_account(s);
    backing_settle_soon();
    return place;
}
