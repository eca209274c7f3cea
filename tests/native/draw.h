/* Random numbers for services that misbehave: xorshift64 (Marsaglia 2003). */
#ifndef DRAW_H
#define DRAW_H

#include <minnow/types.h>

static uint64_t draw_state;

static inline void draw_seed(uint64_t seed) { draw_state = seed | 1; }

static inline uint64_t draw(void)
{
    draw_state ^= draw_state << 13;
    draw_state ^= draw_state >> 7;
    draw_state ^= draw_state << 17;
    return draw_state;
}

#endif
