/* Has the device read and write all over the address space, and off its chains. */
#include "serve.h"

static int move(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write)
{
    static const uint64_t targets[] = {
        0, 4096, 0xfffff, 0x100000 - 8, -1ull, 1ull << 40, 0xb8000
    };
    (void)d, (void)b, (void)count, (void)write;
    for (unsigned i = 0; i < ARRAY_SIZE(targets); i++)
        for (unsigned type = 0; type < 9; type++)
            ask(type, sector << type, targets[i], 1u << (9 + 2 * type));
    return 0;
}
static int flush(struct disk *d) { return (void)d, 0; }
static void notified(uint64_t bits) { (void)bits; }

int main(void) { serve(move, flush, notified); }
