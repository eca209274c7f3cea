/* Physical memory: a count for each frame. Nothing here waits. */
#ifndef FRAMES_H
#define FRAMES_H

#include "service.h"

#include <minnow/limits.h>

/* Published, by task index. Place 0 is the whole: virtual_pages the frames that PM has, resident
 * those in use. */
extern struct pm_usage usage_table[TASKS_MAX];

void frames_init(void);
paddr_t frame_get(void); /* counted once; 0 when there is none */
void frame_ref(paddr_t frame);
void frame_put(paddr_t frame);
uint32_t frame_count(paddr_t frame);
uint64_t frames_unused(void);
uint64_t frames_total(void); /* PM's, not the machine's */
/* likewise; 0 as well when what is there is for root, who is not the task's user */
paddr_t frame_for(endpoint_t task);
/* gives the kernel some for page tables of the task's; false: none left for him */
bool frames_lend(endpoint_t task);

#endif
