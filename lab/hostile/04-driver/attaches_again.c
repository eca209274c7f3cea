/* Shows the device other memory, again and again, and gives it no peace. */
#include "serve.h"

static void attach(void *unused)
{
    static char other[4096];
    (void)unused;
    for (;;) {
        struct call_args a = { .op = FS_WRITE, .position = 0x1000 };
        call_window(service_find("vdisk"), &a, WINDOW_INOUT, other, sizeof other, NULL);
    }
}
static int move(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write)
{
    (void)d, (void)b, (void)sector, (void)count, (void)write;
    thread_start(attach, NULL);
    return 0;
}
static int flush(struct disk *d) { return (void)d, 0; }
static void notified(uint64_t bits) { (void)bits; }

int main(void) { serve(move, flush, notified); }
