/* The contents of files: pages out of a pool, in trees. Pages that PM has mapped are not given to
 * another file before PM has given them back. */
#include "tmpfs.h"

/* so many, and other services and programs go first; this one has a single thread */
enum { BYTES_AT_ONCE = 1 << 20, FREED_AT_ONCE = 4096 };
enum { FANOUT = 512, FANOUT_BITS = 9, GROW_PAGES = 32, PIN_HASH = 1024, GUESS = 4096 };

static uint64_t *free_pages; /* linked through their first word */
static uint64_t pool_pages, pool_free;
static bool pool_full;
static const uint8_t zeros[PAGE_SIZE];
static struct share page_share;

/* The manifest grants one page in MEMORY_PART. Some of them are no file's: names could not be made
 * when files had taken them all. */
static void share_begin(void)
{
    enum { MEMORY_PART = 8, NAMES_PART = 128 };
    uint32_t all = machine_pages() / MEMORY_PART - machine_pages() / NAMES_PART;
    page_share = (struct share)SHARE(all, all / 4, all / 8 * 5);
}

static struct pin {
    struct pin *next;
    void *page;
    uint32_t count;
    bool gone;
} * pins[PIN_HASH];

/* ---- The pool ---- */

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

static void *page_take(struct node *n, bool zero)
{
    struct mount *mount = &mounts[n->mount];
    if (mount->page_limit && mount->pages >= mount->page_limit)
        return NULL;
    if (!page_share.capacity)
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
    /* so that it is in the undo log: what the kernel copies there is not */
    *page = 0;
    pool_free--;
    mount->pages++;
    n->pages++;
    return zero ? memset(page, 0, PAGE_SIZE) : page;
}

static void page_to_pool(void *page)
{
    *(uint64_t *)page = (uint64_t)(uintptr_t)free_pages;
    free_pages = page;
    pool_free++;
}

static struct pin **find_pin(void *page)
{
    struct pin **at = &pins[(uintptr_t)page / PAGE_SIZE % PIN_HASH];
    while (*at && (*at)->page != page)
        at = &(*at)->next;
    return at;
}

static void page_give(struct node *n, void *page)
{
    mounts[n->mount].pages--;
    n->pages--;
    share_give(&page_share, n->user, 1);
    GIVE_WAY_EVERY(FREED_AT_ONCE, 1, n->pages);
    struct pin *pin = n->pinned ? *find_pin(page) : NULL;
    if (pin)
        pin->gone = true; /* it goes to the pool when PM gives it back */
    else
        page_to_pool(page);
}

void pool_count(uint64_t *all, uint64_t *free)
{
    uint64_t more = pool_full ? 0 : GUESS;
    *all = pool_pages + more;
    *free = pool_free + more;
}

/* ---- The tree ---- */

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

/* A page of pointers. It is of the pool and the mount, but `pages` counts contents only. */
static void **inner_take(struct node *n)
{
    void **inner = page_take(n, true);
    n->pages -= inner != NULL;
    return inner;
}

static void inner_give(struct node *n, void *inner)
{
    n->pages++;
    page_give(n, inner);
}

/* Where the pointer to a page stands; makes the way to it. NULL: no memory. */
static void **make_slot(struct node *n, uint64_t index)
{
    while (index >> FANOUT_BITS * n->height) {
        if (n->root) {
            void **top = inner_take(n);
            if (!top)
                return NULL;
            top[0] = n->root;
            n->root = top;
        }
        n->height++;
    }
    void **slot = &n->root;
    for (unsigned height = n->height; height > 0;) {
        if (!*slot) {
            void *inner = inner_take(n);
            if (!inner)
                return NULL;
            *slot = inner;
        }
        slot = &((void **)*slot)[index >> FANOUT_BITS * --height & (FANOUT - 1)];
    }
    return slot;
}

/* Frees the pages from number `from` on under *slot. */
static void cut(struct node *n, void **slot, unsigned height, uint64_t from)
{
    if (!*slot)
        return;
    if (height) {
        uint64_t span = 1ull << FANOUT_BITS * (height - 1);
        for (uint64_t k = from / span; k < FANOUT; k++)
            cut(n, (void **)*slot + k, height - 1, k == from / span ? from % span : 0);
    }
    if (from == 0) {
        (height ? inner_give : page_give)(n, *slot);
        *slot = NULL;
    }
}

