/* The terminal that programs write to: UTF-8 text with control characters and escape sequences,
 * those of a VT100/VT220 (ECMA-48; DEC VT220 Programmer Reference, chapters 4 and 5) as Linux's
 * console knows them (console_codes(4)). Pure logic. */
#ifndef VT_H
#define VT_H

#include "vt_state.h"

void vt_init(struct vt *v);
/* Acts on bytes that a program writes: changes the screen and may add to v->answer, which the
 * caller takes out and gives to the input. */
void vt_write(struct vt *v, const uint8_t *bytes, size_t n);

#endif
