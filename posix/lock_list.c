/* The list of advisory locks.
 *
 * The locks of one owner on one file stand side by side, ordered by where they begin; they never
 * overlap, and those of one kind never touch. So a change is made in three steps: the new lock
 * grows by those of its kind that it touches (join), its range is cut out of all that the owner
 * holds there (cut), and it is put in its place. A lock that is cut in the middle falls in two. So
 * a change needs at most two new places, which are taken before anything is changed. */
#include "lock_list.h"

#include "service.h"
#include "share.h"

enum { LOCKS_MAX = 1024, SPARE = 2 };
static struct held *locks;
static struct share lock_share = SHARE(LOCKS_MAX, LOCKS_MAX / 8, LOCKS_MAX / 2);

bool lock_same_file(const struct held *a, const struct held *b)
{
    return a->object == b->object && a->service == b->service && a->whole == b->whole;
}

bool lock_same_owner(const struct held *a, const struct held *b)
{
    return a->pid == b->pid && a->file == b->file;
}

static bool overlap(const struct held *a, const struct held *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* b begins where a ends. */
static bool precedes(const struct held *a, const struct held *b)
{
    return a->last < INT64_MAX && a->last + 1 == b->first;
}

const struct held *lock_conflict(const struct held *wish)
{
    for (struct held *l = locks; l; l = l->next)
        if (lock_same_file(l, wish) && !lock_same_owner(l, wish) && overlap(l, wish) &&
            (l->write || wish->write))
            return l;
    return NULL;
}

const struct held *lock_owned(const struct held *of)
{
    const struct held *l = locks;
    while (l && !(lock_same_file(l, of) && lock_same_owner(l, of)))
        l = l->next;
    return l;
}

static void held_free(struct held *l)
{
    share_give(&lock_share, l->user, 1);
    memory_free(l);
}

/* Takes *at out of the list. */
static void drop(struct held **at)
{
    struct held *l = *at;
    *at = l->next;
    held_free(l);
}

/* Puts l behind those of its owner on its file that begin before it, and so at the end of the list
 * when it is the owner's first. */
static void insert(struct held *l)
{
    struct held **at = &locks, **place = NULL;
    for (; *at; at = &(*at)->next)
        if (lock_same_file(*at, l) && lock_same_owner(*at, l)) {
            if ((*at)->first > l->first) {
                place = at;
                break;
            }
            place = &(*at)->next;
        }
    if (!place)
        place = at;
    l->next = *place;
    *place = l;
}

/* ---- changes ---- */

/* Places for what a change may need at most, so that it is made as a whole or not at all. */
struct spare {
    struct held *place[SPARE];
    unsigned count;
};

static bool spare_take(struct spare *s, uint32_t user)
{
    s->count = 0;
    while (s->count < SPARE) {
        if (share_take(&lock_share, user, 1, -ENOLCK))
            return false;
        struct held *l = memory_alloc(sizeof *l);
        if (!l) {
            share_give(&lock_share, user, 1);
            return false;
        }
        l->user = user;
        s->place[s->count++] = l;
    }
    return true;
}

static void spare_use(struct spare *s, const struct held *what)
{
    struct held *l = s->place[--s->count];
    uint32_t user = l->user;
    *l = *what;
    l->user = user;
    insert(l);
}

static void spare_give(struct spare *s)
{
    while (s->count)
        held_free(s->place[--s->count]);
}

/* Cuts the range out of what its owner holds. A lock that falls in two takes a place of `s`; s is
 * NULL where none can. */
static void cut(const struct held *range, struct spare *s)
{
    for (struct held **at = &locks; *at;) {
        struct held *l = *at;
        if (!lock_same_file(l, range) || !lock_same_owner(l, range) || !overlap(l, range)) {
            at = &l->next;
            continue;
        }
        bool left = l->first<range->first, right = l->last> range->last;
        if (!left && !right) {
            drop(at);
            continue;
        }
        struct held rest = *l;
        rest.first = range->last + 1;
        if (left)
            l->last = range->first - 1;
        else
            l->first = rest.first;
        at = &l->next;
        if (left && right)
            spare_use(s, &rest);
    }
}

/* Makes `wish` as long as it is together with its owner's locks of the same kind that it touches.
 */
static void join(struct held *wish)
{
    for (const struct held *l = locks; l; l = l->next)
        if (lock_same_file(l, wish) && lock_same_owner(l, wish) && l->write == wish->write &&
            (overlap(l, wish) || precedes(l, wish) || precedes(wish, l))) {
            wish->first = MIN(wish->first, l->first);
            wish->last = MAX(wish->last, l->last);
        }
}

int64_t lock_change(const struct held *wish, bool unlock)
{
    struct held whole = *wish;
    struct spare s;
    if (!spare_take(&s, wish->user)) {
        spare_give(&s);
        return -ENOLCK;
    }
    if (!unlock)
        join(&whole);
    cut(&whole, &s);
    if (!unlock)
        spare_use(&s, &whole);
    spare_give(&s);
    return 0;
}

void lock_drop_file(const struct held *all) { cut(all, NULL); }

void lock_drop_owner(const struct held *owner)
{
    for (struct held **at = &locks; *at;)
        if (lock_same_owner(*at, owner))
            drop(at);
        else
            at = &(*at)->next;
}

bool lock_drop_files(uint32_t pid, bool (*in)(endpoint_t service, uint64_t object))
{
    bool dropped = false;
    for (struct held **at = &locks; *at;)
        if ((*at)->pid == pid && in((*at)->service, (*at)->object)) {
            drop(at);
            dropped = true;
        } else {
            at = &(*at)->next;
        }
    return dropped;
}
