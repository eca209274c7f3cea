/* What regions show: files, page by page as their servers keep them, and shared memory of nobody's
 * file.
 *
 * A page that a server has given out is pinned there until it is given back, so an address stands
 * in a cluster here and later faults and later programs need no message. While a region shows the
 * file it is held (FS_HOLD); afterwards its pages stay, but are believed only if the file's times
 * and size are still the same when it is used again. PM keeps no more than its share of pins: pages
 * of files that nobody uses go first, then those in use are taken out of the spaces that map them,
 * and fault again. */
#include "pm.h"

#include "elf.h"

#include <minnow/devices.h>

enum { BUCKETS = 1024, PIN_SHARE = 6, IDLE_MAX = 192 };

static struct backing *files[BUCKETS];
static struct cluster *clusters[BUCKETS];
static struct backing ring = { .older = &ring, .newer = &ring };
static struct backing *queue;
static uint64_t pinned, pinned_max;
/* Clusters, which PM's own memory is needed for: those of files are given back when there are too
 * many, those of shared memory are shared out. Densely used either is enough for all memory. */
enum { FILE_CLUSTER_PART = 16, SHARED_CLUSTER_PART = 8 };
static uint64_t file_clusters, file_clusters_max;
static struct share cluster_share;
static unsigned idle; /* files in the ring */

void backing_init(void)
{
    uint64_t pages = machine_pages();
    uint32_t shared = pages / SHARED_CLUSTER_PART;
    pinned_max = pages / PIN_SHARE;
    file_clusters_max = pages / FILE_CLUSTER_PART;
    cluster_share = (struct share)SHARE(shared, shared / 8, shared / 2);
}

/* ---- finding ---- */

static unsigned mix(uint64_t a, uint64_t b)
{
    return (a * 0x9e3779b97f4a7c15 + b * 0xc2b2ae3d27d4eb4f) >> 54;
}
static struct backing **file_bucket(endpoint_t service, uint64_t object)
{
    return &files[mix(object, service) % BUCKETS];
}
static struct cluster **cluster_bucket(const struct backing *b, uint64_t number)
{
    return &clusters[mix((uint64_t)b >> 4, number) % BUCKETS];
}

static struct backing *file_find(endpoint_t service, uint64_t object)
{
    struct backing *b = *file_bucket(service, object);
    while (b && (b->service != service || b->object != object))
        b = b->hash_next;
    return b;
}

static void file_unhash(struct backing *b)
{
    struct backing **at = file_bucket(b->service, b->object);
    while (*at != b)
        at = &(*at)->hash_next;
    *at = b->hash_next;
}

struct cluster *backing_find(const struct backing *b, uint64_t page)
{
    uint64_t number = page / CLUSTER;
    struct cluster *c = *cluster_bucket(b, number);
    while (c && (c->backing != b || c->number != number))
        c = c->hash_next;
    return c;
}

/* The cluster with this page, made for `user` if need be. NULL: no memory, or none for him. */
static struct cluster *cluster_make(struct backing *b, uint64_t page, uint32_t user)
{
    struct cluster *c = backing_find(b, page);
    if (c || (!b->service && share_take(&cluster_share, user, 1, -ENOMEM)))
        return c;
    if (!(c = memory_zalloc(sizeof *c))) {
        if (!b->service)
            share_give(&cluster_share, user, 1);
        return NULL;
    }
    file_clusters += b->service != 0;
    c->user = user;
    c->backing = b;
    c->number = page / CLUSTER;
    struct cluster **at = cluster_bucket(b, c->number);
    c->hash_next = *at;
    *at = c;
    c->next = b->clusters;
    b->clusters = c;
    return c;
}

static void cluster_unhash(struct cluster *c)
{
    struct cluster **at = cluster_bucket(c->backing, c->number);
    while (*at != c)
        at = &(*at)->hash_next;
    *at = c->hash_next;
}

static void cluster_free(struct cluster *c)
{
    if (c->backing->service)
        file_clusters--;
    else
        share_give(&cluster_share, c->user, 1);
    memory_free(c);
}

