/* Pages of backings, for faults: fault.c decides when they come. */
#ifndef FILE_FAULT_H
#define FILE_FAULT_H

#include "space.h"

/* Maps the frame that all who share the memory see. 0, -ENOMEM; -EIO behind its end, as in a file:
 * mremap makes a region longer, not what the region shows. Does not wait. */
int64_t shared_page(struct space *s, const struct region *r, vaddr_t page);
/* Answers a fault in a region that shows a file. `there`: something is mapped at the page. Errors
 * of its server are -EIO, unless there is really no memory. May wait. */
int64_t file_page(endpoint_t task, vaddr_t page, uint64_t access, bool there);
/* Maps what PM has of the files that the regions of a new program show: around its entry, and where
 * each other of the first regions begins. Does not wait. */
void fault_program(struct space *s, vaddr_t entry);

#endif
