/* puppet: works, waits, sleeps, spins and dies when it is told to. See README.md. */
#include "puppet.h"

#include "../store/store.h"
#include "service.h"
#include "syscalls.h"

enum { MS = 1000000 };

static call_t asleep; /* the call that the alarm answers; 0: none */
static struct {
    uint64_t pieces, turns;
} later; /* what the alarm begins; no pieces: nothing */

static int64_t do_echo(struct message *m) { return (int64_t)m->w[0]; }

/* Computes; no message, no kernel call. A turn is two instructions. */
static void compute(uint64_t turns)
{
    if (turns)
        __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns));
}

static int64_t do_work(struct message *m)
{
    compute(m->w[0]);
    return 0;
}

static int64_t do_steps(struct message *m)
{
    for (uint64_t left = MIN(m->w[0], (uint64_t)STEPS_MAX); left--;) {
        compute(m->w[3]);
        give_way(left);
    }
    return 0;
}

static int64_t do_after(struct message *m)
{
    later.pieces = m->w[3];
    later.turns = m->w[4];
    alarm_at(time_now() + m->w[0] * MS);
    return 0;
}

static int64_t do_sleep(struct message *m)
{
    if (asleep && call_alive(asleep))
        return -EBUSY;
    asleep = m->call;
    alarm_at(time_now() + m->w[0] * MS);
    return LATER;
}

static int64_t do_wait(struct message *m)
{
    return call(service_find("sleeper"), PUPPET_SLEEP, m->w[0], 0, 0, 0);
}

/* How often the puppet has gone wrong for a key; -1: that cannot be told. */
static int64_t counted(uint64_t record)
{
    uint64_t n = 0;
    int64_t error = call_window(service_find("store"),
                                &(struct call_args){ .op = STORE_GET, .w0 = record }, WINDOW_OUT,
                                &n, sizeof n, NULL);
    return error ? -1 : (int64_t)n;
}

static void count(uint64_t record, uint64_t n)
{
    call_window(service_find("store"), &(struct call_args){ .op = STORE_PUT, .w0 = record },
                WINDOW_IN, &n, sizeof n, NULL);
}

/* A fault: the service dies at this instruction. */
static _Noreturn void fault(void)
{
    __asm__ volatile("ud2");
    __builtin_unreachable();
}

/* Goes wrong; what does so by computing ends at a time all the same, in nanoseconds since boot. */
static int64_t go_wrong(enum puppet_fails how, uint64_t until)
{
    switch (how) {
    case PUPPET_SPINS:
        while (time_now() < until)
            compute(1000);
        return -ETIMEDOUT;
    case PUPPET_FORGETS: return LATER;
    case PUPPET_QUITS: die("as it was told");
    case PUPPET_DEAF: memory_pages(1); fault();
    case PUPPET_SPOILS: ask_exit(EXIT_UNRECOVERABLE); fault();
    default: fault();
    }
}

/* Goes wrong as many times as it is told, or always; where times are counted the store counts, for
 * a puppet that keeps nothing forgets. */
static int64_t do_fail(struct message *m)
{
    uint64_t times = m->w[4], record = 1 + m->w[0] % PUPPET_KEYS;
    int64_t n = times ? counted(record) : 0;
    if (n < 0)
        return -EIO;
    if (times && (uint64_t)n >= times)
        return n;
    if (time_now() >= m->w[5])
        return -ETIMEDOUT;
    if (times)
        count(record, n + 1);
    return go_wrong(m->w[3], m->w[5]);
}

static void alarmed(uint64_t bits)
{
    call_t c = asleep;
    if (!(bits >> NOTIFY_ALARM & 1))
        return;
    asleep = 0;
    if (c)
        reply(c, 0);
    for (; later.pieces; later.pieces--) {
        compute(later.turns);
        counted(PUPPET_START); /* a message, during which no other service of its kind can run */
    }
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(PUPPET_ECHO)] = do_echo,   [op_number(PUPPET_WORK)] = do_work,
        [op_number(PUPPET_STEPS)] = do_steps, [op_number(PUPPET_AFTER)] = do_after,
        [op_number(PUPPET_SLEEP)] = do_sleep, [op_number(PUPPET_WAIT)] = do_wait,
        [op_number(PUPPET_FAIL)] = do_fail,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(PUPPET, handlers) };
    int64_t deaths = counted(PUPPET_START);
    if (deaths > 0) {
        count(PUPPET_START, deaths - 1);
        fault();
    }
    service_run(
        &(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = alarmed });
}
