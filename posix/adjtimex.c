/* adjtimex: what a daemon that compares the clock with better ones says of it, so that the time of
 * day goes faster or slower until it is right (Linux: kernel/time/ntp.c; RFC 1589; adjtimex(2)).
 *
 * The kernel's clock has one rate. While the time of day is to have another, it is moved by a small
 * step STEPS times a second. How far it goes in one second is the sum of
 *
 *     freq      what the clock always loses, as the daemon has found out
 *     tick      the same, coarsely
 *     offset    a part of what the clock is wrong by, so that the rest falls from second to second
 *     once      at most ONCE_MOST of what adjtime() has asked for
 *
 * of which the last two change at the beginning of each second. Numbers with SCALE have 32 bits
 * behind the point. Leap seconds and the offset of TAI are kept without effect. */
#include "capability.h"
#include "clock.h"
#include "cputime.h"
#include "handlers.h"
#include "syscalls.h"
#include "timer.h"
#include "user_memory.h"
#include <minnow/clock.h>

enum {
    STEPS = 10,        /* a second */
    HERTZ = 100,       /* ticks of adjtimex in a second, */
    TICK = 10000,      /* and the us of one in a clock that needs no correction */
    TICK_LEAST = 9000, /* 10 per cent */
    TICK_MOST = 11000,
    US = 1000,               /* ns */
    ONCE_MOST = 500,         /* us a second */
    OFFSET_MOST = 500000000, /* ns */
    FREQ_MOST = 500000,      /* ns a second */
    FREQ_UNIT = 65536000, /* of `freq` with SCALE, in 1/65536 us a second, the unit of programs */
    CONSTANT_FIRST = 2,
    CONSTANT_MOST = 10,
    CONSTANT_US = 4,       /* is added if offsets are in us */
    ERROR_MOST = 16000000, /* us */
    ERROR_GROWS = 500,     /* us a second */
    PLL_SHIFT = 2,
    FLL_SHIFT = 2,
    FLL_LEAST = 256,  /* seconds between two offsets from which on frequency is locked, if asked */
    FLL_USUAL = 2048, /* or in any case */
    TAI_MOST = 100000
};
#define SCALE (1ll << 32)

/* modes */
enum {
    ADJ_OFFSET = 1,
    ADJ_FREQUENCY = 2,
    ADJ_MAXERROR = 4,
    ADJ_ESTERROR = 8,
    ADJ_STATUS = 0x10,
    ADJ_TIMECONST = 0x20,
    ADJ_TAI = 0x80,
    ADJ_SETOFFSET = 0x100,
    ADJ_MICRO = 0x1000,
    ADJ_NANO = 0x2000,
    ADJ_TICK = 0x4000,
    ADJ_ADJTIME = 0x8000, /* with ADJ_OFFSET; */
    ADJ_READONLY = 0x2000 /* and with this nothing is changed */
};
enum {
    STA_PLL = 1,
    STA_FLL = 8,
    STA_UNSYNC = 0x40,
    STA_FREQHOLD = 0x80,
    STA_CLOCKERR = 0x1000,
    STA_NANO = 0x2000,
    STA_MODE = 0x4000,
    STA_READONLY = 0xff00
};
enum { TIME_OK, TIME_ERROR = 5 };

struct ON_STACK timex {
    uint32_t modes, pad0;
    int64_t offset, freq, maxerror, esterror;
    int32_t status, pad1;
    int64_t constant, precision, tolerance, sec, usec, tick;
    int64_t pps_freq, jitter;
    int32_t shift, pad2;
    int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
    int32_t tai, pad3[11];
};
_Static_assert(sizeof(struct timex) == 208, "struct timex is Linux's");

static struct {
    uint32_t settings; /* wall_settings, as far as they are taken into account */
    uint32_t status;
    int32_t tai;
    int64_t constant, tick, esterror;
    int64_t error;    /* the largest one that the clock can have, in us, */
    uint64_t told_at; /* when it was so large */
    int64_t freq;     /* ns a second, with SCALE */
    int64_t offset;   /* ns */
    uint64_t offset_at;
    int64_t once;       /* us */
    int64_t part;       /* ns of `offset` and `once` for this second */
    int64_t rest;       /* what the steps have left, with SCALE */
    uint32_t steps;     /* that are left of this second */
    struct timer timer; /* set while the time of day is moved */
} ntp = { .status = STA_UNSYNC,
          .constant = CONSTANT_FIRST,
          .tick = TICK,
          .error = ERROR_MOST,
          .esterror = ERROR_MOST };

static int64_t clamp(int64_t n, int64_t most) { return n < -most ? -most : MIN(n, most); }

