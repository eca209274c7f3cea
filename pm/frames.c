/* Physical memory. Each frame has a word in a table: TAKEN, or, when it is free, FREE and the
 * number of the next free frame. The table spans all ranges that the kernel gives; frames in
 * between belong to the kernel and are never touched. */
#include "frames.h"

#include "syscalls.h"

struct pm_published published;

enum { RANGES = 32, LEND = 8, RECLAIM = 256 };

/* Published: how many frames PM has, how many of them are in use, and how many are left for root:
 * enough to start a few programs. */
#define total    (published.usage[0].virtual_pages)
#define used     (published.usage[0].resident)
#define for_root (published.usage[0].data)
enum { RESERVE_PART = 16, RESERVE_MOST = 1024 };
enum { FREE = 1u << 31, NONE = FREE - 1, TAKEN = 1 };

static uint32_t *words;
static uint64_t base; /* number of the first frame in the table */
static uint32_t first_free = NONE;
static uint64_t words_count;

static struct {
    paddr_t first;
    uint64_t count;
} ranges[RANGES];

static inline uint32_t *word_of(paddr_t frame) { return &words[frame / PAGE_SIZE - base]; }

static void push(uint64_t number)
{
    words[number] = FREE | first_free;
    first_free = number;
    used--;
}

/* The table is allocated first, so that the kernel has already counted it as used. */
void frames_init(void)
{
    unsigned n = 0;
    uint64_t low = ~0ul, high = 0;
    for (; n < RANGES; n++) {
        int64_t count = sys_frames(~0ul >> 20, &ranges[n].first);
        if (count <= 0)
            break;
        ranges[n].count = count;
        low = MIN(low, ranges[n].first / PAGE_SIZE);
        high = MAX(high, ranges[n].first / PAGE_SIZE + count);
        total += count;
    }
    if (!n)
        die("the kernel has no memory for programs");
    /* Behind the last range lie those that the kernel keeps: it may give them later. */
    high += (uint64_t)ask_frame_count() >> 32;
    base = low;
    words_count = high - low;
    words = memory_pages(PAGE_UP(words_count * sizeof words[0]) / PAGE_SIZE);
    if (!words)
        die("no memory for a table of %lu frames", words_count);
    used = total;
    for_root = MIN(total / RESERVE_PART, (uint64_t)RESERVE_MOST);
    while (n--)
        for (uint64_t i = ranges[n].count; i--;)
            push(ranges[n].first / PAGE_SIZE + i - base);
}

/* Takes back frames that the kernel was lent and can do without, RECLAIM at most. Returns whether a
 * frame is free now. */
static bool reclaim(void)
{
    for (unsigned i = 0; i < RECLAIM; i++) {
        paddr_t frame;
        if (sys_frames(1, &frame) != 1)
            break;
        if (frame / PAGE_SIZE < base || frame / PAGE_SIZE - base >= words_count) {
            sys_frames_give(frame, 1);
            break;
        }
        total++;
        used++;
        push(frame / PAGE_SIZE - base);
    }
    return first_free != NONE;
}

paddr_t frame_get(void)
{
    if (__builtin_expect(first_free == NONE, 0) && !reclaim())
        return 0;
    uint32_t number = first_free;
    first_free = words[number] & ~FREE;
    words[number] = TAKEN;
    used++;
    return (base + number) * PAGE_SIZE;
}

static bool for_root_alone(void) { return total - used < for_root; }

/* Whether the user of this task may have another frame: the last `for_root` of them are root's. */
static bool frame_allowed(endpoint_t task)
{
    return __builtin_expect(!for_root_alone(), 1) || call_user(task) == 0 ||
           (reclaim() && !for_root_alone());
}

paddr_t frame_for(endpoint_t task) { return frame_allowed(task) ? frame_get() : 0; }

void frame_put(paddr_t frame)
{
    uint32_t *w = word_of(frame);
    ASSERT(*w == TAKEN);
    push(w - words);
}

uint64_t frames_unused(void) { return total - used; }
uint64_t frames_total(void) { return total; }

bool frames_lend(endpoint_t task)
{
    if (!frame_allowed(task))
        return false;
    for (unsigned i = 0; i < LEND; i++) {
        paddr_t frame = frame_get();
        if (!frame)
            return i > 0;
        /* the kernel keeps its own list of free frames, so this one is no longer PM's */
        *word_of(frame) = 0;
        total--;
        used--;
        sys_frames_give(frame, 1);
    }
    return true;
}
