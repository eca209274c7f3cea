/* @SERVER@: answers with the next number. */
#include "service.h"

static int64_t do_next(struct message *m) { return m->w[0] + 1; }

int main(void)
{
    static const handler_t handlers[] = { [op_number(FS_SEEK)] = do_next };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
