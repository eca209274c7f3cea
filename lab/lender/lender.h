/* The lender's file, for the tests of labs. Page n begins with the word lender_word(seed, n), and
 * ends with its complement, until they are written; it is zero between. */
#ifndef LENDER_H
#define LENDER_H

#include <stdint.h>

enum { LENDER_PAGES = 4096, LENDER_FRAMES = 64 };
enum {
    LENDER_RESET = 0x4d4e0011, /* struct lender_reset: all counts 0; -EBUSY while a page is lent */
    LENDER_COUNTS = 0x4d4e0012 /* struct lender_counts is filled */
};

struct lender_reset {
    uint64_t seed;
    uint64_t frames; /* to lend, at most LENDER_FRAMES */
};

struct lender_counts {
    uint64_t fetched;  /* pages lent so far */
    uint64_t refused;  /* answers that no frame was left */
    uint64_t written;  /* pages that came back as written */
    uint64_t lent;     /* pages lent now */
    uint64_t nonsense; /* pages given back that were not lent */
};

static inline uint64_t lender_word(uint64_t seed, uint64_t page)
{
    uint64_t x = (seed * LENDER_PAGES + page + 1) * 0x9e3779b97f4a7c15ull;
    return x ^ x >> 29;
}

#endif
