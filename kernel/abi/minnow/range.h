/* Arithmetic on numbers that another program gave: offsets, lengths, addresses, counts. Nothing
 * here wraps, whatever the numbers are. Never write a sum of such numbers out by hand. */
#ifndef MINNOW_RANGE_H
#define MINNOW_RANGE_H

#include <minnow/types.h>

/* Whether [offset, offset + length) lies in [0, size). An empty range lies in it up to its very
 * end. */
static inline bool range_within(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

/* Whether [start, start + length) lies in [first, end), first <= end. */
static inline bool range_between(uint64_t start, uint64_t length, uint64_t first, uint64_t end)
{
    return start >= first && range_within(start - first, length, end - first);
}

/* The sum, or the largest number if the sum is larger: for use as a bound. */
static inline uint64_t range_end(uint64_t start, uint64_t length)
{
    uint64_t end;
    return __builtin_add_overflow(start, length, &end) ? UINT64_MAX : end;
}

#endif
