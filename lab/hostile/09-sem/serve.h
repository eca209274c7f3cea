/* What the hostile programs of this lab have in common: they find and make sets as they should, so
 * that their tester goes on, but for the handlers that they put into the table.
 * lab/grader/hostile.py writes it into each main.c, for nothing but the lab's own files is handed
 * in. */
#include "sem.h"

#include "service.h"

static int32_t keys[64], known;

__attribute__((unused)) static int64_t do_get(struct message *m)
{
    int32_t key = m->w[0];
    uint32_t flags = m->w[2];
    for (int32_t i = 0; key && i < known; i++)
        if (keys[i] == key)
            return flags & IPC_CREAT && flags & IPC_EXCL ? -EEXIST : i;
    if (key && !(flags & IPC_CREAT))
        return -ENOENT;
    keys[known % 64] = key;
    return known++ % 64;
}

__attribute__((unused)) static int64_t do_nothing(struct message *m)
{
    (void)m;
    return 0;
}

_Noreturn static void serve(handler_t get, handler_t operate, handler_t control, handler_t end)
{
    static handler_t handlers[op_number(SEM_EXIT) + 1];
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SEM, handlers) };
    handlers[op_number(SEM_GET)] = get;
    handlers[op_number(SEM_OPERATE)] = operate;
    handlers[op_number(SEM_CONTROL)] = control;
    handlers[op_number(SEM_EXIT)] = end;
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
