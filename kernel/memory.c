/* The kernel's memory: frames and small objects.
 *
 * Frames come from a list of those that were given back, then from ranges that were never used.
 * Page tables are empty when they are given back, and stand in a list of their own, since the next
 * space wants empty ones. The lists are threaded through the free frames themselves (McKusick,
 * Design of the FreeBSD OS, 6.3). Small objects come from caches, one for each power of two; a
 * cache is a list of pages that have free pieces, and a page that has no others is given back (the
 * slabs of Bonwick, USENIX 1994); before it stands a short list of pieces alone (the magazines of
 * Bonwick and Adams, USENIX 2001). What there is no memory for is not made: a program's wish must
 * not panic the kernel. */
#include "memory.h"

#include "arch.h"
#include "panic.h"

enum { CLASS_FIRST = 5, CLASS_LAST = 12 }; /* 32 .. 4096 bytes */

/* A free piece. The first one of each page stands in the list of its class. */
struct piece {
    struct piece *next;         /* free in the same page */
    struct piece *forth, *back; /* of the first one: those of other pages */
};
_Static_assert(sizeof(struct piece) <= 1 << CLASS_FIRST, "a free piece has room for its links");

struct range memory_ranges[RANGES_MAX];
unsigned memory_range_count;
static unsigned range_now;
static paddr_t free_list, zeroed_list;
static struct piece *classes[CLASS_LAST + 1];
/* of each class: the last few pieces that were given back, which their pages count as used */
enum { RECENT_MOST = 16 };
static struct {
    struct piece *first;
    unsigned count;
} recent[CLASS_LAST + 1];

int16_t *frame_uses;
uint64_t frames_end, frames_all, frames_free, frames_promised, frames_not_pms;

/* Takes frame_uses[], zeroed, from the first range with room for it. */
static void uses_init(void)
{
    for (unsigned i = 0; i < memory_range_count; i++)
        frames_end = memory_ranges[i].end / PAGE_SIZE > frames_end
                         ? memory_ranges[i].end / PAGE_SIZE
                         : frames_end;
    size_t bytes = PAGE_UP(frames_end * sizeof frame_uses[0]);
    for (unsigned i = 0; i < memory_range_count && !frame_uses; i++) {
        if (memory_ranges[i].end - memory_ranges[i].first < bytes)
            continue;
        frame_uses = memset(phys_to_virt(memory_ranges[i].first), 0, bytes);
        memory_ranges[i].first += bytes;
        frames_all -= bytes / PAGE_SIZE;
    }
    if (!frame_uses)
        panic(NULL, "no memory");
}

void memory_init(void)
{
    for (unsigned i = 0; i < memory_range_count; i++)
        frames_all += (memory_ranges[i].end - memory_ranges[i].first) / PAGE_SIZE;
    uses_init();
    frames_free = frames_all;
    frames_not_pms = frames_kept() / 4;
}

/* Takes the first frame of a list; 0: it is empty. Of the frame the link alone is written. */
static paddr_t frame_pop(paddr_t *list)
{
    paddr_t p = *list;
    if (p) {
        uint64_t *link = phys_to_virt(p);
        *list = *link;
        *link = 0;
        frames_free--;
    }
    return p;
}

static void frame_push(paddr_t *list, paddr_t p)
{
    *(paddr_t *)phys_to_virt(p) = *list;
    *list = p;
    frames_free++;
}

paddr_t frame_alloc_raw(void)
{
    size_t one = 1;
    paddr_t p = frame_pop(&free_list);
    if (!p)
        p = frame_alloc_many(&one);
    return p ? p : frame_pop(&zeroed_list);
}

paddr_t frame_alloc(void)
{
    paddr_t p = frame_pop(&zeroed_list);
    if (!p && (p = frame_alloc_raw()))
        zero_page(phys_to_virt(p));
    return p;
}

paddr_t frame_alloc_many(size_t *count)
{
    while (range_now < memory_range_count &&
           memory_ranges[range_now].first == memory_ranges[range_now].end)
        range_now++;
    if (range_now == memory_range_count)
        return 0;
    struct range *r = &memory_ranges[range_now];
    size_t there = (r->end - r->first) / PAGE_SIZE;
    if (*count > there)
        *count = there;
    paddr_t p = r->first;
    r->first += *count * PAGE_SIZE;
    frames_free -= *count;
    return p;
}

void frame_free(paddr_t p) { frame_push(&free_list, p); }
void frame_free_zeroed(paddr_t p) { frame_push(&zeroed_list, p); }

/* PM gives frames back when page tables need more (SYS_FRAMES_GIVE). */
uint64_t frames_kept(void)
{
    enum { KEPT = 128, KEPT_SHARE = 64 };
    return KEPT + frames_all / KEPT_SHARE;
}

uint64_t frames_for_programs(void)
{
    uint64_t keep = frames_promised + frames_kept();
    return frames_free > keep ? frames_free - keep : 0;
}

void frames_lend(paddr_t first, size_t count)
{
    for (uint64_t n = first / PAGE_SIZE, end = n + count; n < end; n++)
        frame_uses[n] = 1;
}

bool frame_return(paddr_t p)
{
    if (!frame_lent(p) || frame_uses[p / PAGE_SIZE] != 1)
        return false;
    frame_uses[p / PAGE_SIZE] = 0;
    frame_free(p);
    return true;
}

/* ---- small objects ---- */

