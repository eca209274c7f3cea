/* What semaphores, messages and shared memory of System V have in common: keys, ids, permissions,
 * and how they are removed. See sysv.c. */
#ifndef SYSV_H
#define SYSV_H

#include <minnow/sysv.h>
#include "process.h"

/* The flags of ...get() beside the permissions, and of the calls; the commands of ...ctl(). */
enum { IPC_CREAT = 01000, IPC_EXCL = 02000, IPC_NOWAIT = 04000 };
enum { IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO };
/* What is asked of an object, for user, group and others alike. */
enum { SYSV_READ = 0444, SYSV_WRITE = 0222 };

/* The first member of each object. */
struct sysv {
    struct posix_sysv *i; /* what is published of the object */
    uint32_t user;        /* charged for its place */
};

/* How each ..._ds begins for programs. */
struct ipc_perm {
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    uint16_t sequence, pad;
    uint64_t unused[2];
};

/* The object of a key for ...get(). 0: *x is the object, or NULL: a new one is to be made; -ENOENT,
 * -EEXIST. */
int64_t sysv_look(enum sysv_kind kind, int32_t key, uint32_t flags, struct sysv **x);
/* Gives a new object, whose head is *x, a place and an id, which is returned. -ENOSPC: p's user has
 * its share. */
int64_t sysv_add(enum sysv_kind kind, struct sysv *x, const struct process *p, int32_t key,
                 uint32_t flags);
/* The object has been removed: its id and key are nobody's from now on. */
void sysv_remove(enum sysv_kind kind, struct sysv *x);
/* The object of an id. NULL: there is none (any more), which is -EINVAL. */
struct sysv *sysv_find(enum sysv_kind kind, int32_t id);
/* The object of a place (..._STAT); NULL: none. */
struct sysv *sysv_at(enum sysv_kind kind, int32_t place);
/* How many objects there are; the highest place in use, or 0. */
unsigned sysv_used(enum sysv_kind kind);
int64_t sysv_highest(enum sysv_kind kind);

/* Whether p may do to x what `asked` says (permissions of any of user, group and others). */
bool sysv_allows(const struct process *p, const struct sysv *x, uint32_t asked);
/* Whether p may change or remove x. */
bool sysv_owns(const struct process *p, const struct sysv *x);
/* Gives x the owner and the permissions of `to` (IPC_SET). 0, -EINVAL. */
int64_t sysv_set(struct sysv *x, const struct ipc_perm *to);
struct ipc_perm sysv_perm(const struct sysv *x);
/* What ...ctl() finds at `id` for IPC_STAT, and, by place, for the STAT commands: `by_place`, and
 * `any`: whatever the permissions. NULL: *error. */
struct sysv *sysv_stat(const struct process *p, enum sysv_kind kind, int32_t id, bool by_place,
                       bool any, int64_t *error);
/* The object of an id that p may change; NULL: *error is -EINVAL, -EIDRM or -EPERM. */
struct sysv *sysv_own(const struct process *p, enum sysv_kind kind, int32_t id, int64_t *error);

int64_t seconds_now(void); /* since 1970 */

#endif
