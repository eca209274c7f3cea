/* The service manager: the first process. It gives every service of the list its slot, so that
 * names can be looked up and calls can wait before the service runs; then it loads and starts them
 * in the order of the list, and keeps them alive (watch.c). */
#include "rs.h"
#include "syscalls.h"

static int64_t do_status(struct message *m)
{
    uint64_t slot = m->w[0];
    if (slot >= slots)
        return -ENOENT;
    const struct entry *e = &services[slot];
    struct rs_status out = { .state = is_running(e) ? RUNNING : e->state,
                             .starts = e->starts,
                             .deaths = e->deaths,
                             .rights = e->rights };
    memcpy(out.name, e->name, sizeof out.name);
    int error = copy_out(m, 0, &out, MIN(m->w[2], sizeof out));
    return error ? error : (int64_t)sizeof out;
}

static int64_t do_halt(struct message *m) { return sys_halt(m->w[0]); }

int main(void)
{
    static const handler_t handlers[] = { [op_number(RS_STATUS)] = do_status,
                                          [op_number(RS_HALT)] = do_halt };
    struct protocol protocols[] = { PROTOCOL_TABLE(RS, handlers), device_protocol };
    memcpy(services[1].name, "rs", 3);
    services[1].state = RUNNING;
    services[1].starts = 1;
    boot_read((uint32_t)ask_frame_count());
    for (unsigned i = 2; i < slots; i++)
        if (services[i].state != REFUSED)
            lifecycle_create(i);
    for (unsigned i = 2; i < slots; i++)
        if (services[i].state == CREATED)
            lifecycle_start(i);
    watch_services(0);
    service_run(&(struct service){ .protocols = protocols,
                                   .count = ARRAY_SIZE(protocols),
                                   .threads = 1,
                                   .notify = watch_services });
}
