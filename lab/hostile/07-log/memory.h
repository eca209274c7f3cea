/* What the hostile programs of this lab have in common: a log that keeps all in memory and never
 * asks its disk, which is enough for the first test. Each does its harm in harm(), at a COMMIT.
 * lab/grader/hostile.py writes it into each main.c. */
#include "log.h"
#include "service.h"
#include "syscalls.h"

static uint8_t blocks[HOME][BLOCK], own[LOG_OPEN][HOME][BLOCK];
static bool open[LOG_OPEN], wrote[LOG_OPEN][HOME];

static int64_t harm(struct message *m);

static int64_t do_begin(struct message *m)
{
    (void)m;
    for (unsigned i = 0; i < LOG_OPEN; i++)
        if (!open[i]) {
            open[i] = true;
            memset(wrote[i], 0, sizeof wrote[i]);
            return i + 1;
        }
    return -EAGAIN;
}
static int64_t do_write(struct message *m)
{
    uint64_t t = m->w[0] - 1;
    if (t >= LOG_OPEN || m->w[3] >= HOME)
        return -EINVAL;
    wrote[t][m->w[3]] = true;
    return copy_in(m, 0, own[t][m->w[3]], BLOCK);
}
static int64_t do_commit(struct message *m)
{
    uint64_t t = m->w[0] - 1;
    if (t >= LOG_OPEN)
        return -EINVAL;
    for (unsigned i = 0; i < HOME; i++)
        if (wrote[t][i])
            memcpy(blocks[i], own[t][i], BLOCK);
    open[t] = false;
    return harm(m);
}
static int64_t do_read(struct message *m)
{
    uint64_t t = m->w[0] - 1, n = m->w[3] % HOME;
    return copy_out(m, 0, t < LOG_OPEN && wrote[t][n] ? own[t][n] : blocks[n], BLOCK);
}

_Noreturn static void serve(void)
{
    static const handler_t handlers[] = {
        [op_number(LOG_BEGIN)] = do_begin,   [op_number(LOG_WRITE)] = do_write,
        [op_number(LOG_COMMIT)] = do_commit, [op_number(LOG_ABORT)] = answer_0,
        [op_number(LOG_READ)] = do_read,     [op_number(LOG_SYNC)] = answer_0,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(LOG, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
