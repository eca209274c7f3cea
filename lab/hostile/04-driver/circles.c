/* Chains that never end, and a ring that runs away. */
#include "serve.h"

static int move(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write)
{
    struct descriptor *q = (struct descriptor *)queue;
    volatile struct available *a = (volatile struct available *)(q + size);
    (void)d, (void)b, (void)sector, (void)count, (void)write;
    for (unsigned i = 0; i < size; i++)
        q[i] = (struct descriptor){ page_at, 16, NEXT | DEVICE_WRITES, i + 7 };
    for (unsigned i = 0; i < 100; i++) {
        a->ring[i % size] = i * 1000;
        a->index += i;
        bus_out16(QUEUE_NOTIFY, i);
    }
    return 0;
}
static int flush(struct disk *d) { return (void)d, 0; }
static void notified(uint64_t bits) { (void)bits; }

int main(void) { serve(move, flush, notified); }
