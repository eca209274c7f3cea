/* Deaths on purpose, for the tests. The manager comes before everybody else, so when its alarm goes off it finds the services stopped at
 * whatever instruction they had got to; one that is at work then is killed there. With a counted clock every such death can be had again. */
#include "rs.h"
#include "syscalls.h"

static KEPT struct { uint64_t state, mean, next, mask; } storm;

/* xorshift64 (Marsaglia 2003). */
static uint64_t draw(void)
{
    storm.state ^= storm.state << 13;
    storm.state ^= storm.state >> 7;
    storm.state ^= storm.state << 17;
    return storm.state;
}

/* Now short and now long: one that needs long for something must come to its end some time. */
static uint64_t gap(void)
{
    unsigned twice = __builtin_ctzl(draw() | 64);
    return (1 + draw() % storm.mean) << twice >> 1;
}

void storm_start(uint64_t seed, uint64_t mean_ns, uint64_t mask)
{
    storm.state = seed * 0x9e3779b97f4a7c15ul | 1;
    storm.mean = mean_ns;
    storm.mask = mask;
    storm.next = mean_ns ? time_now() + gap() : 0;
}

void storm_at(uint64_t when, uint64_t mask)
{
    storm.mean = 0;
    storm.mask = mask;
    storm.next = when;
}

uint64_t storm_next(void) { return storm.next; }

void storm_look(uint64_t now)
{
    struct task_info info;
    if (!storm.next || now < storm.next)
        return;
    storm.next = storm.mean ? now + gap() : 0;
    for (unsigned i = 2; i < slots; i++)
        if (storm.mask >> i & 1 && services[i].state == RUNNING && kernel_ask(SYS_INFO, INFO_TASK, i, (uint64_t)&info, sizeof info, 0, 0) > 0
            && info.stretch && !info.crash)
            life_kill(i);
}
