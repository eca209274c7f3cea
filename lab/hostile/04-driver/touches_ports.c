/* Looks for the real disk behind the machine's ports, to which its manifest gives it no right. */
#include "serve.h"

static int move(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write)
{
    (void)d, (void)b, (void)sector, (void)count, (void)write;
    out32(0xcf8, 1u << 31);
    out8(0x1f7, 0xec);
    in_string16(0x1f0, b->data, SECTOR);
    out8(0xe9, '{');
    return 0;
}
static int flush(struct disk *d) { return (void)d, 0; }
static void notified(uint64_t bits) { (void)bits; }

int main(void) { serve(move, flush, notified); }
