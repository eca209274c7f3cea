/* Keeps a page for each call, and never gives it back. */
#include "serve.h"

static int64_t grow(struct message *m)
{
    for (unsigned n = 0; n < 100000; n++) {
        char *page = memory_alloc(4096);
        if (!page)
            page = memory_pages(1);
        if (!page)
            return 0;
        memset(page, n, 4096);
    }
    return 0;
}

int main(void) { serve(grow, grow, grow, grow); }