/* ---- users ---- */

static void ring_leave(struct backing *b)
{
    if (!b->newer)
        return;
    b->older->newer = b->newer;
    b->newer->older = b->older;
    b->older = b->newer = NULL;
    idle--;
}

static void ring_enter(struct backing *b)
{
    b->older = ring.older;
    b->newer = &ring;
    b->older->newer = b->newer->older = b;
    idle++;
}

static void look_at(struct backing *b)
{
    if (b->queued)
        return;
    b->queued = true;
    b->queue_next = queue;
    queue = b;
}

static void shared_free(struct backing *b)
{
    for (struct cluster *c = b->clusters, *next; c; c = next) {
        next = c->next;
        for (unsigned i = 0; i < CLUSTER; i++)
            if (c->address[i])
                frame_put(c->address[i]);
        cluster_unhash(c);
        cluster_free(c);
    }
    memory_free(b);
}

void backing_ref(struct backing *b)
{
    b->users++;
    ring_leave(b);
}

void backing_unref(struct backing *b)
{
    ASSERT(b->users);
    if (--b->users)
        return;
    if (b->service)
        look_at(b);
    else
        shared_free(b);
}

void backing_unref_program(struct backing *b)
{
    if (--b->runs == 0)
        look_at(b);
    backing_unref(b);
}

void backing_run(struct space *s, struct backing *program)
{
    struct backing *before = s->program;
    s->program = program;
    if (program) {
        backing_ref(program);
        program->runs++;
    }
    if (before)
        backing_unref_program(before);
}

struct backing *backing_shared(void)
{
    struct backing *b = memory_zalloc(sizeof *b);
    if (b)
        b->users = 1;
    return b;
}

paddr_t backing_frame(struct backing *b, uint64_t page, endpoint_t task)
{
    struct cluster *c = backing_find(b, page);
    if (!c && !(c = cluster_make(b, page, call_user(task))))
        return 0;
    uint64_t *at = &c->address[page % CLUSTER];
    return *at ? *at : (*at = frame_for(task));
}

void backing_mark_dirty(struct backing *b, uint64_t page)
{
    struct cluster *c = backing_find(b, page);
    if (!c || !c->address[page % CLUSTER])
        return;
    c->dirty |= 1u << page % CLUSTER;
    look_at(b);
}

/* ---- giving pages back ---- */

/* Takes pages [first, first + count) of a file out of a space, but for the private copies, which
 * are its own. */
struct taking {
    struct backing *b;
    uint64_t first, count;
};

/* What a space shows of up to CLUSTER pages, but for its own copies. */
static void take_from_range(struct space *s, vaddr_t at, uint64_t count)
{
    struct page_out there[CLUSTER];
    struct page_change query = { .address = at,
                                 .count = count,
                                 .source = (uint64_t)there,
                                 .task = s->task,
                                 .places = CLUSTER,
                                 .action = PAGE_QUERY };
    int64_t n = sys_pages(&query, 1);
    bool copies = false;
    for (int64_t i = 0; i < n; i++)
        copies |= there[i].entry & PAGE_OUT_OWNED;
    if (n > 0 && !copies)
        pages_release(s, at, at + count * PAGE_SIZE);
    for (int64_t i = 0; i < n && copies; i++)
        if (!(there[i].entry & PAGE_OUT_OWNED))
            pages_release(s, there[i].address, there[i].address + PAGE_SIZE);
}

static void take_from_space(struct space *s, void *argument)
{
    const struct taking *t = argument;
    for (unsigned i = 0; i < s->regions.count; i++) {
        struct region *r = &s->regions.array[i];
        if (r->backing != t->b)
            continue;
        uint64_t first = r->offset / PAGE_SIZE, end = first + (r->end - r->start) / PAGE_SIZE;
        uint64_t p = MAX(first, t->first), last = MIN(end, t->first + t->count);
        for (uint64_t n; p < last; p += n) {
            n = MIN(last - p, (uint64_t)CLUSTER);
            take_from_range(s, r->start + (p - first) * PAGE_SIZE, n);
        }
    }
}

