/* The clock's calibration (kernel/x86/clock.c) on a machine whose host takes the processor away at
 * any moment: time is measured right. */
#include <minnow/types.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* In the place of x86/cpu.h: a machine. Each access takes a while; in some trials the host is away
 * for a time after one of them. */
#define X86_CPU_H
enum { MSR_APIC_BASE = 0x1b, VECTOR_SPURIOUS = 63, VECTOR_TIMER = 48, SOME_WORDS = 0x400 };

static const uint64_t tsc_real = 2300000000, timer_real = 1000000000, pit_real = 1193182;
static uint64_t now, pit_began, timer_began; /* ns; TSC counts from 0 */
static unsigned trial, access_of_trial, away_after, away_trials;
static uint64_t away_ns;
static uint32_t registers[SOME_WORDS], last_initial;

static void pass(uint64_t ns)
{
    now += ns;
    if (trial <= away_trials && access_of_trial++ == away_after)
        now += away_ns;
    if (registers[0x380 / 4] != last_initial) {
        last_initial = registers[0x380 / 4];
        timer_began = now;
    }
    registers[0x390 / 4] = last_initial -
                           (uint32_t)((now - timer_began) * (timer_real / 1000) / 1000000);
}

static inline uint64_t rdmsr(uint32_t n)
{
    (void)n;
    return 0;
}
static inline uint64_t rdtsc(void)
{
    pass(20);
    return (unsigned __int128)now * tsc_real / 1000000000;
}

static inline void outb(uint16_t port, uint8_t value)
{
    static unsigned bytes, low, count;
    pass(900);
    if (port == 0x43) {
        trial++;
        access_of_trial = bytes = 0;
    }
    if (port == 0x42 && bytes++ == 0)
        low = value;
    else if (port == 0x42) {
        count = low | value << 8;
        pit_began = now + (uint64_t)count * 1000000000 / pit_real;
    }
}

static inline uint8_t inb(uint16_t port)
{
    pass(900);
    return port == 0x61 && pit_began && now >= pit_began ? 0x20 : 0;
}

#include "x86/clock.c"

struct clock_page *clock_page;
void *arch_map_device(paddr_t at)
{
    (void)at;
    return registers;
}
void clock_interrupt(void) {}
void kprintf(const char *format, ...) { (void)format; }
void panic(const struct regs *r, const char *format, ...)
{
    (void)r;
    fail_msg("%s", format);
    __builtin_unreachable();
}
vaddr_t kernel_slide;

static void measured(unsigned after, unsigned trials, uint64_t ns)
{
    away_after = after, away_trials = trials, away_ns = ns;
    trial = access_of_trial = 0;
    lapic_init();
    calibrate();
    if (tsc_hz_ / 1000 < tsc_real / 1000 * 997 / 1000 ||
        tsc_hz_ / 1000 > tsc_real / 1000 * 1003 / 1000)
        fail_msg("away after access %u of %u trials for %lu us: %lu Hz", after, trials, ns / 1000,
                 tsc_hz_);
    if (lapic_hz < timer_real / 1000 * 997 || lapic_hz > timer_real / 1000 * 1003)
        fail_msg("away after access %u of %u trials for %lu us: the timer at %lu Hz", after, trials,
                 ns / 1000, lapic_hz);
}

static void undisturbed(void **state)
{
    (void)state;
    measured(0, 0, 0);
}

static void away_once_at_any_moment(void **state)
{
    (void)state;
    for (unsigned after = 0; after < 2500; after++)
        for (uint64_t ns = 10000; ns <= 100000000; ns *= 10)
            measured(after, 1, ns);
}

static void away_often_at_any_moment(void **state)
{
    (void)state;
    for (unsigned after = 0; after < 12; after++)
        for (uint64_t ns = 10000; ns <= 100000000; ns *= 10)
            measured(after, 50, ns);
    for (unsigned after = 12; after < 2500; after += 11)
        measured(after, 50, 1500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undisturbed),
        cmocka_unit_test(away_once_at_any_moment),
        cmocka_unit_test(away_often_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