/* n / 2^bits, towards 0. */
static int64_t shifted(int64_t n, unsigned bits) { return n / (1ll << bits); }

/* ---- moving the time of day ---- */

/* A clock that has been set is no better than one that nobody has looked after. */
static void forget_if_set(void)
{
    if (ntp.settings == wall_settings)
        return;
    ntp.settings = wall_settings;
    ntp.status |= STA_UNSYNC;
    ntp.error = ntp.esterror = ERROR_MOST;
    ntp.offset = ntp.once = 0;
}

/* How far the time of day goes in this second beyond the kernel's clock: ns, with SCALE. */
static int64_t rate(void) { return ntp.freq + ((ntp.tick - TICK) * HERTZ * US + ntp.part) * SCALE; }

/* Whether the time of day is to have another rate than the kernel's clock, from this second on. */
static bool second_begin(void)
{
    forget_if_set();
    int64_t part = shifted(ntp.offset, PLL_SHIFT + ntp.constant), once = clamp(ntp.once, ONCE_MOST);
    ntp.offset -= part;
    ntp.once -= once;
    ntp.part = part + once * US;
    ntp.steps = STEPS;
    return rate() != 0;
}

static void step(struct timer *t)
{
    ntp.rest += rate() / STEPS;
    int64_t ns = ntp.rest / SCALE;
    ntp.rest -= ns * SCALE;
    ntp.steps--;
    if (ntp.steps || second_begin())
        timer_set(t, t->when + SECOND / STEPS, step);
    wall_step(ns);
}

static void begin(void)
{
    if (!ntp.timer.set && second_begin())
        timer_set(&ntp.timer, time_now() + SECOND / STEPS, step);
}

/* ---- what the daemon says ---- */

/* The largest error that the clock can have, which grows while nobody tells another. */
static int64_t error_now(void)
{
    uint64_t seconds = (time_now() - ntp.told_at) / SECOND;
    if (seconds < ERROR_MOST / ERROR_GROWS &&
        ntp.error + (int64_t)seconds * ERROR_GROWS < ERROR_MOST)
        return ntp.error + seconds * ERROR_GROWS;
    if (seconds)
        ntp.status |= STA_UNSYNC;
    return seconds ? ERROR_MOST : ntp.error;
}

static void status_set(uint32_t status)
{
    uint32_t old = ntp.status;
    if (old & STA_PLL && !(status & STA_PLL))
        old = STA_UNSYNC;
    if (!(old & STA_PLL) && status & STA_PLL)
        ntp.offset_at = time_now();
    ntp.status = (old & STA_READONLY) | (status & ~(uint32_t)STA_READONLY);
}

/* How far the frequency was wrong if the clock has been off by this in so many seconds (a loop
 * locked by frequency), or a part of it (by phase). */
static int64_t frequency_off(int64_t offset, int64_t seconds)
{
    int64_t wrong = 0, longest = 1ll << (PLL_SHIFT + 1 + ntp.constant);
    ntp.status &= ~(uint32_t)STA_MODE;
    if (seconds > FLL_USUAL || (seconds >= FLL_LEAST && ntp.status & STA_FLL)) {
        ntp.status |= STA_MODE;
        wrong = offset * (SCALE >> FLL_SHIFT) / seconds;
    }
    return wrong + offset * MIN(seconds, longest) * (SCALE >> 2 * (PLL_SHIFT + 2 + ntp.constant));
}

static void offset_set(int64_t offset)
{
    uint64_t now = time_now();
    if (!(ntp.status & STA_PLL))
        return;
    if (!(ntp.status & STA_NANO))
        offset = clamp(offset, OFFSET_MOST) * US;
    offset = clamp(offset, OFFSET_MOST);
    int64_t seconds = ntp.status & STA_FREQHOLD ? 0 : (now - ntp.offset_at) / SECOND;
    ntp.offset_at = now;
    ntp.freq = clamp(ntp.freq + frequency_off(offset, seconds), FREQ_MOST * SCALE);
    ntp.offset = offset;
}

static void change(const struct timex *x)
{
    if (x->modes & ADJ_STATUS)
        status_set(x->status);
    if (x->modes & ADJ_NANO)
        ntp.status |= STA_NANO;
    if (x->modes & ADJ_MICRO)
        ntp.status &= ~(uint32_t)STA_NANO;
    if (x->modes & ADJ_FREQUENCY)
        ntp.freq = clamp(x->freq * FREQ_UNIT, FREQ_MOST * SCALE);
    if (x->modes & ADJ_MAXERROR)
        ntp.error = clamp(x->maxerror, INT32_MAX);
    if (x->modes & ADJ_MAXERROR)
        ntp.told_at = time_now();
    if (x->modes & ADJ_ESTERROR)
        ntp.esterror = x->esterror;
    if (x->modes & ADJ_TIMECONST) {
        int64_t most = ntp.status & STA_NANO ? CONSTANT_MOST : CONSTANT_MOST - CONSTANT_US;
        ntp.constant = x->constant < 0 ? 0 : MIN(x->constant, most);
        ntp.constant += ntp.status & STA_NANO ? 0 : CONSTANT_US;
    }
    if (x->modes & ADJ_TAI && x->constant >= 0 && x->constant <= TAI_MOST)
        ntp.tai = x->constant;
    if (x->modes & ADJ_OFFSET)
        offset_set(x->offset);
    if (x->modes & ADJ_TICK)
        ntp.tick = x->tick;
}

