/* The VGA in text mode (IBM PS/2 Hardware Interface Technical Reference, Video Subsystem): text
 * memory and cursor. */
#ifndef VGA_H
#define VGA_H

#include "screen.h"

/* Maps the text memory and sets the mode up; dies if the memory cannot be had. */
void vga_init(void);
/* Shows the rows of s that are dirty, in a view that is `back` lines in the history, and the
 * cursor, which is hidden in the history. The rows are clean then. */
void vga_show(struct screen *s, unsigned back, bool cursor);

#endif
