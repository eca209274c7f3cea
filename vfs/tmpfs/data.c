/* The contents of files: pages out of a pool, in trees.
 *
 * Lent pages. The pages of a file are its only copy, and PM maps these very pages into programs.
 * So a page may be in a file, lent to PM, both, or neither, and it may go to another file only when
 * it is neither:
 *
 *     in the file   lent   where it is
 *     yes           no     in the file's tree
 *     yes           yes    in the tree, and counted in a struct pin
 *     no            yes    in the struct pin alone, which says `gone`: the file was cut or freed
 *     no            no     in the pool
 *
 * data_lend() adds a pin, data_take_back() removes one; when a page that is gone loses its last pin
 * the page goes into the pool. A node that never lent a page (`pinned` is false) need not look for
 * pins when it gives its pages back. A hole becomes a page before it is lent, since a store through
 * the mapping must find memory that is the file's. Bytes that such a store leaves behind the end of
 * the file are zeroed before the file grows over them, and when the page comes back (clear_tail).
 *
 * PM must not keep pages that are gone for long: they count neither as the file's nor as free. So
 * the server says with `lends_own` that PM is to keep no lent pages behind its last hold.
 *
 * What the kernel copies into a page is not in the undo log. A page of the pool holds the link of
 * the free list in its first word, and page_take() overwrites that word itself, so that a rollback
 * finds the link again. */
#include "tmpfs.h"

#include "share.h"

/* give_way() after so many bytes copied, or pages freed: this service has a single thread */
enum { BYTES_AT_ONCE = 1 << 20, FREED_AT_ONCE = 4096 };
enum { ZEROED_AT_ONCE = 256 };
#define NO_PAGE UINT64_MAX
enum { FANOUT = 512, FANOUT_BITS = 9, GROW_PAGES = 32, PIN_HASH = 1024 };

static uint64_t *free_pages; /* linked through their first word */
static uint64_t pool_pages, pool_free;
static bool pool_full;
static const uint8_t zeros[PAGE_SIZE];
static struct share page_share;

/* The manifest grants one page in MEMORY_PART. One in NAMES_PART is kept from files, or no names
 * could be made when files had taken all. */
static void share_begin(void)
{
    enum { MEMORY_PART = 8, NAMES_PART = 128 };
    if (page_share.capacity)
        return;
    uint32_t all = machine_pages() / MEMORY_PART - machine_pages() / NAMES_PART;
    page_share = (struct share)SHARE(all, all / 4, all / 8 * 5);
}

/* A lent page: how often it is lent, and whether its file has given it back. */
static struct pin {
    struct pin *next;
    void *page;
    uint32_t count;
    bool gone;
} * pins[PIN_HASH];

/* ---- The pool ---- */

/* Adds GROW_PAGES to the pool, or one; none if the share of files or the budget is used up. */
static void grow(void)
{
    size_t count = MIN((uint64_t)GROW_PAGES, page_share.capacity - pool_pages);
    uint8_t *base = count ? memory_pages(count) : NULL;
    if (!base && count)
        base = memory_pages(count = 1);
    if (!base) {
        pool_full = true;
        return;
    }
    pool_pages += count;
    pool_free += count;
    while (count-- > 0) {
        uint64_t *page = (uint64_t *)(base + count * PAGE_SIZE);
        *page = (uint64_t)(uintptr_t)free_pages;
        free_pages = page;
    }
}

/* A page for the file, charged to its user and its mount. NULL: -ENOSPC. */
static void *page_take(struct node *n, bool zero)
{
    struct mount *mount = mount_of(n);
    if (mount->page_limit && mount->pages >= mount->page_limit)
        return NULL;
    share_begin();
    if (share_take(&page_share, n->user, 1, -ENOSPC))
        return NULL;
    if (!free_pages && !pool_full)
        grow();
    uint64_t *page = free_pages;
    if (!page) {
        share_give(&page_share, n->user, 1);
        return NULL;
    }
    free_pages = (uint64_t *)(uintptr_t)*page;
    /* A store of our own puts the link into the undo log, which a copy by the kernel would not. */
    *page = 0;
    pool_free--;
    mount->pages++;
    n->blocks += PAGE_SIZE / 512;
    return zero ? memset(page, 0, PAGE_SIZE) : page;
}

