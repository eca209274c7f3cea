/* Page faults. */
#ifndef FAULT_H
#define FAULT_H

#include "service.h"

/* Brings the pages of a range, as if each had been touched by `access` (PM_FAULT_...). 0; or the
 * error of the first page that could not be brought, if none came before it. May wait. */
int64_t fault_range(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access);

#endif
