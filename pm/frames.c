/* Physical memory: one word a frame, which counts who maps it or, when nobody does, names the next free one. The
 * table spans all ranges that the kernel gives; frames in between belong to the kernel and are never touched. */
#include "pm.h"

enum { RANGES = 32, LEND = 8 };
enum { FREE = 1u << 31, NONE = FREE - 1 };

static KEPT uint32_t *words;
static KEPT uint64_t base;                /* number of the first frame in the table */
static KEPT uint32_t first_free = NONE;
static KEPT uint64_t unused, total;

static struct { paddr_t first; uint64_t count; } ranges[RANGES];

static inline uint32_t *word_of(paddr_t frame) { return &words[frame / PAGE_SIZE - base]; }

static void push(uint64_t number)
{
    words[number] = FREE | first_free;
    first_free = number;
    unused++;
}

/* The table is allocated first, so that the kernel has already counted it as used. */
void frames_init(void)
{
    unsigned n = 0;
    uint64_t low = ~0ul, high = 0;
    for (; n < RANGES; n++) {
        int64_t count = kernel_call(SYS_FRAMES, ~0ul >> 20, (uint64_t)&ranges[n].first, 0, 0, 0, 0);
        if (count <= 0)
            break;
        ranges[n].count = count;
        low = MIN(low, ranges[n].first / PAGE_SIZE);
        high = MAX(high, ranges[n].first / PAGE_SIZE + count);
        total += count;
    }
    if (!n)
        die("the kernel has no memory for programs");
    base = low;
    words = memory_pages(PAGE_UP((high - low) * sizeof words[0]) / PAGE_SIZE);
    if (!words)
        die("no memory for a table of %lu frames", high - low);
    while (n--)
        for (uint64_t i = ranges[n].count; i--;)
            push(ranges[n].first / PAGE_SIZE + i - base);
}

paddr_t frame_get(void)
{
    uint32_t number = first_free;
    if (__builtin_expect(number == NONE, 0))
        return 0;
    first_free = words[number] & ~FREE;
    words[number] = 1;
    unused--;
    return (base + number) * PAGE_SIZE;
}

void frame_ref(paddr_t frame)
{
    uint32_t *w = word_of(frame);
    ASSERT(*w && !(*w & FREE));
    ++*w;
}

void frame_put(paddr_t frame)
{
    uint32_t *w = word_of(frame);
    ASSERT(*w && !(*w & FREE));
    if (--*w == 0)
        push(w - words);
}

uint32_t frame_count(paddr_t frame) { return *word_of(frame); }
uint64_t frames_unused(void) { return unused; }
uint64_t frames_total(void) { return total; }

bool frames_lend(void)
{
    for (unsigned i = 0; i < LEND; i++) {
        paddr_t frame = frame_get();
        if (!frame)
            return i > 0;
        *word_of(frame) = 0;              /* the kernel's for good: it has its own list of free ones */
        total--;
        kernel_call(SYS_FRAMES_GIVE, frame, 1, 0, 0, 0, 0);
    }
    return true;
}