static void page_to_pool(void *page)
{
    *(uint64_t *)page = (uint64_t)(uintptr_t)free_pages;
    free_pages = page;
    pool_free++;
}

/* Where the pointer to the page's pin stands, or, at the end of a chain, would stand. */
static struct pin **find_pin(void *page)
{
    struct pin **at = &pins[(uintptr_t)page / PAGE_SIZE % PIN_HASH];
    while (*at && (*at)->page != page)
        at = &(*at)->next;
    return at;
}

/* The file gives a page back: to the pool, unless it is lent. */
static void page_give(struct node *n, void *page)
{
    mount_of(n)->pages--;
    n->blocks -= PAGE_SIZE / 512;
    share_give(&page_share, n->user, 1);
    GIVE_WAY_EVERY(FREED_AT_ONCE, 1, n->blocks / (PAGE_SIZE / 512));
    struct pin *pin = n->pinned ? *find_pin(page) : NULL;
    if (pin)
        pin->gone = true; /* the page goes to the pool when PM gives it back */
    else
        page_to_pool(page);
}

void data_count(uint64_t *all, uint64_t *free, uint64_t *anyone)
{
    share_begin();
    /* what could not be had when the pool last grew is left out */
    uint64_t more = pool_full ? pool_free : page_share.capacity - page_share.taken;
    *all = page_share.taken + more;
    *free = more;
    *anyone = more - MIN(more, page_share.reserve);
}

/* ---- The tree ----
 *
 * A tree of height 0 is one page of the file; a tree of height h is a page of 512 pointers to trees
 * of height h - 1. It grows by a new top, whose first pointer is the old tree, and is never made
 * lower but when it becomes empty. From number `end` of the node on it has neither pages nor inner
 * pages, so that a cut looks at the pointers before it only. */

static inline uint8_t *find_page(const struct node *n, uint64_t index)
{
    void *page = n->root;
    unsigned height = n->height;
    if (height < 7 && index >> FANOUT_BITS * height)
        return NULL;
    while (page && height)
        page = ((void **)page)[index >> FANOUT_BITS * --height & (FANOUT - 1)];
    return page;
}

/* A page of pointers, or of attributes, is charged like the file's other pages; but `blocks` counts
 * contents only. */
void *data_extra_take(struct node *n)
{
    void *page = page_take(n, true);
    n->blocks -= page ? PAGE_SIZE / 512 : 0;
    return page;
}

void data_extra_give(struct node *n, void *page)
{
    n->blocks += PAGE_SIZE / 512;
    page_give(n, page);
}

/* Where the pointer to page `index` stands; makes the inner pages on the way. NULL: -ENOSPC. */
static void **make_slot(struct node *n, uint64_t index)
{
    while (index >> FANOUT_BITS * n->height) {
        if (n->root) {
            void **top = data_extra_take(n);
            if (!top)
                return NULL;
            top[0] = n->root;
            n->root = top;
        }
        n->height++;
    }
    n->end = MAX(n->end, index + 1);
    void **slot = &n->root;
    for (unsigned height = n->height; height > 0;) {
        if (!*slot) {
            void *inner = data_extra_take(n);
            if (!inner)
                return NULL;
            *slot = inner;
        }
        slot = &((void **)*slot)[index >> FANOUT_BITS * --height & (FANOUT - 1)];
    }
    return slot;
}

/* Frees the pages from..to - 1 of *slot's tree, which has none behind them; with from == 0 the tree
 * itself too. */
static void cut(struct node *n, void **slot, unsigned height, uint64_t from, uint64_t to)
{
    void **inner = *slot;
    if (height) {
        uint64_t span = 1ull << FANOUT_BITS * (height - 1);
        for (uint64_t k = from / span, first = k; k * span < to; k++)
            if (inner[k])
                cut(n, inner + k, height - 1, k == first ? from % span : 0,
                    MIN(span, to - k * span));
    }
    if (from == 0) {
        (height ? data_extra_give : page_give)(n, *slot);
        *slot = NULL;
    }
}

