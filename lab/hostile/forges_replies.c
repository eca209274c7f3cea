/* Answers calls that others hold. */
#include "service.h"
static void forge(void)
{
    for (uint64_t sequence = 0; sequence < 4096; sequence++)
        for (uint64_t thread = 0; thread < 128; thread++)
            reply(sequence << 16 | thread, 0);
}
static int64_t do_any(struct message *m)
{
    (void)m;
    forge();
    return 0;
}
int main(void)
{
    static const handler_t handlers[] = { do_any, do_any, do_any, do_any, do_any };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    forge();
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
