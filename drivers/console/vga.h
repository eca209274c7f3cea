/* The VGA in text mode (IBM PS/2 Hardware Interface Technical Reference, Video Subsystem): text
 * memory and cursor. */
#ifndef VGA_H
#define VGA_H

#include "screen.h"

void vga_init(void); /* dies without the memory */
/* Shows the rows of s that have changed, as they are `back` lines before the newest. */
void vga_show(struct screen *s, unsigned back, bool cursor);

#endif
