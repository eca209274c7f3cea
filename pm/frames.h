/* Physical memory: a count for each frame. Nothing here waits. */
#ifndef FRAMES_H
#define FRAMES_H

#include "service.h"

#include <minnow/limits.h>

/* Published, by task index. Place 0 is the whole: virtual_pages the frames that PM has, resident
 * those in use. */
extern struct pm_usage usage_table[TASKS_MAX];

/* At start: takes all frames that the kernel has for programs; dies if there are none. */
void frames_init(void);
/* A free frame, whose count is 1 from now on; 0: there is none. Its bytes may be anything. */
paddr_t frame_get(void);
/* Likewise; 0 also when the frames that are left are root's, and the user of `task` is another. */
paddr_t frame_for(endpoint_t task);
/* One user of the frame more; one less, and the last one frees it. */
void frame_ref(paddr_t frame);
void frame_put(paddr_t frame);
/* How many users a frame has that is not free. */
uint32_t frame_count(paddr_t frame);
/* How many frames are free; how many PM has, not the machine. */
uint64_t frames_unused(void);
uint64_t frames_total(void);
/* Gives the kernel some frames for page tables of `task`. false: none is left for its user. */
bool frames_lend(endpoint_t task);

#endif