/* 0; -EINVAL, -EPERM: why the changes that x asks for are not made. */
static int64_t check(const struct process *p, const struct timex *x)
{
    bool may = capable(p, CAP_SYS_TIME), adjtime = x->modes & ADJ_ADJTIME;
    if (adjtime && !(x->modes & ADJ_OFFSET))
        return -EINVAL;
    if ((adjtime ? !(x->modes & ADJ_READONLY) : x->modes != 0) && !may)
        return -EPERM;
    if (!adjtime && x->modes & ADJ_TICK && (x->tick < TICK_LEAST || x->tick > TICK_MOST))
        return -EINVAL;
    if (x->modes & ADJ_SETOFFSET && !may)
        return -EPERM;
    if (x->modes & ADJ_SETOFFSET &&
        (x->usec < 0 || x->usec >= (x->modes & ADJ_NANO ? SECOND : SECOND / US)))
        return -EINVAL;
    if (x->modes & ADJ_FREQUENCY &&
        (x->freq < INT64_MIN / FREQ_UNIT || x->freq > INT64_MAX / FREQ_UNIT))
        return -EINVAL;
    return 0;
}

/* The time of day moves at once, by x's. 0, -EINVAL. May wait. */
static int64_t wall_move(const struct timex *x)
{
    int64_t sec, nsec;
    time_wall(&sec, &nsec);
    nsec += x->modes & ADJ_NANO ? x->usec : x->usec * US;
    if (__builtin_add_overflow(sec + nsec / SECOND, x->sec, &sec))
        return -EINVAL;
    return wall_change(sec, nsec % SECOND);
}

/* What x is told of the clock. */
static void fill(struct timex *x)
{
    bool ns = ntp.status & STA_NANO;
    x->maxerror = error_now();
    x->esterror = ntp.esterror;
    x->freq = ntp.freq / FREQ_UNIT;
    x->status = ntp.status;
    x->constant = ntp.constant;
    x->precision = 1;
    x->tolerance = FREQ_MOST * SCALE / FREQ_UNIT;
    x->tick = ntp.tick;
    x->tai = ntp.tai;
    time_wall(&x->sec, &x->usec);
    x->usec /= ns ? 1 : US;
    x->pps_freq = x->jitter = x->shift = x->stabil = 0;
    x->jitcnt = x->calcnt = x->errcnt = x->stbcnt = 0;
}

/* adjtimex of the struct timex at this address. */
static int64_t adjust(struct thread *t, caller_t at)
{
    struct timex x;
    int64_t error = user_probe(t, at, sizeof x);
    if (!error)
        error = user_read(t, at, &x, sizeof x);
    if (!error)
        error = check(t->process, &x);
    if (!error && x.modes & ADJ_SETOFFSET)
        error = wall_move(&x);
    if (error)
        return error;
    forget_if_set();
    if (x.modes & ADJ_ADJTIME) {
        int64_t before = ntp.once;
        if (!(x.modes & ADJ_READONLY))
            ntp.once = x.offset;
        x.offset = before;
    } else {
        change(&x);
        x.offset = ntp.status & STA_NANO ? ntp.offset : ntp.offset / US;
    }
    begin();
    fill(&x);
    if (user_poke(t, at, &x, sizeof x))
        return -EFAULT;
    return ntp.status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : TIME_OK;
}

int64_t linux_adjtimex(struct thread *t, struct message *m) { return adjust(t, m->w[0]); }

int64_t linux_clock_adjtime(struct thread *t, struct message *m)
{
    enum { CLOCKS = 12, NONE = 10, OF_FILE = 3, KIND = 7 };
    int clock = m->w[0];
    struct timex x;
    int64_t error = user_read(t, m->w[1], &x, sizeof x);
    if (error)
        return error;
    if (clock == CLOCK_REALTIME)
        return adjust(t, m->w[1]);
    bool known = clock < 0 ? (clock & KIND) != OF_FILE : clock < CLOCKS && clock != NONE;
    return known ? -EOPNOTSUPP : -EINVAL;
}
