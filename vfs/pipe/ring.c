/* The ring of a pipe. It begins as one page, and becomes as large as the pipe's capacity when more
 * than a page is to be in it and there is memory; the bytes then move to the new ring. fcntl
 * (F_SETPIPE_SZ) changes the capacity, and the ring with it. Memory comes in blocks of PIPE_BLOCK
 * bytes, which are never given back (memory_pages()):
 *
 *     state of a block     free bits   list    what it is
 *     whole                all         whole   not used
 *     cut, with room       some        cut     some of its pages are rings of one page
 *     cut, full            none        -       all its pages are rings of one page
 *     of one large ring    none        -       one of the blocks of a ring, which are linked in the
 *                                              order of its bytes; a ring that is smaller than a
 *                                              block has one all the same
 *
 * A cut block becomes whole again when the last of its rings has gone. Rings are charged to the
 * user who made the pipe, by pages. */
#include "pipe.h"

enum { BLOCK_PAGES = PIPE_BLOCK / PAGE_SIZE, WHOLE = (1 << BLOCK_PAGES) - 1, MEMORY_PART = 64 };

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

/* Gives back whole blocks that are linked. */
static void blocks_give(struct block *b)
{
    for (struct block *next; b; b = next) {
        next = b->next;
        b->free = WHOLE;
        b->next = whole;
        whole = b;
    }
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

/* So many whole blocks, linked. NULL: no memory. */
static struct block *blocks_take(uint32_t count)
{
    struct block *first = NULL;
    for (; count; count--) {
        struct block *b = block_take();
        if (!b) {
            blocks_give(first);
            return NULL;
        }
        b->free = 0;
        b->next = first;
        first = b;
    }
    return first;
}

/* ---- the memory of a ring of p->size bytes, which p->user is charged for ---- */

static uint32_t pages_of(uint32_t size)
{
    return size == PIPE_FIRST ? 1 : MAX(size, (uint32_t)PIPE_BLOCK) / PAGE_SIZE;
}

/* 0; -EPERM: the user has its share; -ENOMEM. */
static int memory_take(struct pipe *p)
{
    uint32_t pages = pages_of(p->size);
    int error = share_take(&ring_share, p->user, pages, -EPERM);
    if (error)
        return error;
    if (p->size == PIPE_FIRST) {
        p->ring = page_take(&p->block);
    } else {
        p->block = blocks_take(pages / BLOCK_PAGES);
        p->ring = p->block ? p->block->base : NULL;
    }
    if (p->ring)
        return 0;
    share_give(&ring_share, p->user, pages);
    return -ENOMEM;
}

/* Gives it back, but not its place in the user's share. */
static void memory_give(struct pipe *p)
{
    if (p->size == PIPE_FIRST)
        page_give(p->block, p->ring);
    else
        blocks_give(p->block);
}

int ring_begin(struct pipe *p)
{
    if (!ring_share.capacity)
        share_begin();
    p->size = PIPE_FIRST;
    if (memory_take(p) == 0)
        return 0;
    p->size = 0;
    return -ENFILE;
}

void ring_drop(struct pipe *p)
{
    if (p->ring) {
        memory_give(p);
        share_give(&ring_share, p->user, pages_of(p->size));
    }
    p->ring = NULL;
    p->size = p->used = p->head = 0;
}

int ring_resize(struct pipe *p, uint32_t size)
{
    struct pipe now = { .user = p->user, .size = size };
    if (size != p->size) {
        /* only the difference counts: who has more than its share may still make pipes smaller */
        share_give(&ring_share, p->user, pages_of(p->size));
        int error = memory_take(&now);
        if (error) {
            share_take(&ring_share, p->user, pages_of(p->size), error);
            return error;
        }
        ring_copy(p, &now, p->used);
        memory_give(p);
        p->ring = now.ring;
        p->block = now.block;
        p->size = size;
        p->head = 0;
    }
    p->capacity = size;
    p->small = false;
    return 0;
}

bool ring_room(struct pipe *p, uint32_t bytes)
{
    if (p->used + bytes <= p->size)
        return true;
    p->small = p->size != p->capacity;
    if (!p->small || ring_resize(p, p->capacity))
        return false;
    return p->used + bytes <= p->size;
}

/* ---- bytes ---- */

/* Where the byte at `offset` behind the ring's first one stands, and how many of the `most` from
 * there on stand together with it. */
static uint8_t *piece(const struct pipe *p, uint32_t offset, uint32_t most, uint32_t *together)
{
    uint32_t at = (p->head + offset) & (p->size - 1);
    const struct block *b = p->block;
    if (__builtin_expect(p->size <= PIPE_BLOCK, 1)) {
        *together = MIN(most, p->size - at);
        return p->ring + at;
    }
    for (; at >= PIPE_BLOCK; at -= PIPE_BLOCK)
        b = b->next;
    *together = MIN(most, PIPE_BLOCK - at);
    return b->base + at;
}

int ring_copy_out(struct pipe *p, call_t call, size_t offset, uint32_t bytes)
{
    for (uint32_t done = 0, n; done < bytes; done += n) {
        const uint8_t *from = piece(p, done, bytes - done, &n);
        if (copy_out_call(call, offset + done, from, n))
            return -EFAULT;
    }
    return 0;
}

int ring_copy_in(struct pipe *p, call_t call, size_t offset, uint32_t bytes)
{
    for (uint32_t done = 0, n; done < bytes; done += n) {
        uint8_t *to = piece(p, p->used + done, bytes - done, &n);
        if (copy_in_call(call, offset + done, to, n))
            return -EFAULT;
    }
    return 0;
}

void ring_copy(const struct pipe *from, struct pipe *to, uint32_t bytes)
{
    for (uint32_t done = 0, n; done < bytes; done += n) {
        const uint8_t *first = piece(from, done, bytes - done, &n);
        uint8_t *place = piece(to, to->used + done, n, &n);
        memcpy(place, first, n);
    }
}
