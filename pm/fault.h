/* Page faults. */
#ifndef FAULT_H
#define FAULT_H

#include "space.h"

/* Brings the pages of a range, as if each had been touched by `access` (PM_FAULT_...). 0; or the
 * error of the first page that could not be brought, if none came before it. May wait. */
int64_t fault_range(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access);
/* Likewise; the error of the first page that could not be brought, whatever came before it. */
int64_t fault_each(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access);
/* Brings a page of a task for another program, which wants to read or write it. force: also where
 * the task itself may not, but for writes to what others map too. 0; -EFAULT: there is no such
 * page, or it may not be reached so; -ENOMEM, -EIO. May wait. */
int64_t fault_remote(endpoint_t task, vaddr_t page, bool write, bool force);
/* To be called when a program has got memory of its own, from start to end: if it is little, its
 * pages are brought at once, since the program mostly touches them next. Does not wait. */
void fault_new(struct space *s, vaddr_t start, vaddr_t end);
/* Answers a write to a page that is mapped read-only in a private, writable region: it becomes the
 * space's own, by a copy unless the space is the only one that has it. 0, -ENOMEM. Does not wait.
 */
int64_t fault_copy(struct space *s, const struct region *r, vaddr_t page);
/* Gives a child the pages that its parent has in a range, `most` of them or what one call takes
 * more; *start becomes where to go on. share: both see what either writes; otherwise neither does.
 * 0, or an error, as -ENOMEM. Does not wait. */
int64_t fault_clone(struct space *parent, struct space *child, vaddr_t *start, vaddr_t end,
                    bool share, uint64_t most);
/* Whether a region may be used so (PM_FAULT_...). */
static inline bool fault_permitted(const struct region *r, uint64_t access)
{
    if (access & PM_FAULT_WRITE)
        return r->protection & PAGE_WRITE;
    if (access & PM_FAULT_EXEC)
        return r->protection & PAGE_EXEC;
    return r->protection != 0;
}

#endif
