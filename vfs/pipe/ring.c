/* The ring of a pipe. It begins as one page, and becomes PIPE_MAX bytes when more than a page is to
 * be in it and there is memory; the bytes then move to the new ring. Memory comes in blocks of
 * PIPE_MAX bytes, which are never given back (memory_pages()):
 *
 *     state of a block    free bits   list    what it is
 *     whole               all         whole   not used
 *     cut, with room      some        cut     some of its pages are rings of one page
 *     cut, full           none        -       all its pages are rings of one page
 *     one large ring      none        -       the ring of the pipe whose `block` it is
 *
 * A cut block becomes whole again when the last of its rings has gone. Rings are charged to the
 * user who made the pipe, by pages. */
#include "pipe.h"

enum { BLOCK_PAGES = PIPE_MAX / PAGE_SIZE, WHOLE = (1 << BLOCK_PAGES) - 1, MEMORY_PART = 64 };

struct block {
    struct block *next;
    uint8_t *base;
    uint32_t free; /* bit per page */
};

/* blocks all of whose pages are free; those with some that are */
static struct block *whole, *cut;
static struct share ring_share; /* in pages */

/* The manifest grants one page in MEMORY_PART for rings. */
static void share_begin(void)
{
    uint32_t pages = machine_pages() / MEMORY_PART / BLOCK_PAGES * BLOCK_PAGES;
    ring_share = (struct share)SHARE(pages, pages / 8, pages / 2);
}

/* A block with all its pages free, out of its list. NULL: no memory. */
static struct block *block_take(void)
{
    struct block *b = whole;
    if (b) {
        whole = b->next;
        return b;
    }
    b = memory_alloc(sizeof *b);
    uint8_t *base = b ? memory_pages(BLOCK_PAGES) : NULL;
    if (!base) {
        memory_free(b);
        return NULL;
    }
    *b = (struct block){ NULL, base, WHOLE };
    return b;
}

/* One page of a cut block, which is *from. NULL: no memory. */
static uint8_t *page_take(struct block **from)
{
    struct block *b = cut;
    if (!b && (b = block_take())) {
        b->next = cut;
        cut = b;
    }
    if (!b)
        return NULL;
    unsigned page = __builtin_ctz(b->free);
    b->free &= b->free - 1;
    if (!b->free)
        cut = b->next;
    *from = b;
    return b->base + page * PAGE_SIZE;
}

static void page_give(struct block *b, const uint8_t *page)
{
    if (!b->free) {
        b->next = cut;
        cut = b;
    }
    b->free |= 1u << (page - b->base) / PAGE_SIZE;
    if (b->free != WHOLE)
        return;
    struct block **at = &cut;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    b->next = whole;
    whole = b;
}

int ring_begin(struct pipe *p)
{
    if (!ring_share.capacity)
        share_begin();
    int error = share_take(&ring_share, p->user, 1, -ENFILE);
    if (error)
        return error;
    p->ring = page_take(&p->block);
    if (!p->ring) {
        share_give(&ring_share, p->user, 1);
        return -ENFILE;
    }
    p->size = PIPE_FIRST;
    return 0;
}

static void memory_drop(struct pipe *p)
{
    if (p->size == PIPE_FIRST) {
        page_give(p->block, p->ring);
    } else {
        p->block->free = WHOLE;
        p->block->next = whole;
        whole = p->block;
    }
    share_give(&ring_share, p->user, p->size / PAGE_SIZE);
}

void ring_drop(struct pipe *p)
{
    if (p->ring)
        memory_drop(p);
    p->ring = NULL;
    p->size = p->used = p->head = 0;
}

bool ring_room(struct pipe *p, uint32_t bytes)
{
    if (p->used + bytes <= p->size)
        return true;
    p->small = p->size != PIPE_MAX;
    if (!p->small || share_take(&ring_share, p->user, BLOCK_PAGES, -ENOMEM))
        return false;
    struct block *b = block_take();
    if (!b) {
        share_give(&ring_share, p->user, BLOCK_PAGES);
        return false;
    }
    uint32_t used = p->used, first = MIN(used, p->size - p->head);
    memcpy(b->base, p->ring + p->head, first);
    memcpy(b->base + first, p->ring, used - first);
    memory_drop(p);
    b->free = 0;
    p->block = b;
    p->ring = b->base;
    p->size = PIPE_MAX;
    p->small = false;
    p->head = 0;
    return used + bytes <= PIPE_MAX;
}

int ring_copy_out(struct pipe *p, call_t call, size_t offset, uint32_t bytes)
{
    uint32_t first = MIN(bytes, p->size - p->head);
    if (copy_out_call(call, offset, p->ring + p->head, first))
        return -EFAULT;
    return bytes > first && copy_out_call(call, offset + first, p->ring, bytes - first) ? -EFAULT
                                                                                        : 0;
}

int ring_copy_in(struct pipe *p, call_t call, size_t offset, uint32_t bytes)
{
    uint32_t at = (p->head + p->used) & (p->size - 1), first = MIN(bytes, p->size - at);
    if (copy_in_call(call, offset, p->ring + at, first))
        return -EFAULT;
    return bytes > first && copy_in_call(call, offset + first, p->ring, bytes - first) ? -EFAULT
                                                                                       : 0;
}
