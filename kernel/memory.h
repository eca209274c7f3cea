/* The kernel's memory: frames and small objects. Of frames that PM has taken it is only known that
 * they are PM's. */
#ifndef MEMORY_H
#define MEMORY_H

#include <minnow/types.h>

/* Memory that is free when the kernel starts: page-aligned, not overlapping what is in use. boot.c
 * fills the ranges in; frames are taken from the front of the first that is not empty. */
enum { RANGES_MAX = 64 };
extern struct range {
    paddr_t first, end;
} memory_ranges[RANGES_MAX];
extern unsigned memory_range_count;
void memory_init(void);        /* when they are complete */
paddr_t frame_alloc(void);     /* one zeroed frame, 0 when there is none */
paddr_t frame_alloc_raw(void); /* not zeroed */
/* up to *count contiguous fresh frames, not zeroed; 0 when none */
paddr_t frame_alloc_many(size_t *count);
void frame_free(paddr_t p);
/* Frames for programs: lent to PM, which tells what to do with them. Whatever PM says, it reaches
 * no other memory: each frame is counted once for being lent, and once for every page of a program
 * that it is. From FRAME_USES_MOST on it stays PM's. */
enum { FRAME_USES_MOST = 0xffff };
extern uint16_t *frame_uses;
extern uint64_t frames_end; /* number of the last frame + 1 */
void frames_lend(paddr_t first, size_t count);
static inline bool frame_lent(paddr_t p)
{
    return p % PAGE_SIZE == 0 && p / PAGE_SIZE < frames_end && frame_uses[p / PAGE_SIZE];
}
static inline void frame_mapped(paddr_t p) /* in a program; others than PM's are not counted */
{
    if (frame_lent(p) && frame_uses[p / PAGE_SIZE] < FRAME_USES_MOST)
        frame_uses[p / PAGE_SIZE]++;
}
static inline void frame_unmapped(paddr_t p)
{
    if (frame_lent(p) && frame_uses[p / PAGE_SIZE] < FRAME_USES_MOST)
        frame_uses[p / PAGE_SIZE]--;
}
/* PM gives the frame back, and it is free. false: it was not PM's, or a program still maps it. */
bool frame_return(paddr_t p);
extern uint64_t frames_all, frames_free; /* counts */
/* of the free ones: promised to services by their budgets */
extern uint64_t frames_promised;
/* How many PM may have: what is neither promised to services nor kept by the kernel for its own
 * objects. */
uint64_t frames_for_programs(void);
/* Whether there is memory for what programs cause: page tables, tasks, connections. What services
 * are promised is not theirs. */
static inline bool frames_spare(void) { return frames_free > frames_promised + 4; }
/* zeroed, at most a page; NULL when there is no memory */
void *kmalloc(size_t bytes);
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
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strncmp(const char *a, const char *b, size_t n);

#endif
