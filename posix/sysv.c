/* The tables of System V's objects. An object has a place in the table of its kind, and an id that
 * is the place and a sequence number:
 *
 *     30           9 8       0
 *     | sequence    |  place  |
 *
 * Places are given out in turn, so that an id comes back late, and the sequence number changes
 * whenever the turn begins anew; so the id of an object that has been removed is -EINVAL, whether
 * its place is free or another object has it. A program that restores another one asks for an id
 * (/proc/sys/kernel/..._next_id), which the next object gets if its place is free. All that is
 * published stands in the record of the place (minnow/sysv.h); the object itself belongs to
 * sysv_sem.c and its like. */
#include "sysv.h"
#include "capability.h"
#include "cred.h"

#include "share.h"

enum { PLACE_BITS = 9, SEQUENCES = 1 << (31 - PLACE_BITS), NOBODY = -1, ANY_ID = -1 };
enum { PLACES_OF_LINUX = 1 << 15 /* whose place stands in so many values of an id */ };
_Static_assert(1 << PLACE_BITS == SYSV_PLACES, "each place fits into an id, and no other number");

/* The table of a kind. */
struct objects {
    struct sysv *at[SYSV_PLACES];
    unsigned next;     /* the place to look at first */
    uint32_t sequence; /* of the ids that are given out */
    struct share share;
};
static struct objects tables[SYSV_KINDS] = {
    [SYSV_SEM] = { .share = SHARE(SYSV_PLACES, SYSV_PLACES / 8, SYSV_PLACES / 2) },
    [SYSV_MSG] = { .share = SHARE(SYSV_PLACES, SYSV_PLACES / 8, SYSV_PLACES / 2) },
    [SYSV_SHM] = { .share = SHARE(SYSV_PLACES, SYSV_PLACES / 8, SYSV_PLACES / 2) },
};

int64_t seconds_now(void)
{
    int64_t seconds, nanoseconds;
    time_wall(&seconds, &nanoseconds);
    return seconds;
}

/* ---- the table ---- */

int64_t sysv_look(enum sysv_kind kind, int32_t key, uint32_t flags, struct sysv **x)
{
    enum { IPC_PRIVATE };
    *x = NULL;
    for (unsigned n = 0; key != IPC_PRIVATE && n < SYSV_PLACES; n++)
        if (table->sysv[kind][n].used && table->sysv[kind][n].key == key)
            *x = tables[kind].at[n];
    if (key == IPC_PRIVATE)
        return 0;
    if (!*x)
        return flags & IPC_CREAT ? 0 : -ENOENT;
    return (flags & IPC_CREAT) && (flags & IPC_EXCL) ? -EEXIST : 0;
}

/* There is a free place: the share has as many units. */
static unsigned place_take(struct objects *o)
{
    do {
        if (o->next == SYSV_PLACES) {
            o->next = 0;
            o->sequence = (o->sequence + 1) % SEQUENCES;
        }
    } while (o->at[o->next++]);
    return o->next - 1;
}

/* The same for an object that is to have this id: where its place is not free another one is taken,
 * and the id is another. */
static unsigned place_wanted(const struct objects *o, int32_t id)
{
    unsigned place = id % SYSV_PLACES;
    while (o->at[place])
        place = (place + 1) % SYSV_PLACES;
    return place;
}

int64_t sysv_add(enum sysv_kind kind, struct sysv *x, const struct process *p, int32_t key,
                 uint32_t flags)
{
    struct objects *o = &tables[kind];
    x->user = p->i.uid;
    int64_t error = share_take(&o->share, x->user, 1, -ENOSPC);
    if (error)
        return error;
    int32_t wanted = table->head.sysv_next[kind];
    unsigned place = wanted < 0 ? place_take(o) : place_wanted(o, wanted);
    uint32_t sequence = wanted < 0 ? o->sequence : (uint32_t)wanted >> PLACE_BITS;
    table->head.sysv_next[kind] = ANY_ID;
    o->at[place] = x;
    x->i = &table->sysv[kind][place];
    *x->i = (struct posix_sysv){ .used = true,
                                 .key = key,
                                 .id = sequence << PLACE_BITS | place,
                                 .mode = flags & 0777,
                                 .uid = p->i.euid,
                                 .gid = p->i.egid,
                                 .cuid = p->i.euid,
                                 .cgid = p->i.egid,
                                 .changed = seconds_now() };
    return x->i->id;
}

