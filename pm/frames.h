/* Physical memory: which frames are free. How many pages of programs a frame is, the kernel counts
 * (PAGE_OUT_ALONE). Nothing here waits. */
#ifndef FRAMES_H
#define FRAMES_H

#include "service.h"

#include <minnow/limits.h>

/* Published, by task index. Place 0 is the whole: virtual_pages the frames that PM has, resident
 * those in use. */
extern struct pm_published published;

/* At start: takes all frames that the kernel has for programs; dies if there are none. */
void frames_init(void);
/* A free frame, which is taken from now on; 0: there is none. Its bytes may be anything. */
paddr_t frame_get(void);
/* Likewise; 0 also when the frames that are left are root's, and the user of `task` is another. */
paddr_t frame_for(endpoint_t task);
/* A frame that was taken is free again: no program maps it. */
void frame_put(paddr_t frame);
/* How many frames are free; how many PM has, not the machine. */
uint64_t frames_unused(void);
uint64_t frames_total(void);
/* Gives the kernel some frames for page tables of `task`. false: none is left for its user. */
bool frames_lend(endpoint_t task);

#endif
