/* Whom a service may call: see rights.c. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include "thread.h"

/* may_call() for a service that `from` may call with certain objects only: named in its manifest,
 * or lent to it. */
bool may_use(const struct task *from, uint64_t slot, uint64_t object);

/* Whether `from` may call the service in the slot with this object. Both numbers may be
 * anything. */
static inline bool may_call(const struct task *from, uint64_t slot, uint64_t object)
{
    return slot < MAX_SERVICE && (from->rights.may_call >> slot & 1 || may_use(from, slot, object));
}

/* Whether t's manifest grants one of these rights (RIGHT_..., or'ed). */
static inline bool has_right(const struct thread *t, uint32_t right)
{
    return t->task->rights.rights & right;
}

#endif
