/* Resets the device as fast as it can, so that nobody else comes to his turn. */
#include "serve.h"

static int move(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write)
{
    (void)d, (void)b, (void)sector, (void)count, (void)write;
    for (;;)
        for (unsigned i = 0; i < 64; i++)
            bus_out8(i, i);
}
static int flush(struct disk *d) { return (void)d, 0; }
static void notified(uint64_t bits) { (void)bits; }

int main(void) { serve(move, flush, notified); }
