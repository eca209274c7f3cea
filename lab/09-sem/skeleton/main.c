/* sem: semaphores of System V. */
#include "sem.h"

#include "service.h"

static int64_t do_get(struct message *m)
{
    (void)m;
    return -ENOSYS;
}

/* A process has ended. */
static int64_t do_exit(struct message *m)
{
    (void)m;
    return 0;
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(SEM_GET)] = do_get,
        [op_number(SEM_EXIT)] = do_exit,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SEM, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
