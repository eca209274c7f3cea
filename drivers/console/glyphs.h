/* The VGA's own character set: see glyphs.c. */
#ifndef GLYPHS_H
#define GLYPHS_H

#include <stdint.h>

/* The VGA's character for a Unicode code point; a small block for what it cannot show. */
uint8_t glyph(uint32_t code);
/* The code point of one of DEC's line graphics; other bytes are themselves. */
uint32_t line_graphic(uint8_t byte);

#endif
