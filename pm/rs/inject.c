/* Deaths and damage on purpose, for the tests. The manager has the highest priority, so when its
 * alarm goes off it finds the services stopped at whatever instruction they had got to, and kills
 * there those that are at work. With a counted clock every such death can be had again. */
#include "rs.h"
#include "syscalls.h"

static struct {
    uint64_t state, mean, next, mask, delay;
} storm;

/* xorshift64 (Marsaglia 2003). */
static uint64_t draw(void)
{
    storm.state ^= storm.state << 13;
    storm.state ^= storm.state >> 7;
    storm.state ^= storm.state << 17;
    return storm.state;
}

/* The time to the next death: now short and now long, so that a service which needs long for
 * something gets to its end some time. */
static uint64_t gap(void)
{
    unsigned twice = __builtin_ctzl(draw() | 64);
    return (1 + draw() % storm.mean) << twice >> 1;
}

void inject_storm(uint64_t seed, uint64_t mean_ns, uint64_t mask)
{
    storm.state = seed * 0x9e3779b97f4a7c15ul | 1;
    storm.mean = mean_ns;
    storm.mask = mask;
    storm.next = mean_ns ? time_now() + gap() : 0;
}

void inject_at(uint64_t when, uint64_t mask)
{
    storm.mean = 0;
    storm.mask = mask;
    storm.next = when;
}

void inject_after(uint64_t record, uint64_t ns, uint64_t mask)
{
    inject_at(0, mask);
    storm.delay = ns;
    ask_trace(TRACE_TELL, record, NULL, 0);
}

uint64_t inject_next(void) { return storm.next; }

void inject_due(uint64_t now, uint64_t bits)
{
    struct task_info info;
    if (bits >> NOTIFY_TRACE & 1)
        storm.next = now + storm.delay;
    if (!storm.next || now < storm.next)
        return;
    storm.next = storm.mean ? now + gap() : 0;
    for (unsigned i = 2; i < slots; i++)
        if (storm.mask >> i & 1 && is_running(&services[i]) && task_of(i, &info) && info.stretch &&
            !info.crash)
            lifecycle_kill(i);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int inject_mutant(unsigned slot, vaddr_t address, const char *digits, size_t count)
{
    uint8_t bytes[16];
    if (!is_running(&services[slot]))
        return -EBUSY;
    if (!count || count % 2 || count / 2 > sizeof bytes)
        return -EINVAL;
    for (size_t i = 0; i < count; i += 2) {
        int high = digit(digits[i]), low = digit(digits[i + 1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        bytes[i / 2] = high << 4 | low;
    }
    return image_poke(slot, address, bytes, count / 2);
}
