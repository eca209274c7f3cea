/* Memory of tasks, seen from the kernel. It never dereferences a user address: it walks the page
 * table and copies through the direct map, so a wild pointer is an error code and nothing else. */
#ifndef SPACE_H
#define SPACE_H

#include "thread.h"

/* Where the kernel sees the byte at va, if that page is there for its owner (and writable, for
 * write); else NULL. */
void *space_byte(struct space *s, vaddr_t va, bool write);
/* Is there a byte of [*at, *at + length) that space_byte does not find? *at becomes the first such
 * one. */
bool space_missing(struct space *s, vaddr_t *at, uint64_t length, bool write);
/* Copy between a task's memory and the kernel's, or between two tasks'. 0 or -EFAULT; then what was
 * copied before the missing page stays copied. */
int space_read(struct space *s, vaddr_t from, void *to, size_t n);
int space_write(struct space *s, vaddr_t to, const void *from, size_t n);
int space_copy(struct space *to, vaddr_t to_va, struct space *from, vaddr_t from_va, size_t n);
/* Commits fresh zeroed pages in a service's space, within its budget. 0, -ENOMEM. */
int space_commit(struct task *t, vaddr_t va, size_t pages, uint32_t protection);
/* Frees every page of a service's space that it owns. */
void space_release(struct task *t, vaddr_t end); /* what a service has below `end` */

/* What PM has left in a program's space. */
void space_unmap_rest(struct space *s);

#endif