static void cluster_take(struct cluster *c)
{
    if (c->backing->users)
        space_each(take_from_space, &(struct taking){ c->backing, c->number * CLUSTER, CLUSTER });
}

static void unpin(struct backing *b, uint64_t *addresses, unsigned n, bool dirty)
{
    if (!n)
        return;
    pinned -= n;
    call_window(b->service, &(struct call_args){ .op = FS_UNPIN, .object = b->object, .w3 = dirty },
                WINDOW_IN, addresses, n * sizeof addresses[0], NULL);
}

/* Gives back those pages of a cluster that `which` names and that no space maps any more. They are
 * out of it before anything waits. */
static unsigned cluster_return(struct cluster *c, uint16_t which)
{
    struct backing *b = c->backing;
    uint64_t clean[CLUSTER], dirty[CLUSTER];
    unsigned n_clean = 0, n_dirty = 0;
    for (unsigned i = 0; i < CLUSTER; i++) {
        if (!(which >> i & 1) || !c->address[i])
            continue;
        if (c->dirty >> i & 1)
            dirty[n_dirty++] = c->address[i];
        else
            clean[n_clean++] = c->address[i];
        c->address[i] = 0;
        c->dirty &= ~(1u << i);
        c->ready &= ~(1u << i);
    }
    unpin(b, dirty, n_dirty, true);
    unpin(b, clean, n_clean, false);
    return n_dirty + n_clean;
}

/* All pages of a file. May wait; the caller is a user of it, or has taken it out of the table. */
static uint64_t pages_drop(struct backing *b)
{
    uint64_t n = 0;
    b->epoch++;
    while (b->clusters) {
        struct cluster *c = b->clusters;
        cluster_take(c);
        b->clusters = c->next;
        cluster_unhash(c);
        n += cluster_return(c, 0xffff);
        cluster_free(c);
    }
    memory_free(b->elf);
    b->elf = NULL;
    return n;
}

/* One cluster's dirty pages. Whether there were any. May wait. */
static bool flush(struct backing *b)
{
    struct cluster *c = b->clusters;
    while (c && !c->dirty)
        c = c->next;
    if (!c)
        return false;
    cluster_take(c);
    cluster_return(c, c->dirty);
    look_at(b); /* the list may have changed meanwhile: begin again */
    return true;
}

/* ---- files that become shorter ---- */

/* Takes a file's pages from number `first` on out of a space, private copies too. true: pages went,
 * and it has waited. */
static bool cut_space(struct space *s, const struct backing *b, uint64_t first)
{
    endpoint_t task = s->task;
    bool waited = false, taken = false;
    vaddr_t at = 0;
    for (unsigned i; s && (i = regions_find(&s->regions, at)) < s->regions.count;) {
        const struct region *r = &s->regions.array[i];
        uint64_t from = r->offset / PAGE_SIZE, resident = s->usage->resident;
        vaddr_t start = r->start + (from < first ? first - from : 0) * PAGE_SIZE, end = r->end;
        at = r->backing == b && start < end ? pages_release(s, MAX(at, start), end) : end;
        taken = taken || s->usage->resident != resident;
        if (at == end)
            continue;
        waited = true;
        s = space_pause(s, task, at, end);
    }
    return waited && taken;
}

/* All spaces. One that is made while others are served may have come by pages that have been taken
 * elsewhere: then once more. */
static void cut_spaces(const struct backing *b, uint64_t first)
{
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < TASKS_MAX; i++)
            if (space_at(i))
                again = cut_space(space_at(i), b, first) || again;
    }
}

/* Takes a file's pages from number `first` on out of the clusters: nobody finds them any more.
 * Those of the cluster in which the end lies come to *part, the other clusters are returned as a
 * list. */