void sysv_remove(enum sysv_kind kind, struct sysv *x)
{
    struct objects *o = &tables[kind];
    o->at[x->i - table->sysv[kind]] = NULL;
    x->i->used = false;
    share_give(&o->share, x->user, 1);
}

struct sysv *sysv_at(enum sysv_kind kind, int32_t place)
{
    unsigned n = place % PLACES_OF_LINUX;
    return place >= 0 && n < SYSV_PLACES ? tables[kind].at[n] : NULL;
}

struct sysv *sysv_find(enum sysv_kind kind, int32_t id)
{
    struct sysv *x = id >= 0 ? tables[kind].at[id % SYSV_PLACES] : NULL;
    return x && x->i->id == id ? x : NULL;
}

unsigned sysv_used(enum sysv_kind kind) { return tables[kind].share.taken; }

int64_t sysv_highest(enum sysv_kind kind)
{
    int n = SYSV_PLACES - 1;
    while (n > 0 && !tables[kind].at[n])
        n--;
    return n;
}

/* ---- permissions ---- */

bool sysv_allows(const struct process *p, const struct sysv *x, uint32_t asked)
{
    const struct posix_sysv *i = x->i;
    uint32_t wanted = (asked | asked >> 3 | asked >> 6) & 7, granted = i->mode;
    if (p->i.euid == i->uid || p->i.euid == i->cuid)
        granted >>= 6;
    else if (cred_in_group(p, i->gid) || cred_in_group(p, i->cgid))
        granted >>= 3;
    return !(wanted & ~granted) || capable(p, CAP_IPC_OWNER);
}

bool sysv_owns(const struct process *p, const struct sysv *x)
{
    return p->i.euid == x->i->uid || p->i.euid == x->i->cuid || capable(p, CAP_SYS_ADMIN);
}

int64_t sysv_set(struct sysv *x, const struct ipc_perm *to)
{
    if (to->uid == (uint32_t)NOBODY || to->gid == (uint32_t)NOBODY)
        return -EINVAL;
    x->i->uid = to->uid;
    x->i->gid = to->gid;
    x->i->mode = (x->i->mode & ~0777u) | (to->mode & 0777);
    x->i->changed = seconds_now();
    return 0;
}

struct ipc_perm sysv_perm(const struct sysv *x)
{
    const struct posix_sysv *i = x->i;
    return (struct ipc_perm){ .key = i->key,
                              .uid = i->uid,
                              .gid = i->gid,
                              .cuid = i->cuid,
                              .cgid = i->cgid,
                              .mode = i->mode,
                              .sequence = i->id >> PLACE_BITS };
}

struct sysv *sysv_stat(const struct process *p, enum sysv_kind kind, int32_t id, bool by_place,
                       bool any, int64_t *error)
{
    struct sysv *x = by_place ? sysv_at(kind, id) : sysv_find(kind, id);
    *error = -EINVAL;
    if (!x || any || sysv_allows(p, x, SYSV_READ))
        return x;
    *error = -EACCES;
    return NULL;
}

struct sysv *sysv_own(const struct process *p, enum sysv_kind kind, int32_t id, int64_t *error)
{
    struct sysv *x = sysv_find(kind, id);
    *error = -EINVAL;
    if (!x || sysv_owns(p, x))
        return x;
    *error = -EPERM;
    return NULL;
}
