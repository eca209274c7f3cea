/* The memory of a program whose call we hold. */
#ifndef USER_MEMORY_H
#define USER_MEMORY_H

#include "process.h"

/* 0; LATER when a page was missing: the call has been thrown back and will be made again, so that
 * the handler must return LATER at once and not have changed anything; -EFAULT for what cannot be
 * an address. */
int64_t user_read(struct thread *t, caller_t from, void *to, size_t length);
int64_t user_write(struct thread *t, caller_t to, const void *from, size_t length);
/* Makes sure that a later user_write will succeed. */
int64_t user_probe(struct thread *t, caller_t to, size_t length);
/* A NUL-terminated string: its length, -ENAMETOOLONG when it does not fit with its NUL, LATER,
 * -EFAULT. */
int64_t user_string(struct thread *t, caller_t from, char *to, size_t size);
/* Without throwing back: 0 or -EFAULT. */
int user_peek(struct thread *t, caller_t from, void *to, size_t length);
int user_poke(struct thread *t, caller_t to, const void *from, size_t length);
/* The page is missing: has it brought. LATER or -EFAULT. */
int64_t user_throw(struct thread *t, caller_t at, size_t length, unsigned window);

#endif
