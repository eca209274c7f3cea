/* Files for regions: held, checked, and their pages brought from the servers that keep them. */
#include "backing_files.h"
#include "space.h"

#include <minnow/devices.h>

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

static bool same_time(const struct timespec64 *a, const struct timespec64 *b)
{
    return a->sec == b->sec && a->nsec == b->nsec;
}

/* Holds the file; run: so that no process can open it for writing. `held` is set only after the
 * server has answered: a handler that wants the file meanwhile holds it as well, and of two holds
 * the weaker is given back. 0, -ETXTBSY, -ENODEV, or the server's error. May wait. */
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

/* Holds the file and asks what it is like now. If it has changed since its pages came, all of them
 * are dropped. 0 or an error, as of backing_get(). May wait. */
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
        file_drop_pages(b);
    return 0;
}

static int get(endpoint_t task, endpoint_t service, uint64_t object, bool run,
               struct backing **result, bool *zero)
{
    *zero = false;
    struct backing *b = file_find(service, object);
    if (!b && !(b = file_make(task, service, object)))
        return -ENOMEM;
    /* a program's writers are kept out from now on, until no space runs it (backing_settle) */
    (run ? backing_ref_program : backing_ref)(b);
    int error = file_check(b, run, zero);
    if (error) {
        (run ? backing_unref_program : backing_unref)(b);
        backing_settle();
        return error;
    }
    *result = b;
    return 0;
}

int backing_get(endpoint_t task, endpoint_t service, uint64_t object, struct backing **b,
                bool *zero)
{
    return get(task, service, object, false, b, zero);
}

int backing_get_program(endpoint_t task, endpoint_t service, uint64_t object, struct backing **b,
                        bool *zero)
{
    return get(task, service, object, true, b, zero);
}

/* Pages that a server has lent: their numbers and addresses. */
struct pages {
    uint64_t number[CLUSTER], address[CLUSTER];
    unsigned count;
};

/* The run of pages around `page` that its cluster (NULL: there is none) lacks: how many, from
 * *first on. They are asked for in one message. */
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

/* Asks for `count` pages from `first` on, of which `page` is wanted. *got becomes those that come.
 * 0; -EIO: `page` is not among them; -ENOMEM, -ENOSYS. May wait. */
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

/* Asks for a page with its neighbours, or, if that fails, for the page alone. Results likewise. */
static int ask(struct backing *b, uint64_t page, struct pages *got)
{
    uint64_t first;
    unsigned count = missing(backing_find(b, page), page, &first);
    int error = ask_run(b, page, first, count, got);
    if (error != -EIO || first == page)
        return error;
    file_unpin(b, got->address, got->count, false);
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
    } while (error == -ENOMEM && epoch == b->epoch && backing_give_back(b->service, 1));
    /* the file was changed meanwhile: the caller tries again */
    if (epoch != b->epoch) {
        file_unpin(b, got.address, got.count, false);
        return 0;
    }
    struct cluster *c = got.count ? cluster_make(b, page, 0) : NULL;
    for (unsigned i = 0; i < got.count; i++) {
        if (!c || c->address[got.number[i] % CLUSTER])
            twice[n_twice++] = got.address[i]; /* another handler was quicker */
        else
            c->address[got.number[i] % CLUSTER] = got.address[i];
    }
    file_unpin(b, twice, n_twice, false);
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
