/* Kernel calls other than those that move messages, declared from minnow/kcalls.def. */
#ifndef KCALL_H
#define KCALL_H

#include "thread.h"

#include <minnow/errno.h>
#include <minnow/protocol.h>

/* sys_name(t, a): makes the kernel call for t, whose right syscall.c has checked. a[0..5]: the
 * arguments, as in struct regs (rdi rsi rdx r10 r8 r9). The result, or -E..., becomes t's rax,
 * though t may wait by then. */
#define KCALL(NAME, name, ...) int64_t sys_##name(struct thread *t, const uint64_t *a);
#define MESSAGE(NAME, name, ...)
#include <minnow/kcalls.def>
#undef KCALL
#undef MESSAGE

/* For a function whose call a program has made by a route: the personality server is to get the
 * call, as one without a route. The function has changed nothing, and returns what go_up()
 * returns. */
static inline int64_t go_up(struct thread *t)
{
    t->op = KERNEL_SYSCALL;
    return 0;
}

/* A page of the `length` bytes of t's memory at `at`, which t's kernel call reads or writes, is
 * missing: a service's call fails, that of a program is thrown back. Returns what the function is
 * to return. */
int64_t kcall_missing(struct thread *t, vaddr_t at, size_t length, bool write);

/* The program's thread with this index; NULL: there is none. */
static inline struct thread *program_thread(uint64_t index)
{
    struct thread *x = threads[index & (THREADS_MAX - 1)];
    return x && x->user ? x : NULL;
}

static inline void copy_words(uint64_t *to, const uint64_t *from)
{
    to[0] = from[0], to[1] = from[1], to[2] = from[2];
    to[3] = from[3], to[4] = from[4], to[5] = from[5];
}

#endif