static struct cluster *clusters_cut(struct backing *b, uint64_t first, struct cluster *part)
{
    struct cluster *gone = NULL, **at = &b->clusters;
    *part = (struct cluster){ .backing = b };
    for (struct cluster *c; (c = *at);) {
        if (c->number * CLUSTER < first) {
            for (uint64_t i = first - c->number * CLUSTER; i < CLUSTER; i++) {
                part->address[i] = c->address[i];
                c->address[i] = 0;
                c->dirty &= ~(1u << i), c->ready &= ~(1u << i);
            }
            at = &c->next;
            continue;
        }
        *at = c->next;
        cluster_unhash(c);
        c->next = gone;
        c->dirty = 0;
        gone = c;
    }
    return gone;
}

void backing_cut(endpoint_t service, uint64_t object, uint64_t size)
{
    struct backing *b = file_find(service, object);
    if (!b)
        return;
    uint64_t first = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
    backing_ref(b);
    b->epoch++; /* pages that are on their way here may be of before */
    struct cluster part, *gone = clusters_cut(b, first, &part);
    cut_spaces(b, first);
    struct cluster *end = size % PAGE_SIZE ? backing_find(b, first - 1) : NULL;
    /* its last page has lost a part of its place on the disk, and is made ready anew */
    if (end) {
        space_each(take_from_space, &(struct taking){ b, first - 1, 1 });
        end->ready &= ~(1u << (first - 1) % CLUSTER);
    }
    cluster_return(&part, 0xffff);
    for (struct cluster *next; gone; gone = next) {
        next = gone->next;
        cluster_return(gone, 0xffff);
        cluster_free(gone);
    }
    memory_free(b->elf);
    b->elf = NULL;
    backing_unref(b);
    backing_settle();
}

static uint64_t file_forget(struct backing *b)
{
    ring_leave(b);
    file_unhash(b);
    uint64_t n = pages_drop(b);
    memory_free(b);
    return n;
}

/* Nobody uses a file any more. */
static void file_rest(struct backing *b)
{
    ring_enter(b);
    if (b->fleeting || (!b->clusters && !b->elf))
        file_forget(b);
    else if (idle > IDLE_MAX)
        file_forget(ring.newer);
}

static unsigned settlers;

void backing_settle_soon(void)
{
    if (__builtin_expect(queue && !settlers, 0))
        backing_settle();
}

void backing_settle(void)
{
    settlers++;
    while (__builtin_expect(queue != NULL, 0)) {
        struct backing *b = queue;
        queue = b->queue_next;
        b->queued = false;
        backing_ref(b);
        if (flush(b))
            give_way(
                0); /* the message was a sign of life; a page may be mapped thousands of times */
        /* others show it, but it runs no more */
        if (b->users > 1 && b->denied && !b->runs && !b->queued) {
            b->denied = false;
            call_object(b->service, FS_HOLD, b->object, 1, 0, 0);
            call_object(b->service, FS_HOLD, b->object, -1ul, 1, 0);
        }
        if (b->users > 1 || b->queued) {
            b->users--;
            continue;
        }
        if (b->held) {
            bool denied = b->denied;
            b->held = b->denied = false;
            b->fleeting = call_object(b->service, FS_HOLD, b->object, -1ul, denied, 0) ==
                          FS_HOLD_BACK;
        }
        if (--b->users == 0 && b->held)
            look_at(b);
        else if (b->users == 0 && !b->queued)
            file_rest(b);
    }
    settlers--;
}

/* The file of a server (0: of any) that nobody has used for longest, or NULL. */
static struct backing *oldest_idle(endpoint_t service)
{
    struct backing *b = ring.newer;
    while (b != &ring && service && b->service != service)
        b = b->newer;
    return b != &ring ? b : NULL;
}

/* Gives about so many pages back to a server, or, if that is 0, to any: how many. May wait. */
static uint64_t give_back(endpoint_t service, uint64_t pages)
{
    uint64_t n = 0;
    for (struct backing *b; n < pages && (b = oldest_idle(service));)
        n += file_forget(b);
    for (unsigned i = 0; i < BUCKETS && n < pages; i++) {
        struct backing *b = files[i];
        while (b && (!b->users || !b->clusters || (service && b->service != service)))
            b = b->hash_next;
        if (!b)
            continue;
        backing_ref(b);
        n += pages_drop(b);
        backing_unref(b);
    }
    backing_settle();
    return n;
}

