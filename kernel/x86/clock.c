/* Time: the TSC counts; the local APIC's timer interrupts once, when something is due. Both are
 * measured against the PIT (Intel 8254 data sheet; 1,193,182 Hz), whose channel 2 needs no
 * interrupt. */
#include "arch.h"
#include <minnow/clock.h>
#include "log.h"
#include "panic.h"
#include "memory.h"
#include "cpu.h"

enum {
    PIT_HZ = 1193182,
    PIT_GATE = 0x61,
    PIT_CHANNEL2 = 0x42,
    PIT_MODE = 0x43,
    TRIAL_TICKS = 2386 /* 2 ms */,
    TRIALS = 200
};
enum {
    LAPIC_EOI = 0xb0,
    LAPIC_SPURIOUS = 0xf0,
    LAPIC_LVT_TIMER = 0x320,
    LAPIC_INITIAL = 0x380,
    LAPIC_CURRENT = 0x390,
    LAPIC_DIVIDE = 0x3e0
};
enum { TIMER_MIN_NS = 2000, SHIFT = 32, FAR_NS = SECOND };

static volatile uint32_t *lapic;
/* The page that programs see. They see all of it, so nothing else stands in it. */
static union {
    struct clock_page clock;
    char page[PAGE_SIZE];
} shown __attribute__((aligned(PAGE_SIZE)));
struct clock_page *arch_clock_page = &shown.clock;
static uint64_t tsc_hz_, lapic_hz;
static uint64_t timer_at = ~0ul;

void arch_begin(void) { shown.clock.tsc_base = rdtsc(); }

uint64_t arch_tsc_hz(void) { return tsc_hz_; }

void lapic_init(void)
{
    paddr_t base = rdmsr(MSR_APIC_BASE) & 0xffffff000ul;
    lapic = arch_map_device(base);
    lapic[LAPIC_SPURIOUS / 4] = 0x100 | VECTOR_SPURIOUS;
    lapic[LAPIC_DIVIDE / 4] = 0xb;             /* by 1 */
    lapic[LAPIC_LVT_TIMER / 4] = VECTOR_TIMER; /* one shot */
    lapic[LAPIC_INITIAL / 4] = 0;
}

void lapic_eoi(void) { lapic[LAPIC_EOI / 4] = 0; }

/* One measurement: how far TSC and timer counted while the PIT counted TRIAL_TICKS down, and the
 * uncertainty in ticks of the TSC. Each end lies between two readings, the last before it and the
 * first after. A host that takes the processor away for a while does so outside these brackets,
 * which does no harm, or inside one, which is then wide. */
struct trial {
    uint64_t tsc, timer, unsure;
};

static struct trial measure(void)
{
    outb(PIT_GATE, (inb(PIT_GATE) & ~2) | 1); /* gate open, speaker off */
    /* channel 2, both bytes, mode 0: output high at zero */
    outb(PIT_MODE, 0xb0);
    outb(PIT_CHANNEL2, TRIAL_TICKS & 0xff);
    lapic[LAPIC_INITIAL / 4] = ~0u;
    uint64_t before = rdtsc();
    outb(PIT_CHANNEL2, TRIAL_TICKS >> 8);
    uint32_t timer = lapic[LAPIC_CURRENT / 4];
    uint64_t begun = rdtsc(), earlier, still = begun, over = begun;
    bool ended;
    do {
        /* `earlier`: read before the look that found the PIT still counting */
        earlier = still;
        still = over;
        ended = inb(PIT_GATE) & 0x20;
        timer -= ended ? lapic[LAPIC_CURRENT / 4] : 0;
        over = rdtsc();
    } while (!ended);
    return (struct trial){ .tsc = (earlier + over) / 2 - (before + begun) / 2,
                           .timer = timer,
                           .unsure = (begun - before) + (over - earlier) };
}

/* Takes the first trial that is certain to two thousandths, or the best of TRIALS. */
static void calibrate(void)
{
    struct trial best = { .unsure = ~0ul };
    for (int i = 0; i < TRIALS && best.unsure > best.tsc / 500; i++) {
        struct trial t = measure();
        if (t.unsure < best.unsure)
            best = t;
    }
    if (best.unsure > best.tsc / 100)
        kprintf("clock: the processor is taken away so often that time may be wrong by %lu %%\n",
                best.unsure * 100 / best.tsc);
    tsc_hz_ = best.tsc * PIT_HZ / TRIAL_TICKS;
    lapic_hz = best.timer * PIT_HZ / TRIAL_TICKS;
    if (tsc_hz_ > 990000000 && tsc_hz_ < 1010000000)
        tsc_hz_ = SECOND; /* an emulator that counts instructions as nanoseconds */
    KASSERT(tsc_hz_ && lapic_hz);
    lapic[LAPIC_INITIAL / 4] = 0;
}

void clock_init(void)
{
    calibrate();
    shown.clock.mult = ((unsigned __int128)SECOND << SHIFT) / tsc_hz_;
    shown.clock.shift = SHIFT;
}

uint64_t arch_time(void)
{
    return (unsigned __int128)(rdtsc() - shown.clock.tsc_base) * shown.clock.mult >> SHIFT;
}

void arch_timer_set(uint64_t when)
{
    if (when == timer_at)
        return;
    timer_at = when;
    if (when == ~0ul) {
        lapic[LAPIC_INITIAL / 4] = 0;
        return;
    }
    uint64_t now = arch_time();
    uint64_t wait = when > now + TIMER_MIN_NS ? when - now : TIMER_MIN_NS;
    if (wait > FAR_NS)
        wait = FAR_NS; /* the interrupt comes early, and the kernel sets the timer again */
    uint64_t ticks = (unsigned __int128)wait * lapic_hz / SECOND;
    lapic[LAPIC_INITIAL / 4] = ticks > 0xffffffff ? 0xffffffff : ticks ? ticks : 1;
}

void timer_fired(void)
{
    /* the timer has stopped: no value of arch_timer_set() equals this one, so the next is
     * programmed */
    timer_at = ~0ul - 1;
}
