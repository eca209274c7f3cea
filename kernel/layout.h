/* Where services stand: at other addresses at each boot, unless the option `nokaslr` is given. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <minnow/types.h>

/* Gives each program among the boot modules an address of its own and relocates it there. To be
 * called once, when the options are known. */
void layout_modules(void);

/* A random number below `choices`; always 0 with `nokaslr`. */
uint64_t layout_random(uint64_t choices);

#endif
