/* Memory of a service, within its manifest's budget. Freed blocks are kept in lists, one for each
 * power of two; each block has a head of 16 bytes that tells its list. Blocks below a page are cut
 * from chunks of CHUNK_PAGES pages; larger ones are runs of pages. */
#include "service.h"
#include "syscalls.h"

enum { HEAD = 16, CLASS_FIRST = 5, CLASS_PAGE = 12, CLASSES = 28, CHUNK_PAGES = 4 };

struct head {
    uint64_t class;
    struct head *next;
};
_Static_assert(sizeof(struct head) == HEAD, "blocks stay 16-byte aligned");

static struct head *free_lists[CLASSES];
static char *chunk;
static size_t chunk_left;

void *memory_pages(size_t pages)
{
    int64_t at = sys_grow(pages, 0, NULL);
    return at < 0 ? NULL : (void *)at;
}

void *memory_dma(size_t pages, paddr_t *physical)
{
    int64_t at = sys_grow(pages, GROW_CONTIGUOUS | GROW_BELOW_4G, physical);
    return at < 0 ? NULL : (void *)at;
}

uint64_t machine_pages(void) { return (uint32_t)ask_frame_count(); }

static struct head *carve(unsigned class)
{
    size_t size = 1ul << class;
    if (size >= PAGE_SIZE)
        return memory_pages(size / PAGE_SIZE);
    if (chunk_left < size) {
        size_t pages = CHUNK_PAGES;
        char *more = memory_pages(pages);
        if (!more)
            more = memory_pages(pages = 1); /* the last of the budget */
        if (!more)
            return NULL;
        chunk_left = pages * PAGE_SIZE;
        chunk = more;
    }
    struct head *h = (struct head *)chunk;
    chunk += size;
    chunk_left -= size;
    return h;
}

void *memory_alloc(size_t bytes)
{
    unsigned class = CLASS_FIRST;
    while ((1ul << class) < bytes + HEAD)
        if (++class == CLASSES)
            return NULL;
    struct head *h = free_lists[class];
    if (h)
        free_lists[class] = h->next;
    else
        h = carve(class);
    if (!h)
        return NULL;
    h->class = class;
    return h + 1;
}

void *memory_zalloc(size_t bytes)
{
    void *p = memory_alloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void memory_free(void *p)
{
    if (!p)
        return;
    struct head *h = (struct head *)p - 1;
    ASSERT(h->class >= CLASS_FIRST && h->class < CLASSES);
    h->next = free_lists[h->class];
    free_lists[h->class] = h;
}