uint64_t backing_shrink(uint64_t pages) { return give_back(0, pages); }

void backing_limit(void)
{
    if (pinned > pinned_max || file_clusters > file_clusters_max)
        backing_shrink(file_clusters_max / 8 + 1);
}

int64_t backing_sync(struct backing *b)
{
    struct call_args a = { .op = FS_SYNC,
                           .object = b->object,
                           .flags = (uint64_t)b->errors << CALL_ERRORS_SHIFT };
    struct call_result r;
    int64_t error = call_window(b->service, &a, WINDOW_NONE, NULL, 0, &r);
    if (r.r1 > b->errors)
        b->errors = r.r1;
    return error;
}

/* ---- getting files and their pages ---- */

static struct backing *file_make(endpoint_t service, uint64_t object)
{
    struct backing *b = memory_zalloc(sizeof *b);
    if (!b)
        return NULL;
    b->service = service;
    b->object = object;
    struct backing **at = file_bucket(service, object);
    b->hash_next = *at;
    *at = b;
    return b;
}

static bool same_time(const struct timespec64 *a, const struct timespec64 *b)
{
    return a->sec == b->sec && a->nsec == b->nsec;
}

/* The file is held, for its writers not to be let in if it is to run. Nothing is believed of the
 * hold before its server has answered: others who want the file meanwhile ask as well, and of two
 * holds the weaker is given back. May wait. */
static int64_t hold(struct backing *b, bool run)
{
    if (b->held && (b->denied || !run))
        return 0;
    int64_t error = call_object(b->service, FS_HOLD, b->object, 1, run, 0);
    if (error == -ENOSYS || error == -EINVAL)
        return 0;
    if (error < 0)
        return error == -EPERM ? -ENODEV : error;
    bool twice = b->held, both_deny = b->denied && run;
    b->held = true;
    b->denied |= run;
    if (twice)
        call_object(b->service, FS_HOLD, b->object, -1ul, both_deny, 0);
    return 0;
}

/* What was cached is believed only if the file has not changed since. */
static int file_check(struct backing *b, bool run, bool *zero)
{
    struct stat st;
    int64_t error = hold(b, run);
    if (error)
        return error;
    error = call_window(b->service, &(struct call_args){ .op = FS_STAT, .object = b->object },
                        WINDOW_OUT, &st, sizeof st, NULL);
    if (error < 0)
        return error == -EPERM ? -ENODEV : error;
    *zero = (st.mode & S_IFMT) == S_IFCHR && st.rdev == DEV_ZERO;
    if (!S_ISREG(st.mode))
        return -ENODEV;
    bool same = (uint64_t)st.size == b->size && same_time(&st.mtime, &b->mtime) &&
                same_time(&st.ctime, &b->ctime);
    b->size = st.size;
    b->mtime = st.mtime;
    b->ctime = st.ctime;
    b->device = st.dev;
    b->inode = st.ino;
    if (!same)
        pages_drop(b);
    return 0;
}

static int get(endpoint_t service, uint64_t object, bool run, struct backing **result, bool *zero)
{
    *zero = false;
    struct backing *b = file_find(service, object);
    if (!b && !(b = file_make(service, object)))
        return -ENOMEM;
    backing_ref(b);
    /* from now on: its writers are kept out until nobody runs it (backing_settle) */
    b->runs += run;
    int error = file_check(b, run, zero);
    if (error) {
        (run ? backing_unref_program : backing_unref)(b);
        backing_settle();
        return error;
    }
    *result = b;
    return 0;
}

int backing_get(endpoint_t service, uint64_t object, struct backing **b, bool *zero)
{
    return get(service, object, false, b, zero);
}

int backing_get_program(endpoint_t service, uint64_t object, struct backing **b, bool *zero)
{
    return get(service, object, true, b, zero);
}

