/* Kernel calls other than those that move messages, declared from minnow/kcalls.def. */
#ifndef KCALL_H
#define KCALL_H

#include "thread.h"

#include <minnow/errno.h>

/* sys_name(t, a): makes the kernel call for t, whose right syscall.c has checked. a[0..5]: the
 * arguments, as in struct regs (rdi rsi rdx r10 r8 r9). The result, or -E..., becomes t's rax,
 * though t may wait by then. */
#define KCALL(NAME, name, ...) int64_t sys_##name(struct thread *t, const uint64_t *a);
#define MESSAGE(NAME, name, ...)
#include <minnow/kcalls.def>
#undef KCALL
#undef MESSAGE

static inline void copy_words(uint64_t *to, const uint64_t *from)
{
    to[0] = from[0], to[1] = from[1], to[2] = from[2];
    to[3] = from[3], to[4] = from[4], to[5] = from[5];
}

#endif
