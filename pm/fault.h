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
/* To be called when a program has got memory of its own: if it is little, its pages are brought at
 * once, since the program mostly touches them next. Does not wait. */
void fault_new(struct space *s, vaddr_t start, vaddr_t end);
/* Maps what PM has of the files that the regions of a new program show: around its entry, and where
 * each other of the first regions begins. Does not wait. */
void fault_program(struct space *s, vaddr_t entry);

#endif
