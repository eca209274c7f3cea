/* The ring of a pipe. It begins as one page and becomes PIPE_MAX bytes when more than that is in it; rings of pipes that
 * are gone are used again. */
#include "pipe.h"

struct free_ring { struct free_ring *next; };
static struct free_ring *free_small, *free_large;

static uint8_t *take(uint32_t size)
{
    struct free_ring **list = size == PIPE_FIRST ? &free_small : &free_large, *r = *list;
    if (!r)
        return memory_pages(size / PAGE_SIZE);
    *list = r->next;
    r->next = NULL;   /* so that it is in the undo log: what the kernel copies there is not */
    return (uint8_t *)r;
}

void ring_drop(struct pipe *p)
{
    if (!p->ring)
        return;
    struct free_ring **list = p->size == PIPE_FIRST ? &free_small : &free_large, *r = (struct free_ring *)p->ring;
    r->next = *list;
    *list = r;
    p->ring = NULL;
    p->size = p->used = p->head = 0;
}

bool ring_room(struct pipe *p, uint32_t bytes)
{
    if (p->used + bytes <= p->size)
        return true;
    uint32_t size = p->used + bytes <= PIPE_FIRST ? PIPE_FIRST : PIPE_MAX;
    uint8_t *ring = size > p->size ? take(size) : NULL;
    if (!ring && p->size < PIPE_FIRST)
        ring = take(size = PIPE_FIRST);
    if (!ring)
        return false;
    uint32_t used = p->used, first = MIN(used, p->size - p->head);
    if (used) {
        memcpy(ring, p->ring + p->head, first);
        memcpy(ring + first, p->ring, used - first);
    }
    ring_drop(p);
    p->ring = ring;
    p->size = size;
    p->used = used;
    return used + bytes <= size;
}

int ring_copy_out(struct pipe *p, call_t call, size_t offset, uint32_t bytes)
{
    uint32_t first = MIN(bytes, p->size - p->head);
    if (copy_out_call(call, offset, p->ring + p->head, first))
        return -EFAULT;
    return bytes > first && copy_out_call(call, offset + first, p->ring, bytes - first) ? -EFAULT : 0;
}

int ring_copy_in(struct pipe *p, call_t call, size_t offset, uint32_t bytes)
{
    uint32_t at = (p->head + p->used) & (p->size - 1), first = MIN(bytes, p->size - at);
    if (copy_in_call(call, offset, p->ring + at, first))
        return -EFAULT;
    return bytes > first && copy_in_call(call, offset + first, p->ring, bytes - first) ? -EFAULT : 0;
}
