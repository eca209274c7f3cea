/* Answers with the codes by which POSIX has calls made again, and with results of no call. */
#include "serve.h"

static int64_t wild(struct message *m)
{
    static const int64_t results[] = { -512,      -513,          -514,      -516,      INT64_MIN,
                                       INT64_MAX, INT64_MIN + 2, INT32_MIN, INT32_MAX, -4095 };
    static unsigned n;
    struct reply r = { ~0ul >> n % 64, n, n, n };
    reply_full(m->call, results[n++ % ARRAY_SIZE(results)], &r);
    return LATER;
}

int main(void) { serve(wild, wild, wild, wild); }
