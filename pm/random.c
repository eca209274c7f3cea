/* Random numbers for layouts and AT_RANDOM: the processor's own generator where there is one, the
 * time-stamp counter at moments that no program chooses, mixed by xorshift128+ (Vigna, 2014) with a
 * multiplication on top. */
#include "random.h"

#include "service.h"

static uint64_t state[2];
static bool have_rdrand;

static uint64_t tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static uint64_t hardware(void)
{
    uint64_t value = 0;
    if (have_rdrand)
        __asm__ volatile("rdrand %0" : "+r"(value) : : "cc");
    return value;
}

void random_init(void)
{
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    have_rdrand = c >> 30 & 1;
    state[0] = tsc() * 0x9e3779b97f4a7c15 | 1;
    state[1] = hardware() ^ 0x2545f4914f6cdd1d;
}

uint64_t random_word(void)
{
    uint64_t a = state[0] ^ tsc(), b = state[1] ^ hardware();
    state[0] = b;
    a ^= a << 23;
    state[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
    uint64_t x = (state[1] + b) * 0xbf58476d1ce4e5b9;
    return x ^ x >> 31;
}
