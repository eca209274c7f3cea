/* log: transactions for a file server. */
#include "log.h"
#include "service.h"

static int64_t do_begin(struct message *m)
{
    (void)m;
    return -ENOSYS;
}

int main(void)
{
    /* Here is the place for recovery: nobody's call is served before service_run(). */
    static const handler_t handlers[] = { [op_number(LOG_BEGIN)] = do_begin };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(LOG, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
