/* Receives calls, and answers none. */
#include "service.h"
static int64_t do_any(struct message *m)
{
    (void)m;
    return LATER;
}
int main(void)
{
    static const handler_t handlers[] = { do_any, do_any, do_any, do_any, do_any };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
