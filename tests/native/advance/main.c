/* A service that is long at work, in the place of mem (tests/test_bounds.py). The length of a read
 * tells the service what to do: advance in steps of 120 ms, for longer than the manager's patience;
 * or spin, and call give_way() with a number that stays, or that grows; or throw the call back each
 * time. */
#include "char.h"

enum { STEP_NS = 120000000, STEPS = 8, ADVANCES = 1, STAYS = 2, GROWS = 3, THROWS = 4 };

static void work(void)
{
    for (uint64_t until = time_now() + STEP_NS; time_now() < until;)
        ;
}

static int64_t do_read(struct message *m)
{
    static const char zeroes[GROWS];
    if (m->w[2] == THROWS) {
        throw_back(m->call, 0, THROWS);
        return LATER;
    }
    if (m->w[2] == STAYS)
        for (;;)
            give_way(STEPS);
    if (m->w[2] == GROWS)
        for (uint64_t n = 0;; n++)
            give_way(n);
    for (uint64_t left = STEPS; left-- && m->w[2] == ADVANCES;) {
        work();
        give_way(left);
    }
    return copy_out(m, 0, zeroes, MIN(m->w[2], sizeof zeroes))
               ? -EFAULT
               : (int64_t)MIN(m->w[2], sizeof zeroes);
}

static int64_t do_write(struct message *m) { return m->w[2]; }
static int64_t do_open(struct message *m) { return char_open(m, true, CONN_READY); }
static int64_t do_stat(struct message *m) { return char_stat(m, DEVICE_MAJOR(DEV_NULL), 0666); }

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(FS_READ)] = do_read,        [op_number(FS_WRITE)] = do_write,
        [op_number(FS_STAT)] = do_stat,        [op_number(FS_OPEN)] = do_open,
        [op_number(FS_POLL)] = char_poll,      [op_number(FS_SYNC)] = answer_einval,
        [op_number(FS_IOCTL)] = answer_enotty, [op_number(FS_TRUNCATE)] = answer_einval,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
