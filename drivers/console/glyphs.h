/* The VGA's own character set: see glyphs.c. */
#ifndef GLYPHS_H
#define GLYPHS_H

#include <stdint.h>

/* The VGA's character for a Unicode code point; a small block if the VGA cannot show it. */
uint8_t glyph(uint32_t code);
/* The code point that a byte stands for in DEC's line graphics, 0x5f to 0x7e; other bytes stand for
 * themselves. */
uint32_t line_graphic(uint8_t byte);

#endif