static void clear_behind(struct node *n, uint64_t size)
{
    uint8_t *last = size % PAGE_SIZE ? find_page(n, size / PAGE_SIZE) : NULL;
    if (last)
        memset(last + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
}

/* Zeroes what a store through a mapping may have left behind the end of the file. */
static void clear_tail(struct node *n)
{
    if (n->pinned)
        clear_behind(n, n->size);
}

void data_cut(struct node *n, uint64_t size)
{
    uint64_t from = (size + PAGE_SIZE - 1) / PAGE_SIZE;
    if (n->root && from < n->end)
        cut(n, &n->root, n->height, from, n->end);
    n->end = MIN(n->end, from);
    if (!n->root)
        n->height = 0;
    clear_behind(n, size);
}

/* ---- Operations ---- */

int64_t data_read(struct fs_node *f, struct message *m, uint64_t position, uint64_t length)
{
    struct node *n = node_of(f);
    if (position >= n->size)
        return 0;
    uint64_t done = 0;
    length = MIN(length, n->size - position);
    while (done < length) {
        uint64_t index = position / PAGE_SIZE, offset = position % PAGE_SIZE,
                 part = MIN(length - done, PAGE_SIZE - offset);
        const uint8_t *page = find_page(n, index);
        if (!page)
            page = zeros;
        else
            while (part < length - done && find_page(n, ++index) == page + offset + part)
                part = MIN(length - done, part + PAGE_SIZE);
        if (part == length) {
            reply_bytes(m, page + offset, part);
            return length;
        }
        if (copy_out(m, done, page + offset, part))
            return -EFAULT;
        done += part;
        position += part;
        GIVE_WAY_EVERY(BYTES_AT_ONCE, part, length - done);
    }
    return done;
}

/* Copies `part` bytes of the window, from offset `done`, into one page, which is made if it is a
 * hole. 0, -ENOSPC, -EFAULT: nothing has changed. */
static int write_page(struct node *n, struct message *m, uint64_t done, uint64_t position,
                      unsigned part)
{
    unsigned offset = position % PAGE_SIZE;
    uint8_t *page = find_page(n, position / PAGE_SIZE);
    if (page)
        return copy_in(m, done, page + offset, part) ? -EFAULT : 0;
    page = page_take(n, part != PAGE_SIZE);
    if (!page)
        return -ENOSPC;
    int error = copy_in(m, done, page + offset, part) ? -EFAULT : 0;
    void **slot = error ? NULL : make_slot(n, position / PAGE_SIZE);
    if (slot)
        *slot = page;
    else
        page_give(n, page);
    return error ? error : slot ? 0 : -ENOSPC;
}

int64_t data_write(struct fs_node *f, struct message *m, uint64_t start, uint64_t length)
{
    struct node *n = node_of(f);
    uint64_t done = 0;
    int error = 0;
    if (start + length > n->size)
        clear_tail(n);
    while (done < length) {
        unsigned part = MIN(length - done, (uint64_t)(PAGE_SIZE - (start + done) % PAGE_SIZE));
        error = write_page(n, m, done, start + done, part);
        if (error)
            break;
        done += part;
        GIVE_WAY_EVERY(BYTES_AT_ONCE, part, length - done);
    }
    if (error == -EFAULT)
        done = 0; /* the call comes again as a whole */
    if (done && start + done > n->size)
        n->size = start + done;
    if (error && start + length > n->size)
        data_cut(n, n->size);
    return done ? (int64_t)done : error;
}

int data_resize(struct fs_node *f, uint64_t size)
{
    if (size < f->size)
        data_cut(node_of(f), size);
    else
        clear_tail(node_of(f));
    f->size = size;
    return 0;
}

static int fill_hole(struct node *n, uint64_t index, uint8_t **page)
{
    void **slot = make_slot(n, index);
    *page = slot ? page_take(n, true) : NULL;
    if (*page)
        *slot = *page;
    return *page ? 0 : -ENOSPC;
}

/* The number of the first page from number `from` on that the tree has; NO_PAGE: there is none. */
static uint64_t next_page(void *tree, unsigned height, uint64_t from)
{
    if (!tree || !height)
        return tree && !from ? 0 : NO_PAGE;
    uint64_t span = 1ull << FANOUT_BITS * (height - 1), first = from / span;
    for (uint64_t k = first; k < FANOUT; k++) {
        uint64_t found = next_page(((void **)tree)[k], height - 1, k == first ? from % span : 0);
        if (found != NO_PAGE)
            return k * span + found;
    }
    return NO_PAGE;
}

int data_allocate(struct fs_node *f, uint64_t from, uint64_t to)
{
    struct node *n = node_of(f);
    uint64_t end = (to + PAGE_SIZE - 1) / PAGE_SIZE;
    uint8_t *page;
    int error = 0;
    for (uint64_t index = from / PAGE_SIZE; index < end && !error; index++) {
        if (!find_page(n, index))
            error = fill_hole(n, index, &page);
        GIVE_WAY_EVERY(ZEROED_AT_ONCE, 1, end - index - 1);
    }
    if (error && to > n->size)
        data_cut(n, n->size);
    return error;
}

int data_punch(struct fs_node *f, uint64_t from, uint64_t to)
{
    struct node *n = node_of(f);
    uint64_t end = (to + PAGE_SIZE - 1) / PAGE_SIZE, index = from / PAGE_SIZE;
    while ((index = next_page(n->root, n->height, index)) < end) {
        uint64_t at = MAX(from, index * PAGE_SIZE), part = MIN(to, (index + 1) * PAGE_SIZE) - at;
        void **slot = make_slot(n, index); /* it is there */
        if (part == PAGE_SIZE && !(n->pinned && *find_pin(*slot))) {
            page_give(n, *slot);
            *slot = NULL;
        } else {
            memset((uint8_t *)*slot + at % PAGE_SIZE, 0, part);
        }
        index++;
        GIVE_WAY_EVERY(ZEROED_AT_ONCE, 1, end - index);
    }
    return 0;
}

int64_t data_seek(struct fs_node *f, uint64_t position, bool hole)
{
    enum { LOOKED_AT_ONCE = 16384 };
    const struct node *n = node_of(f);
    uint64_t end = (n->size + PAGE_SIZE - 1) / PAGE_SIZE, index = position / PAGE_SIZE;
    if (!hole) {
        index = next_page(n->root, n->height, index);
        return index < end ? (int64_t)MAX(position, index * PAGE_SIZE) : -ENXIO;
    }
    while (index < end && find_page(n, index)) {
        index++;
        GIVE_WAY_EVERY(LOOKED_AT_ONCE, 1, end - index);
    }
    return MIN(MAX(position, index * PAGE_SIZE), n->size);
}

/* Removes a pin of a lent page. The last one puts the page into the pool if its file has given it
 * back. */
static void unpin_page(void *page)
{
    struct pin **at = find_pin(page), *pin = *at;
    if (!pin || --pin->count)
        return;
    *at = pin->next;
    if (pin->gone)
        page_to_pool(pin->page);
    memory_free(pin);
}

static bool pin_page(void *page)
{
    struct pin **at = find_pin(page);
    if (!*at && (*at = memory_zalloc(sizeof(**at))))
        (*at)->page = page;
    if (*at)
        (*at)->count++;
    return *at != NULL;
}

int64_t data_reserve(struct fs_node *f, uint64_t first, unsigned count, uint64_t wanted)
{
    int64_t there = 0;
    (void)wanted;
    for (unsigned k = 0; k < count; k++)
        there |= (int64_t)(find_page(node_of(f), first + k) != NULL) << k;
    return there;
}

int data_lend(struct fs_node *f, uint64_t index, unsigned ahead, bool wanted, uint64_t *address)
{
    struct node *n = node_of(f);
    uint8_t *page = find_page(n, index);
    (void)ahead;
    /* a hole becomes a page, since it may be written through the mapping */
    int error = !page && wanted ? fill_hole(n, index, &page) : 0;
    if (!error && page && !pin_page(page))
        error = -ENOMEM;
    if (page && !error && !n->pinned)
        n->pinned = true;
    *address = (uintptr_t)page;
    return error;
}

int data_take_back(struct fs_node *f, uint64_t address)
{
    void *page = (void *)(uintptr_t)address;
    if (f && f->size % PAGE_SIZE && find_page(node_of(f), f->size / PAGE_SIZE) == page)
        clear_tail(node_of(f));
    unpin_page(page);
    return 0;
}
