/* /proc/cpuinfo: what the processor says of itself by cpuid, in Linux's format. */
#include "procfs.h"

enum { EXTENDED = 0x80000000, EXTENDED_1, BRAND, BRAND_LAST = 0x80000004, SIZES = 0x80000008 };
enum { EAX, EBX, ECX, EDX };

/* Zeros where the processor has no such leaf. */
static void cpuid(uint32_t leaf, uint32_t r[4])
{
    uint32_t last;
    __asm__("cpuid" : "=a"(last) : "a"(leaf & EXTENDED), "c"(0) : "rbx", "rdx");
    memset(r, 0, 4 * sizeof r[0]);
    if (leaf <= last)
        __asm__("cpuid"
                : "=a"(r[EAX]), "=b"(r[EBX]), "=c"(r[ECX]), "=d"(r[EDX])
                : "a"(leaf), "c"(0));
}

/* What programs ask for by name: instructions that they may use. What only a kernel is concerned
 * with is left out. */
static const struct flag {
    uint32_t leaf;
    uint8_t in, bit;
    bool wide; /* needs registers of 256 bits, which the kernel must have switched on */
    const char *name;
} flags[] = {
    { 1, EDX, 0, false, "fpu" },          { 1, EDX, 4, false, "tsc" },
    { 1, EDX, 8, false, "cx8" },          { 1, EDX, 15, false, "cmov" },
    { 1, EDX, 19, false, "clflush" },     { 1, EDX, 23, false, "mmx" },
    { 1, EDX, 24, false, "fxsr" },        { 1, EDX, 25, false, "sse" },
    { 1, EDX, 26, false, "sse2" },        { EXTENDED_1, EDX, 11, false, "syscall" },
    { EXTENDED_1, EDX, 20, false, "nx" }, { EXTENDED_1, EDX, 27, false, "rdtscp" },
    { EXTENDED_1, EDX, 29, false, "lm" }, { 1, ECX, 0, false, "pni" },
    { 1, ECX, 1, false, "pclmulqdq" },    { 1, ECX, 9, false, "ssse3" },
    { 1, ECX, 12, true, "fma" },          { 1, ECX, 13, false, "cx16" },
    { 1, ECX, 19, false, "sse4_1" },      { 1, ECX, 20, false, "sse4_2" },
    { 1, ECX, 22, false, "movbe" },       { 1, ECX, 23, false, "popcnt" },
    { 1, ECX, 25, false, "aes" },         { 1, ECX, 28, true, "avx" },
    { 1, ECX, 29, true, "f16c" },         { 1, ECX, 30, false, "rdrand" },
    { 1, ECX, 31, false, "hypervisor" },  { EXTENDED_1, ECX, 0, false, "lahf_lm" },
    { EXTENDED_1, ECX, 5, false, "abm" }, { EXTENDED_1, ECX, 6, false, "sse4a" },
    { 7, EBX, 3, false, "bmi1" },         { 7, EBX, 5, true, "avx2" },
    { 7, EBX, 8, false, "bmi2" },         { 7, EBX, 9, false, "erms" },
    { 7, EBX, 18, false, "rdseed" },      { 7, EBX, 19, false, "adx" },
    { 7, EBX, 23, false, "clflushopt" },  { 7, EBX, 29, false, "sha_ni" },
};

static bool wide_registers(void)
{
    enum { OSXSAVE = 1 << 27, SSE_AND_AVX = 6 };
    uint32_t r[4], low, high;
    cpuid(1, r);
    if (!(r[ECX] & OSXSAVE))
        return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & SSE_AND_AVX) == SSE_AND_AVX;
}

static void add_flags(struct text *t)
{
    bool wide = wide_registers();
    text_add(t, "flags\t\t:");
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
        uint32_t r[4];
        cpuid(flags[i].leaf, r);
        if (r[flags[i].in] >> flags[i].bit & 1 && (wide || !flags[i].wide))
            text_add(t, " %s", flags[i].name);
    }
    text_add(t, "\n");
}

static void add_model(struct text *t)
{
    uint32_t r[4], brand[13] = { 0 };
    cpuid(0, r);
    uint32_t vendor[4] = { r[EBX], r[EDX], r[ECX], 0 };
    for (uint32_t leaf = BRAND; leaf <= BRAND_LAST; leaf++) {
        cpuid(leaf, r);
        memcpy(&brand[(leaf - BRAND) * 4], r, sizeof r);
    }
    cpuid(1, r);
    unsigned family = r[EAX] >> 8 & 15, model = r[EAX] >> 4 & 15;
    if (family == 15 || family == 6)
        model |= r[EAX] >> 12 & 0xf0;
    if (family == 15)
        family += r[EAX] >> 20 & 0xff;
    text_add(t,
             "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: "
             "%s\nstepping\t: %u\n",
             (char *)vendor, family, model, (char *)brand, r[EAX] & 15);
}

void make_cpuinfo(struct text *t, const struct subject *p)
{
    struct system_info s;
    uint32_t r[4];
    (void)p;
    fact_system(&s);
    add_model(t);
    text_add(t, "cpu MHz\t\t: %lu.%03lu\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\n",
             s.tsc_hz / 1000000, s.tsc_hz / 1000 % 1000);
    cpuid(0, r);
    text_add(t,
             "cpu cores\t: 1\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
             r[EAX]);
    add_flags(t);
    cpuid(1, r);
    unsigned line = (r[EBX] >> 8 & 0xff) * 8;
    /* Linux's measure of a delay loop is twice the clock's rate */
    text_add(t, "bogomips\t: %lu.%02lu\nclflush size\t: %u\ncache_alignment\t: %u\n",
             s.tsc_hz / 500000, s.tsc_hz / 5000 % 100, line, line);
    cpuid(SIZES, r);
    text_add(t, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
             r[EAX] & 0xff, r[EAX] >> 8 & 0xff);
}
