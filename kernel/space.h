/* Memory of tasks, seen from the kernel. It never dereferences a user address: it walks the page
 * table and copies through the direct map, so a wild pointer is an error code and nothing else. */
#ifndef SPACE_H
#define SPACE_H

#include "thread.h"

/* Where the kernel sees the byte at va, if the owner of s may read it (write: may write it); else
 * NULL. Valid up to the end of that page. */
void *space_byte(struct space *s, vaddr_t va, bool write);
/* Whether [*at, *at + length) has a byte that space_byte() does not find; *at becomes the first. */
bool space_missing(struct space *s, vaddr_t *at, uint64_t length, bool write);
/* Copies n bytes between a task's memory and the kernel's, or between two tasks. 0, or -EFAULT:
 * then the bytes before the missing page have been copied, but by space_write() none. */
int space_read(struct space *s, vaddr_t from, void *to, size_t n);
int space_read_writable(struct space *s, vaddr_t from, void *to, size_t n); /* may be written too */
int space_write(struct space *s, vaddr_t to, const void *from, size_t n);
int space_copy(struct space *to, vaddr_t to_va, struct space *from, vaddr_t from_va, size_t n);
/* Commits fresh zeroed pages in a service's space, within its budget, where none are yet.
 * protection: PAGE_.... 0, -EINVAL, -ENOMEM. */
int space_commit(struct task *t, vaddr_t va, size_t pages, uint32_t protection);
/* Frees the pages below `end` that a service owns, and unmaps the others there. */
void space_release(struct task *t, vaddr_t end);

/* Unmaps every page that is left in a program's space. */
void space_unmap_rest(struct space *s);
/* INFO_RESIDENT: counts the pages from `page` on, as many as may be counted at once. */
void space_count(const struct space *s, uint64_t page, struct resident_info *out);

#endif
