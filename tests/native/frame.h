/* What the harness reads from port 0xE9 (tests/vmlib.py, Frames): a type, a length, and so many
 * bytes. */
#ifndef FRAME_H
#define FRAME_H

#include "service.h"

enum { FRAME_PORT = 0xe9, FRAME_MOST = 291 };

static inline void frame(char type, const char *text, uint32_t n)
{
    char out[9 + FRAME_MOST] = { 0x7f, 'M', 'N', 'W', type };
    memcpy(out + 5, &n, 4);
    memcpy(out + 9, text, n);
    out_string8(FRAME_PORT, out, 9 + n);
}

#endif
