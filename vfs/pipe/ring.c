/* The ring of a pipe: see pipe.h. It is small until more is written at once; rings that are given back are kept for the next. */
#include "pipe.h"

struct free_ring { struct free_ring *next; };

static struct free_ring *free_small, *free_large;

static uint8_t *ring_take(struct free_ring **list, size_t size)
{
    struct free_ring *r = *list;
    if (!r)
        return memory_pages(size / PAGE_SIZE);
    *list = r->next;
    return (uint8_t *)r;
}

static void ring_give(uint8_t *ring, size_t size)
{
    struct free_ring *r = (struct free_ring *)ring, **list = size == RING_SMALL ? &free_small : &free_large;
    r->next = *list;
    *list = r;
}

bool ring_init(struct pipe *p)
{
    p->first = p->count = 0;
    p->size = RING_SMALL;
    p->ring = ring_take(&free_small, RING_SMALL);
    return p->ring != NULL;
}

void ring_free(struct pipe *p) { ring_give(p->ring, p->size); }

void ring_grow(struct pipe *p)
{
    uint8_t *large = p->size == RING_LARGE ? NULL : ring_take(&free_large, RING_LARGE);
    if (!large)
        return;
    uint32_t run = MIN(p->count, p->size - p->first);
    memcpy(large, p->ring + p->first, run);
    memcpy(large + run, p->ring, p->count - run);
    ring_give(p->ring, p->size);
    p->ring = large;
    p->size = RING_LARGE;
    p->first = 0;
}

int ring_fill(struct pipe *p, call_t c, size_t offset, uint32_t n)
{
    uint32_t at = (p->first + p->count) & (p->size - 1), run = MIN(n, p->size - at);
    int error = copy_in_call(c, offset, p->ring + at, run);
    if (!error && run < n)
        error = copy_in_call(c, offset + run, p->ring, n - run);
    return error;
}

int ring_show(struct pipe *p, call_t c, uint32_t n)
{
    uint32_t run = MIN(n, p->size - p->first);
    int error = copy_out_call(c, 0, p->ring + p->first, run);
    if (!error && run < n)
        error = copy_out_call(c, run, p->ring, n - run);
    return error;
}
