/* names: a server of names and values. */
#include "names.h"
#include "service.h"

static int64_t do_put(struct message *m)
{
    (void)m;
    return -ENOSYS;
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(NAMES_PUT)] = do_put };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
