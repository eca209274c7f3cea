/* Serves a read, and dies of the next: its successor finds the device in the middle of its work. */
#include "serve.h"

static int move(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write)
{
    static unsigned reads;
    (void)d, (void)write;
    ask(TYPE_IN, sector, b->physical, count * SECTOR);
    if (++reads == 2)
        die("enough");
    return 0;
}
static int flush(struct disk *d) { return (void)d, 0; }
static void notified(uint64_t bits) { (void)bits; }

int main(void) { serve(move, flush, notified); }
