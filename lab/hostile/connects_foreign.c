/* Gives its callers descriptors, as many as fit, with all flags there are, and results that are
 * descriptors. */
#include "service.h"
static int64_t do_any(struct message *m)
{
    static uint64_t n;
    for (unsigned i = 0; i < 300; i++)
        connect(m, n * 0x0101010101010101, n << i % 40), n++;
    reply_full(m->call, n % 3, &(struct reply){ -1ul, 1, 1, 1 });
    return LATER;
}
int main(void)
{
    static const handler_t handlers[] = { do_any, do_any, do_any, do_any, do_any };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
