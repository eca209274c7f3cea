/* Mapping: see mmap.c. */
#ifndef MMAP_H
#define MMAP_H

#include "backing.h"

/* Maps all of a backing, which has one user more for that, into the space of `task`, shared, at
 * `address` (0: anywhere). allowed: PAGE_..., what mprotect may ask for. replace: what is at the
 * address goes; else it makes the call fail with -EEXIST. The address, or an error, and then the
 * user is given back. May wait. */
int64_t map_backing(endpoint_t task, struct backing *b, vaddr_t address, bool replace,
                    uint8_t protection, uint8_t allowed);

#endif
