/* Locked memory. */
#ifndef LOCK_H
#define LOCK_H

#include "space.h"

/* Brings the pages of what is locked in a range, but for regions with REGION_ON_FAULT. 0; -EAGAIN:
 * there is not enough memory; -ENOMEM: some of it cannot be touched. May wait. */
int64_t lock_bring(endpoint_t task, vaddr_t start, vaddr_t end);

#endif
