/* The memory of a program whose call is held: see user_memory.c. */
#ifndef USER_MEMORY_H
#define USER_MEMORY_H

#include "process.h"

/* Copy between a program's memory and this server's. 0; LATER: a page was missing, so the call has
 * been thrown back and will be made again: the handler must have changed nothing, and returns LATER
 * at once; -EFAULT: programs have no memory there. They do not wait. */
int64_t user_read(struct thread *t, caller_t from, void *to, size_t length);
int64_t user_write(struct thread *t, caller_t to, const void *from, size_t length);
/* Makes sure that a user_write, before the thread runs again, will succeed. Results likewise. */
int64_t user_probe(struct thread *t, caller_t to, size_t length);
/* A NUL-terminated string: its length; -ENAMETOOLONG when it does not fit with its NUL; LATER and
 * -EFAULT as above. */
int64_t user_string(struct thread *t, caller_t from, char *to, size_t size);
/* The same copies without throwing back: 0, or -EFAULT, also when only a page is missing. */
int user_peek(struct thread *t, caller_t from, void *to, size_t length);
int user_poke(struct thread *t, caller_t to, const void *from, size_t length);
/* Likewise, and commits: what has been found out until here, the time for one, is not found out
 * again if the service dies. */
int user_poke_once(struct thread *t, caller_t to, const void *from, size_t length);
/* Throws t's call back so that PM brings the pages of the range, for reading or writing as `window`
 * (WINDOW_...) says. LATER, and the call is not held any more; or -EFAULT. */
int64_t user_throw(struct thread *t, caller_t at, size_t length, unsigned window);
/* The same for the first `length` bytes of the window that the call has. LATER. */
int64_t user_throw_window(struct thread *t, size_t length);

#endif
