/* The kernel's memory: frames (physical pages) and small objects. Of a frame that PM has taken the
 * kernel knows only that it is PM's and how often programs map it. NULL or 0: no memory. */
#ifndef MEMORY_H
#define MEMORY_H

#include <minnow/types.h>

/* Memory that is free when the kernel starts: page-aligned, not in use. boot.c fills the ranges in;
 * frames are taken from the front of the first that is not empty. */
enum { RANGES_MAX = 64 };
extern struct range {
    paddr_t first, end;
} memory_ranges[RANGES_MAX];
extern unsigned memory_range_count;
void memory_init(void);        /* to be called when the ranges are complete */
paddr_t frame_alloc(void);     /* one zeroed frame */
paddr_t frame_alloc_raw(void); /* not zeroed */
/* Up to *count contiguous frames that were never used, not zeroed; *count becomes how many. */
paddr_t frame_alloc_many(size_t *count);
void frame_free(paddr_t p);
void frame_free_zeroed(paddr_t p); /* one that is all zeroes: frame_alloc() need not zero it */
/* Frames for programs: lent to PM. Whatever PM says, it reaches no other memory: frame_uses counts
 * each frame once for being lent, and once for every page of a program that it is. A count that has
 * got to FRAME_USES_MOST stays there, and the frame stays PM's. Negative: the kernel keeps small
 * objects there (memory.c). */
enum { FRAME_USES_MOST = INT16_MAX };
extern int16_t *frame_uses;
extern uint64_t frames_end; /* number of the last frame + 1 */
void frames_lend(paddr_t first, size_t count);
static inline bool frame_lent(paddr_t p)
{
    return p % PAGE_SIZE == 0 && p / PAGE_SIZE < frames_end && frame_uses[p / PAGE_SIZE] > 0;
}
/* A page of a program is this frame now. Frames that are not PM's are not counted. */
static inline void frame_mapped(paddr_t p)
{
    if (frame_lent(p) && frame_uses[p / PAGE_SIZE] < FRAME_USES_MOST)
        frame_uses[p / PAGE_SIZE]++;
}
static inline void frame_unmapped(paddr_t p)
{
    if (frame_lent(p) && frame_uses[p / PAGE_SIZE] < FRAME_USES_MOST)
        frame_uses[p / PAGE_SIZE]--;
}
/* PM gives the frame back: it is free. false: it was not PM's, or a program still maps it. */
bool frame_return(paddr_t p);
/* Whether exactly one page of a program is this frame of PM's. */
static inline bool frame_alone(paddr_t p)
{
    return p / PAGE_SIZE < frames_end && frame_uses[p / PAGE_SIZE] == 2;
}
/* How many pages of programs are this frame of PM's; 0 also of all other frames. */
static inline unsigned frame_pages(paddr_t p)
{
    return frame_lent(p) ? frame_uses[p / PAGE_SIZE] - 1u : 0;
}
extern uint64_t frames_all, frames_free; /* counts */
/* of frames_free: those promised to services by their budgets */
extern uint64_t frames_promised;
/* How many free frames PM may have: those neither promised to services nor kept by the kernel for
 * its own objects. */
uint64_t frames_for_programs(void);
uint64_t frames_kept(void); /* how many the kernel keeps free for its own objects */
/* Whether there is memory, beside what services are promised, for what PM makes for programs:
 * tasks, threads, page tables. It can lend the kernel frames for that, and so leaves alone what the
 * rest lives on, which nobody can ask for more; */
extern uint64_t frames_not_pms;
static inline bool frames_for_tables(void)
{
    return frames_free > frames_promised + frames_not_pms;
}
/* and for the rest, connections above all, of which users other than root leave a half for root. */
static inline bool frames_spare(uint32_t user)
{
    return frames_free > frames_promised + (user ? frames_not_pms / 2 : 4);
}
/* A zeroed object of at most a page. kfree() is given the same size; p may be NULL. */
void *kmalloc(size_t bytes);
/* The same for what a program of this user has the kernel keep without PM's knowledge. */
void *kmalloc_for(size_t bytes, uint32_t user);
void kfree(void *p, size_t bytes);

static inline void zero_page(void *p)
{
    uint64_t n = PAGE_SIZE / 8;
    __asm__ volatile("rep stosq" : "+D"(p), "+c"(n) : "a"(0) : "memory");
}

static inline void copy_page(void *to, const void *from)
{
    uint64_t n = PAGE_SIZE / 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

void copy_bytes(void *to, const void *from, size_t n); /* quadwords first */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);
size_t strlen(const char *s);
int strncmp(const char *a, const char *b, size_t n);

#endif