static void clear_behind(struct node *n, uint64_t size)
{
    uint8_t *last = size % PAGE_SIZE ? find_page(n, size / PAGE_SIZE) : NULL;
    if (last)
        memset(last + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
}

/* What a mapping has written behind the end of the file is zero before the file grows over it. */
static void clear_tail(struct node *n)
{
    if (n->pinned)
        clear_behind(n, n->size);
}

void data_cut(struct node *n, uint64_t size)
{
    uint64_t from = (size + PAGE_SIZE - 1) / PAGE_SIZE;
    if (from >> FANOUT_BITS * n->height == 0)
        cut(n, &n->root, n->height, from);
    if (!n->root)
        n->height = 0;
    clear_behind(n, size);
}

/* ---- Operations ---- */

enum { SIZE_MAX_BITS = 47 };

static int64_t check_regular(const struct node *n)
{
    return !n ? -ESTALE : S_ISREG(n->mode) ? 0 : S_ISDIR(n->mode) ? -EISDIR : -EINVAL;
}

int64_t do_read(struct message *m)
{
    struct node *n = node_of(m->object);
    int64_t error = check_regular(n);
    if (error || m->flags & O_PATH)
        return error ? error : -EBADF;
    uint64_t position = m->position;
    if (position >= n->size)
        return 0;
    uint64_t length = MIN(m->w[2], n->size - position), done = 0;
    while (done < length) {
        uint64_t index = position / PAGE_SIZE, offset = position % PAGE_SIZE,
                 part = MIN(length - done, PAGE_SIZE - offset);
        const uint8_t *page = find_page(n, index);
        if (!page)
            page = zeros;
        else
            while (part < length - done && find_page(n, ++index) == page + offset + part)
                part = MIN(length - done, part + PAGE_SIZE);
        if (copy_out(m, done, page + offset, part))
            return -EFAULT;
        done += part;
        position += part;
        GIVE_WAY_EVERY(BYTES_AT_ONCE, part, length - done);
    }
    if (!(m->flags & O_NOATIME))
        node_read(n);
    reply_position(m, position);
    return done;
}

/* Copies a piece of the window into one page, which is there or is made. */
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

int64_t do_write(struct message *m)
{
    struct node *n = node_of(m->object);
    int64_t error = check_regular(n);
    if (error)
        return error;
    if (mounts[n->mount].read_only)
        return -EROFS;
    uint64_t start = m->flags & O_APPEND ? n->size : m->position, length = m->w[2], done = 0;
    uint64_t limit = fs_size_limit(m, 1ull << SIZE_MAX_BITS);
    if (!length)
        return 0;
    if (start >= limit)
        return -EFBIG;
    length = MIN(length, limit - start);
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
    if (!done)
        return error;
    touch(n);
    n->mode = fs_mode_changed(m, n->mode);
    reply_position(m, start + done);
    return done;
}

int64_t do_truncate(struct message *m)
{
    struct node *n = node_of(m->object);
    int64_t error = check_regular(n);
    if (error)
        return error;
    if (m->w[1] >> 63)
        return -EINVAL;
    if (m->w[1] >> SIZE_MAX_BITS || fs_over_limit(m, n->size))
        return -EFBIG;
    if (mounts[n->mount].read_only)
        return -EROFS;
    if (n->denies)
        return -ETXTBSY;
    n->mode = fs_mode_changed(m, n->mode);
    bool shorter = m->w[1] < n->size;
    if (shorter)
        data_cut(n, m->w[1]);
    else
        clear_tail(n);
    n->size = m->w[1];
    touch(n);
    return shorter && n->holds && fs_shrunk(m, n->size, 0) ? LATER : 0;
}

static int fill_hole(struct node *n, uint64_t index, uint8_t **page)
{
    void **slot = make_slot(n, index);
    *page = slot ? page_take(n, true) : NULL;
    if (*page)
        *slot = *page;
    return *page ? 0 : -ENOSPC;
}

/* One pin less of a lent page, which goes to the pool with the last one if its file has no use for
 * it any more. */
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

int64_t do_reserve(struct message *m)
{
    struct node *n = node_of(m->object);
    int64_t there = 0;
    if (!n)
        return -ESTALE;
    for (uint64_t k = 0; k < MIN(m->w[1], (uint64_t)FS_RESERVE_MAX); k++)
        there |= (int64_t)(find_page(n, m->w[3] + k) != NULL) << k;
    touch(n);
    n->mode = fs_mode_mapped(m, n->mode);
    return there;
}

int64_t do_pages(struct message *m)
{
    struct node *n = node_of(m->object);
    if (!n)
        return -ESTALE;
    if (!S_ISREG(n->mode))
        return -ENODEV;
    uint64_t addresses[FS_PAGES_MAX], index = m->position / PAGE_SIZE;
    unsigned wanted = MIN(m->w[2] / sizeof(addresses[0]), (uint64_t)ARRAY_SIZE(addresses)),
             count = 0;
    int error = 0;
    for (; count < wanted && (index + count) * PAGE_SIZE < n->size; count++) {
        uint8_t *page = find_page(n, index + count);
        /* a hole becomes a page, for it may be written through the mapping */
        if (!page && count == m->w[3])
            error = fill_hole(n, index + count, &page);
        if (page && !error && !pin_page(page))
            error = -ENOMEM;
        if (error)
            break;
        addresses[count] = (uint64_t)(uintptr_t)page;
    }
    n->pinned |= count != 0;
    if (count && copy_out(m, 0, addresses, count * sizeof(addresses[0]))) {
        while (count)
            unpin_page((void *)(uintptr_t)addresses[--count]);
        return -EFAULT;
    }
    return count ? (int64_t)count : error;
}

int64_t do_unpin(struct message *m)
{
    uint64_t addresses[FS_PAGES_MAX];
    int count = fs_addresses(m, addresses);
    if (count < 0)
        return count;
    struct node *n = node_of(m->object);
    for (int k = 0; k < count; k++)
        unpin_page((void *)(uintptr_t)addresses[k]);
    if (n && m->w[3])
        clear_tail(n);
    return 0;
}
