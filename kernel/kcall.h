/* Kernel calls other than those that move messages: a table by number, made of minnow/kcalls.def.
 */
#ifndef KCALL_H
#define KCALL_H

#include "thread.h"

#include <minnow/errno.h>

/* sys_name(t, a): makes the kernel call for t. The arguments stand in a as they do in struct regs
 * (rdi rsi rdx r10 r8 r9). The result, or -E..., becomes t's rax, though t may wait by then. */
#define KCALL(NAME, name, ...) int64_t sys_##name(struct thread *t, const uint64_t *a);
#define MESSAGE(NAME, name, ...)
#include <minnow/kcalls.def>
#undef KCALL
#undef MESSAGE

/* Beside enum rights: whose call it is. No manifest grants these. */
enum { RIGHT_ANY = 0, RIGHT_BOTH = 1 << 29, RIGHT_PROGRAM = 1 << 30 };

/* By number; the ones that move messages are not in it. */
extern const struct kcall {
    int64_t (*function)(struct thread *t, const uint64_t *a);
    uint32_t right;
} kcalls[SYS_COUNT_];

/* Makes a kernel call, which moves no message, for a service's thread, if its rights suffice:
 * -EPERM; -ENOSYS. */
static inline int64_t kcall(struct thread *t, uint64_t number)
{
    if (__builtin_expect(number >= SYS_COUNT_, 0))
        return -ENOSYS;
    const struct kcall *k = &kcalls[number];
    uint32_t lacks = k->right & ~(t->task->rights.rights | RIGHT_BOTH);
    if (__builtin_expect(lacks, 0))
        return lacks == RIGHT_PROGRAM ? -ENOSYS : -EPERM;
    return k->function(t, &t->regs.rdi);
}

/* Likewise any kernel call for a program's thread, by a route. */
static inline int64_t kcall_by_route(struct thread *t, uint64_t number)
{
    if (number >= SYS_COUNT_ || !(kcalls[number].right & (RIGHT_BOTH | RIGHT_PROGRAM)))
        return -ENOSYS;
    return kcalls[number].function(t, &t->regs.rdi);
}

extern struct personality *kcall_personality; /* that of new programs */

static inline void copy_words(uint64_t *to, const uint64_t *from)
{
    for (int i = 0; i < 6; i++)
        to[i] = from[i];
}

static inline bool has_right(const struct thread *t, uint32_t right)
{
    return t->task->rights.rights & right;
}

bool may_use(const struct task *from, uint64_t slot, uint64_t object);
void irq_arrived(unsigned irq);
void irq_forget(struct task *gone);

/* Whether `from` may call the service in the slot with this object. */
static inline bool may_call(const struct task *from, uint64_t slot, uint64_t object)
{
    return slot < MAX_SERVICE && (from->rights.may_call >> slot & 1 || may_use(from, slot, object));
}

#endif