/* What frame_uses says of a page of pieces: how many are in use, and which is the first that is
 * free. */
enum { SLAB = INT16_MIN, USED = 0xff, FIRST_SHIFT = 8, FIRST_MASK = 0x7f };

static int16_t *slab_of(const struct piece *p) { return &frame_uses[virt_to_phys(p) / PAGE_SIZE]; }

static int16_t slab_state(unsigned used, const struct piece *first)
{
    return (int16_t)(SLAB | (virt_to_phys(first) % PAGE_SIZE >> CLASS_FIRST) << FIRST_SHIFT | used);
}

static struct piece *slab_first(const struct piece *p)
{
    uintptr_t first = (uintptr_t)(*slab_of(p) >> FIRST_SHIFT & FIRST_MASK) << CLASS_FIRST;
    return (struct piece *)(PAGE_DOWN((uintptr_t)p) + first);
}

/* Puts `now` into the place of a piece that stands in the list of class c; NULL: takes that out. */
static void first_becomes(unsigned c, const struct piece *was, struct piece *now)
{
    struct piece *forth = was->forth, *back = was->back;
    if (now) {
        now->forth = forth;
        now->back = back;
    }
    *(back ? &back->forth : &classes[c]) = now ? now : forth;
    if (forth)
        forth->back = now ? now : back;
}

static void list_insert(unsigned c, struct piece *first)
{
    first->back = NULL;
    first->forth = classes[c];
    if (first->forth)
        first->forth->back = first;
    classes[c] = first;
}

/* A page of free pieces for class c. false: no memory. */
static bool slab_make(unsigned c, uint32_t user)
{
    paddr_t frame = frames_spare(user) ? frame_alloc_raw() : 0;
    struct piece *first = NULL;
    if (!frame)
        return false;
    char *page = phys_to_virt(frame);
    for (size_t at = PAGE_SIZE; at > 0;) {
        at -= 1ul << c;
        struct piece *p = (struct piece *)(page + at);
        p->next = first;
        first = p;
    }
    *slab_of(first) = slab_state(0, first);
    list_insert(c, first);
    return true;
}

/* A free piece for class c; NULL: no memory. */
static struct piece *slab_take(unsigned c, uint32_t user)
{
    if (!classes[c] && !slab_make(c, user))
        return NULL;
    struct piece *p = classes[c], *next = p->next;
    int16_t *slab = slab_of(p);
    first_becomes(c, p, next);
    *slab = slab_state((*slab & USED) + 1, next ? next : p);
    return p;
}

static void slab_give(unsigned c, struct piece *p)
{
    unsigned used = *slab_of(p) & USED;
    KASSERT(*slab_of(p) < 0 && used);
    if (used << c == PAGE_SIZE) {
        p->next = NULL;
        list_insert(c, p);
    } else {
        struct piece *first = slab_first(p);
        p->next = first;
        first_becomes(c, first, p);
    }
    *slab_of(p) = slab_state(used - 1, p);
    if (used == 1 && (p->forth || p->back)) { /* the last empty page is kept */
        first_becomes(c, p, NULL);
        *slab_of(p) = 0;
        frame_free(PAGE_DOWN(virt_to_phys(p)));
    }
}

static unsigned class_of(size_t bytes)
{
    KASSERT(bytes && bytes <= 1 << CLASS_LAST);
    return bytes <= 1 << CLASS_FIRST ? CLASS_FIRST : 64 - (unsigned)__builtin_clzl(bytes - 1);
}

void *kmalloc(size_t bytes) { return kmalloc_for(bytes, 0); }

void *kmalloc_for(size_t bytes, uint32_t user)
{
    unsigned c = class_of(bytes);
    struct piece *p = recent[c].first;
    if (p) {
        recent[c].first = p->next;
        recent[c].count--;
    } else if (!(p = slab_take(c, user))) {
        return NULL;
    }
    return memset(p, 0, 1ul << c);
}

void kfree(void *object, size_t bytes)
{
    struct piece *p = object;
    if (!p)
        return;
    unsigned c = class_of(bytes);
    if (recent[c].count == RECENT_MOST) {
        slab_give(c, p);
        return;
    }
    p->next = recent[c].first;
    recent[c].first = p;
    recent[c].count++;
}

/* Moves 4, 2 or 1 of the bytes that quadwords leave over. */
#define COPY_REST(type, to, from)                                             \
    (*(volatile type *)(to) = *(const type *)(from), (to) = (type *)(to) + 1, \
     (from) = (const type *)(from) + 1)

void copy_bytes(void *to, const void *from, size_t n)
{
    if (n == 1) { /* a pipe's or a terminal's byte */
        *(char *)to = *(const char *)from;
        return;
    }
    size_t words = n / 8;
    if (words)
        __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    if (n & 4)
        COPY_REST(uint32_t, to, from);
    if (n & 2)
        COPY_REST(uint16_t, to, from);
    if (n & 1)
        COPY_REST(uint8_t, to, from);
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    copy_bytes(to, from, n);
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    uint64_t pattern = (uint8_t)byte * 0x0101010101010101ul;
    void *at = to;
    size_t words = n / 8;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
    for (size_t rest = n % 8; rest; rest--, at = (char *)at + 1)
        *(volatile char *)at = (char)byte;
    return to;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; n--, a++, b++)
        ;
    return n ? (unsigned char)*a - (unsigned char)*b : 0;
}
