/* mlock, mlock2, munlock, mlockall and munlockall, with the arguments, results and errors of Linux
 * (mlock(2)). A region's flags say that it is locked. Memory of programs' own is never taken from
 * them anyway, so a lock only brings it early, and is counted (RLIMIT_MEMLOCK). Pages of files go
 * back to their server only when all others have gone, and come again when they are touched. */
#include "lock.h"

#include "fault.h"
#include "handlers.h"

int64_t lock_bring(endpoint_t task, vaddr_t start, vaddr_t end)
{
    enum { AT_ONCE = 512 };
    unsigned n = 0;
    for (vaddr_t at = start; at < end;) {
        struct space *s = space_of(task);
        const struct region *r = s ? regions_find(&s->regions, at) : NULL;
        if (!r || r->start >= end)
            break;
        vaddr_t from = MAX(at, r->start), to = MIN(end, r->end);
        at = to;
        if ((r->flags & (REGION_LOCKS | REGION_FIXED)) == REGION_LOCKED) {
            at = MIN(to, from + AT_ONCE * PAGE_SIZE);
            bool writes = r->protection & PAGE_WRITE && !(r->flags & REGION_SHARED);
            int64_t error = r->protection ? fault_range(task, from, at, writes ? PM_FAULT_WRITE : 0)
                                          : -EFAULT;
            if (error)
                return error == -ENOMEM ? -EAGAIN : -ENOMEM;
        } else if (++n % REGIONS_AT_ONCE) {
            continue;
        }
        give_way(STEPS((end - at) / PAGE_SIZE, AT_ONCE));
    }
    return 0;
}

/* Gives what lies in a range these locks in place of others, in steps. 0, -ESRCH; -ENOMEM: there is
 * no more room for regions, or, unless `holes` are allowed, there is one; what lies below it has
 * the locks. May wait. */
static int64_t set_locks(endpoint_t task, vaddr_t start, vaddr_t end, uint8_t locks, bool holes)
{
    int64_t error = 0;
    struct space *s = space_of(task);
    while (s && start < end && !error) {
        struct regions *rs = &s->regions;
        vaddr_t step = regions_step(rs, start, end),
                at = holes ? step : regions_hole(rs, start, step);
        if (regions_reserve_protection(rs, start, at) < 0)
            return -ENOMEM;
        regions_flag(rs, start, at, REGION_LOCKS, locks);
        space_account(s);
        error = at < step ? -ENOMEM : 0;
        start = step;
        if (start < end && !error)
            s = space_pause(s, task, start, end);
    }
    return s ? error : -ESRCH;
}

/* Bytes of a range that are locked. */
static uint64_t locked_in(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    uint64_t bytes = 0;
    for (const struct region *r = regions_find(rs, start); r && r->start < end;
         r = regions_next(rs, r))
        if (r->flags & REGION_LOCKED)
            bytes += MIN(end, r->end) - MAX(start, r->start);
    return bytes;
}

/* The pages that a range touches. 0; -EINVAL: it wraps. */
static int64_t pages_of(const struct message *m, vaddr_t *start, vaddr_t *end)
{
    uint64_t length = PAGE_UP(m->w[1] + m->w[0] % PAGE_SIZE);
    *start = PAGE_DOWN(m->w[0]);
    *end = *start + length;
    return *end < *start ? -EINVAL : 0;
}

static int64_t lock_range(struct message *m, uint8_t locks)
{
    vaddr_t start, end;
    int64_t error = pages_of(m, &start, &end);
    const struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (!s->limit[PM_LIMIT_MEMLOCK])
        return -EPERM;
    uint64_t length = end - start;
    if (!space_may_lock(s, length) &&
        (error || !space_may_lock(s, length - locked_in(&s->regions, start, end))))
        return -ENOMEM;
    if (!error)
        error = set_locks(m->from, start, end, locks, false);
    return error ? error : lock_bring(m->from, start, end);
}

int64_t do_mlock(struct message *m) { return lock_range(m, REGION_LOCKED); }

int64_t do_mlock2(struct message *m)
{
    enum { MLOCK_ONFAULT = 1 };
    uint32_t flags = m->w[2];
    if (flags & ~MLOCK_ONFAULT)
        return -EINVAL;
    return lock_range(m, flags ? REGION_LOCKS : REGION_LOCKED);
}

int64_t do_munlock(struct message *m)
{
    vaddr_t start, end;
    int64_t error = pages_of(m, &start, &end);
    return error ? error : set_locks(m->from, start, end, 0, false);
}

int64_t do_mlockall(struct message *m)
{
    enum { MCL_CURRENT = 1, MCL_FUTURE = 2, MCL_ONFAULT = 4 };
    uint32_t flags = m->w[0];
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
        return -EINVAL;
    if (!s->limit[PM_LIMIT_MEMLOCK])
        return -EPERM;
    if (flags & MCL_CURRENT && s->regions.bytes > s->limit[PM_LIMIT_MEMLOCK])
        return -ENOMEM;
    uint8_t locks = flags & MCL_ONFAULT ? REGION_LOCKS : REGION_LOCKED;
    s->lock_new = flags & MCL_FUTURE ? locks : 0;
    if (!(flags & MCL_CURRENT))
        return 0;
    int64_t error = set_locks(m->from, 0, USER_TOP, locks, true);
    if (!error)
        lock_bring(m->from, 0, USER_TOP); /* what cannot be touched does not matter */
    return error;
}

int64_t do_munlockall(struct message *m)
{
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    s->lock_new = 0;
    return set_locks(m->from, 0, USER_TOP, 0, true);
}
