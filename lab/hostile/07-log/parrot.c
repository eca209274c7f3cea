/* Gives back what it was given last, whatever is asked. */
#include "log.h"
#include "service.h"

static uint8_t last[BLOCK];
static int64_t yes(struct message *m)
{
    (void)m;
    return 1;
}
static int64_t hear(struct message *m) { return copy_in(m, 0, last, BLOCK); }
static int64_t say(struct message *m) { return copy_out(m, 0, last, BLOCK); }

int main(void)
{
    static const handler_t handlers[] = { yes, hear, answer_0, answer_0, say, answer_0 };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(LOG, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
