/* Answers twice, then jumps to nowhere. */
#include "service.h"
static int count;
static int64_t do_any(struct message *m)
{
    (void)m;
    if (++count > 2)
        ((void (*)(void))0x10)();
    return -ENOENT;
}
int main(void)
{
    static const handler_t handlers[] = { do_any, do_any, do_any, do_any, do_any };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
