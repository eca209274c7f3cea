/* Writes all over its callers' windows, and around them, before and after its reply. */
#include "service.h"
static uint8_t junk[65536];
static int64_t do_any(struct message *m)
{
    call_t c = m->call;
    memset(junk, 0xee, sizeof junk);
    for (unsigned n = 1; n <= sizeof junk; n *= 2)
        for (int i = -4; i < 64; i++)
            copy_out_call(c, i * 4096ul, junk, n);
    reply(c, 0);
    copy_out_call(c, 0, junk, sizeof junk);
    return LATER;
}
int main(void)
{
    static const handler_t handlers[] = { do_any, do_any, do_any, do_any, do_any };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
