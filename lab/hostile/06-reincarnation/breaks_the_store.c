/* Asks the store for records that there are not, with windows that reach anywhere. */
#include "serve.h"

static void begin(void) {}
static int64_t answer(struct message *m)
{
    static char bytes[4096];
    for (unsigned i = 0; i < 64; i++) {
        struct call_args a = { .op = i % 2 ? STORE_PUT : STORE_GET, .w0 = (uint64_t)1 << i };
        call_window(service_find("store"), &a, i % 3 ? WINDOW_IN : WINDOW_OUT, bytes, i * 64, NULL);
        a.w0 = i % STORE_RECORDS;
        call_window(service_find("store"), &a, WINDOW_IN, (void *)(i * 0x123456789), ~0ul >> i,
                    NULL);
    }
    return m->w[5];
}