/* Pages that a server has lent: their numbers and addresses. */
struct pages {
    uint64_t number[CLUSTER], address[CLUSTER];
    unsigned count;
};

/* The pages around `page` that are missing in its cluster: asked for in one message. */
static unsigned missing(const struct cluster *c, uint64_t page, uint64_t *first)
{
    unsigned low = page % CLUSTER, high = low + 1;
    while (low > 0 && !(c && c->address[low - 1]))
        low--;
    while (high < CLUSTER && !(c && c->address[high]))
        high++;
    *first = page / CLUSTER * CLUSTER + low;
    return high - low;
}

/* Asks for pages from `first` on, of which `page` is wanted. Puts those that come to the front of
 * *got. */
static int ask_run(struct backing *b, uint64_t page, uint64_t first, unsigned count,
                   struct pages *got)
{
    uint64_t addresses[CLUSTER];
    struct call_args a = {
        .op = FS_PAGES, .w3 = page - first, .object = b->object, .position = first * PAGE_SIZE
    };
    int64_t n = call_window(b->service, &a, WINDOW_OUT, addresses, count * sizeof addresses[0],
                            NULL);
    got->count = 0;
    for (int64_t i = 0; i < MIN(n, (int64_t)count); i++) {
        if (!addresses[i])
            continue;
        got->number[got->count] = first + i;
        got->address[got->count++] = addresses[i];
    }
    pinned += got->count;
    if (n < 0)
        return n == -ENOMEM || n == -ENOSYS ? n : -EIO;
    for (unsigned i = 0; i < got->count; i++)
        if (got->number[i] == page)
            return 0;
    return -EIO;
}

/* With the page come its neighbours; but what is wrong with them is no reason to do without it. */
static int ask(struct backing *b, uint64_t page, struct pages *got)
{
    uint64_t first;
    unsigned count = missing(backing_find(b, page), page, &first);
    int error = ask_run(b, page, first, count, got);
    if (error != -EIO || first == page)
        return error;
    unpin(b, got->address, got->count, false);
    return ask_run(b, page, page, 1, got);
}

int backing_fetch(struct backing *b, uint64_t page)
{
    uint64_t twice[CLUSTER];
    unsigned n_twice = 0;
    struct pages got;
    backing_limit();
    unsigned epoch;
    int error;
    do { /* a server lends only a part of its memory at a time */
        epoch = b->epoch;
        error = ask(b, page, &got);
    } while (error == -ENOMEM && epoch == b->epoch && give_back(b->service, 4 * CLUSTER));
    /* the file was changed meanwhile: the caller tries again */
    if (epoch != b->epoch) {
        unpin(b, got.address, got.count, false);
        return 0;
    }
    struct cluster *c = got.count ? cluster_make(b, page, 0) : NULL;
    for (unsigned i = 0; i < got.count; i++) {
        if (!c || c->address[got.number[i] % CLUSTER])
            twice[n_twice++] = got.address[i]; /* somebody else was quicker */
        else
            c->address[got.number[i] % CLUSTER] = got.address[i];
    }
    unpin(b, twice, n_twice, false);
    return got.count && !c ? -ENOMEM : error;
}

int backing_reserve(struct backing *b, uint64_t page, endpoint_t task)
{
    uint64_t first = page / CLUSTER * CLUSTER;
    unsigned epoch = b->epoch;
    bool privileged = ask_call_user(task) >> 32 & 1;
    struct call_args a = { .op = FS_RESERVE, .object = b->object, .w3 = first, .w4 = !privileged };
    int64_t ready = call_window(b->service, &a, WINDOW_NONE, (void *)(uintptr_t)CLUSTER,
                                page - first, NULL);
    struct cluster *c = backing_find(b, page);
    if (ready == -ENOSYS)
        ready = 0xffff;
    if (ready < 0)
        return ready == -ENOMEM ? -ENOMEM : -EIO;
    for (unsigned i = 0; c && epoch == b->epoch && i < CLUSTER; i++)
        if (ready >> i & 1 && c->address[i])
            c->ready |= 1u << i;
    return 0;
}
