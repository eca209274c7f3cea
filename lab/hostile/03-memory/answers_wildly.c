/* Answers with numbers that are no errors, about addresses that are no programs'. */
#include "rest.h"

int64_t do_fault(struct message *m)
{
    static uint64_t n;
    struct space *s = space_of(m->from);
    n = (n + 1) * 0x9e3779b97f4a7c15;
    if (s && n % 3 == 0)
        page_map(s, n & -(uint64_t)PAGE_SIZE, n << 12, n >> 40, n % 16);
    if (s && n % 3 == 1)
        page_protect(s, n << 12, n);
    frames_lend((endpoint_t)n);
    return n % 5 ? bring(m->from, PAGE_DOWN(m->w[0]), m->w[1]) : (int64_t)n;
}
