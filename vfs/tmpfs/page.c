/* Pages of files: see tmpfs.h. */
#include "tmpfs.h"

#include "syscalls.h"

enum { AT_ONCE = 16 };

struct free_page { struct free_page *next; };

static struct free_page *free_list;
static uint64_t taken, known_free;
static bool exhausted;

/* The budget is asked for in runs; each run is followed by a guard page, so single pages would waste address space. */
static void refill(void)
{
    char *run = exhausted ? NULL : memory_pages(AT_ONCE);
    if (!run) {
        exhausted = true;
        return;
    }
    for (int i = AT_ONCE - 1; i >= 0; i--) {
        struct free_page *p = (struct free_page *)(run + i * PAGE_SIZE);
        p->next = free_list;
        free_list = p;
        known_free++;
    }
}

void *page_take(void)
{
    if (!free_list)
        refill();
    struct free_page *p = free_list;
    if (!p)
        return NULL;
    free_list = p->next;
    known_free--;
    taken++;
    return memset(p, 0, PAGE_SIZE);
}

void page_give(void *page)
{
    struct free_page *p = page;
    p->next = free_list;
    free_list = p;
    known_free++;
    taken--;
}

static uint64_t machine_pages(void) { return (uint32_t)kernel_call(SYS_FRAME_COUNT, 0, 0, 0, 0, 0, 0); }

/* Until the budget has been used up once, its size is only estimated. */
uint64_t pages_all(void) { return exhausted ? taken + known_free : MAX(taken + known_free, machine_pages() / 8); }

uint64_t pages_free(void) { return pages_all() - taken; }

static bool top_grow(struct node *n, uint64_t leaf)
{
    uint32_t size = n->top_size ? n->top_size : 4;
    while (size <= leaf)
        size *= 2;
    void ***top = memory_zalloc(size * sizeof *top);
    if (!top)
        return false;
    if (n->top_size)
        memcpy(top, n->top, n->top_size * sizeof *top);
    memory_free(n->top);
    n->top = top;
    n->top_size = size;
    return true;
}

void *file_page(struct node *n, uint64_t index, bool make)
{
    uint64_t leaf = index / LEAF;
    if (leaf >= n->top_size && (!make || leaf >= TOP_MAX || !top_grow(n, leaf)))
        return NULL;
    if (!n->top[leaf] && (!make || !(n->top[leaf] = page_take())))
        return NULL;
    void **place = &n->top[leaf][index % LEAF];
    if (!*place && make && (*place = page_take()))
        n->blocks++;
    return *place;
}

/* Pages that PM has pinned stay where they are until the node goes: their content beyond the end is zeroed. */
void file_cut(struct node *n, uint64_t size)
{
    uint64_t first = (size + PAGE_SIZE - 1) / PAGE_SIZE;
    for (uint64_t leaf = first / LEAF; leaf < n->top_size; leaf++) {
        if (!n->top[leaf])
            continue;
        bool empty = true;
        for (uint64_t i = 0; i < LEAF; i++) {
            void **place = &n->top[leaf][i];
            if (!*place)
                continue;
            if (leaf * LEAF + i < first) {
                empty = false;
            } else if (n->pins) {
                memset(*place, 0, PAGE_SIZE);
                empty = false;
            } else {
                page_give(*place);
                *place = NULL;
                n->blocks--;
            }
        }
        if (empty) {
            page_give(n->top[leaf]);
            n->top[leaf] = NULL;
        }
    }
    void *tail = size % PAGE_SIZE ? file_page(n, size / PAGE_SIZE, false) : NULL;
    if (tail)
        memset((char *)tail + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
    if (!size && !n->pins) {
        memory_free(n->top);
        n->top = NULL;
        n->top_size = 0;
    }
}
