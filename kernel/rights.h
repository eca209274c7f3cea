/* Whom a service may call: see rights.c. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include "thread.h"

/* Whether `from` may call the service in the slot with this object, though not with any. */
bool may_use(const struct task *from, uint64_t slot, uint64_t object);

/* Whether `from` may call the service in the slot with this object. */
static inline bool may_call(const struct task *from, uint64_t slot, uint64_t object)
{
    return slot < MAX_SERVICE && (from->rights.may_call >> slot & 1 || may_use(from, slot, object));
}

static inline bool has_right(const struct thread *t, uint32_t right)
{
    return t->task->rights.rights & right;
}

#endif
