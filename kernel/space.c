/* Memory of tasks, seen from the kernel (space.h); and SYS_PAGES, by which PM changes page
 * tables. */
#include "space.h"

#include "arch.h"
#include "clock.h"
#include "kcall.h"
#include "memory.h"
#include <minnow/errno.h>
#include <minnow/range.h>

/* page tables without a page in them that one kernel call looks through at most */
enum { TABLES_AT_ONCE = 64, TABLES_ALL = ~0u };
/* pages that it takes from, or to, a program at most */
enum { PAGES_AT_ONCE = 1024 };
/* accessed and dirty: the processor does not set them when the kernel writes through the direct
 * map */
enum { ENTRY_MARKS = 0x60 };

static __attribute__((noinline)) uint64_t *walk_leaf(struct space *s, vaddr_t va)
{
    uint64_t span = va / ARCH_TABLE_SPAN, *e = va < USER_TOP ? arch_walk(s, va) : NULL;
    if (e)
        s->leaves[span % LEAVES] = (struct leaf){ span + 1, e - va % ARCH_TABLE_SPAN / PAGE_SIZE };
    return e;
}

/* space_byte(), inline where `write` is a constant. arch_walk() is asked for tables alone that have
 * not been found lately. */
static inline void *byte_at(struct space *s, vaddr_t va, bool write)
{
    uint64_t span = va / ARCH_TABLE_SPAN;
    const struct leaf *l = &s->leaves[span % LEAVES];
    uint64_t *e = &l->table[va % ARCH_TABLE_SPAN / PAGE_SIZE];
    if (__builtin_expect(l->span != span + 1, 0) && !(e = walk_leaf(s, va)))
        return NULL;
    if (__builtin_expect(!arch_entry_allows(*e, write), 0))
        return NULL;
    if (write)
        *e |= ENTRY_MARKS;
    return (char *)phys_to_virt(arch_entry_frame(*e)) + va % PAGE_SIZE;
}

void *space_byte(struct space *s, vaddr_t va, bool write) { return byte_at(s, va, write); }

bool space_missing(struct space *s, vaddr_t *at, uint64_t length, bool write)
{
    for (uint64_t done = 0; done < length; done += PAGE_SIZE - (*at + done) % PAGE_SIZE)
        if (!space_byte(s, *at + done, write)) {
            *at += done;
            return true;
        }
    return false;
}

static inline size_t piece(vaddr_t va, size_t n)
{
    size_t room = PAGE_SIZE - va % PAGE_SIZE;
    return n < room ? n : room;
}

static inline int read_from(struct space *s, vaddr_t from, void *to, size_t n, bool writable)
{
    while (n) {
        size_t now = piece(from, n);
        void *p = space_byte(s, from, writable);
        if (!p)
            return -EFAULT;
        copy_bytes(to, p, now);
        from += now, to = (char *)to + now, n -= now;
    }
    return 0;
}

int space_read(struct space *s, vaddr_t from, void *to, size_t n)
{
    return read_from(s, from, to, n, false);
}

int space_read_writable(struct space *s, vaddr_t from, void *to, size_t n)
{
    return read_from(s, from, to, n, true);
}

/* Writes over the end of a page: all or nothing, since what is written may be what the caller reads
 * once more when it has the page that is missing. */
static __attribute__((noinline)) int write_pages(struct space *s, vaddr_t to, const void *from,
                                                 size_t n)
{
    vaddr_t at = to;
    if (space_missing(s, &at, n, true))
        return -EFAULT;
    while (n) {
        size_t now = piece(to, n);
        copy_bytes(space_byte(s, to, true), from, now);
        to += now, from = (const char *)from + now, n -= now;
    }
    return 0;
}

int space_write(struct space *s, vaddr_t to, const void *from, size_t n)
{
    if (__builtin_expect(piece(to, n) < n, 0))
        return write_pages(s, to, from, n);
    if (!n)
        return 0;
    void *p = space_byte(s, to, true);
    if (!p)
        return -EFAULT;
    copy_bytes(p, from, n);
    return 0;
}

int space_copy(struct space *to, vaddr_t to_va, struct space *from, vaddr_t from_va, size_t n)
{
    while (n) {
        size_t now = piece(to_va, piece(from_va, n));
        void *d = byte_at(to, to_va, true), *s = d ? byte_at(from, from_va, false) : NULL;
        if (__builtin_expect(!s, 0))
            return -EFAULT;
        copy_bytes(d, s, now);
        to_va += now, from_va += now, n -= now;
    }
    return 0;
}

int space_commit(struct task *t, vaddr_t va, size_t pages, uint32_t protection)
{
    if (pages > USER_TOP / PAGE_SIZE || !range_within(va, pages * PAGE_SIZE, USER_TOP))
        return -EINVAL;
    for (; pages; pages--, va += PAGE_SIZE) {
        uint64_t *e = arch_entry(t->space, va, true);
        if (!e)
            return -ENOMEM;
        if (arch_entry_present(*e))
            continue;
        if (t->committed >= t->rights.budget)
            return -ENOMEM;
        paddr_t p = frame_alloc();
        if (!p)
            return -ENOMEM;
        *e = arch_entry_make(p, protection | PAGE_OWNED);
        t->committed++;
        t->space->pages++;
        if (frames_promised)
            frames_promised--;
    }
    return 0;
}

static inline struct page_walk walk(const struct space *s, vaddr_t va, vaddr_t end, unsigned tables)
{
    return (struct page_walk){ .space = s, .va = va, .end = end, .tables = tables };
}

void space_release(struct task *t, vaddr_t end)
{
    struct page_walk w = walk(t->space, 0, end, TABLES_ALL);
    for (uint64_t *e; (e = arch_next(&w));) {
        if (arch_entry_protection(*e) & PAGE_OWNED) {
            /* a shown page may be mapped in programs, and is never freed */
            if (!arch_entry_shown(*e))
                frame_free(arch_entry_frame(*e));
            frames_promised++;
            t->committed--;
            t->space->pages--;
        }
        *e = 0;
        arch_flush(t->space, w.va - PAGE_SIZE);
    }
}

/* ---- SYS_PAGES ---- */

/* The entry for a program's page, or NULL. Its tables come from memory that is not promised to
 * services; PM gives frames back when it is told -ENOMEM. `known`: the entry of the page `of`, or
 * NULL. */
static inline uint64_t *entry_for(struct space *s, vaddr_t va, uint64_t *known, vaddr_t of)
{
    if (known && va / ARCH_TABLE_SPAN == of / ARCH_TABLE_SPAN)
        return known + va / PAGE_SIZE - of / PAGE_SIZE;
    uint64_t *e = arch_walk(s, va);
    return e ? e : frames_for_tables() ? arch_entry(s, va, true) : NULL;
}

/* An entry for a program. Of the kernel's own pages programs have only the clock's, read-only. */
static uint64_t program_entry(paddr_t frame, uint32_t protection)
{
    return arch_entry_make(frame,
                           frame == clock_page_frame() ? protection & ~PAGE_WRITE : protection);
}

/* The frame that a service has at an address, which is marked as shown to programs; 0: none. */
static paddr_t service_frame(endpoint_t service, vaddr_t at)
{
    struct task *s = task_find(service); /* s has no space when it is stopped */
    uint64_t *shown = s && s->service && s->space && at < USER_TOP ? arch_walk(s->space, at) : NULL;
    if (!shown || !arch_entry_reachable(*shown))
        return 0;
    arch_entry_show(shown);
    return arch_entry_frame(*shown);
}

/* Maps a frame at va, whose entry is *e, in place of what is there. */
static void set_entry(struct space *s, vaddr_t va, uint64_t *e, paddr_t frame, uint32_t protection)
{
    uint64_t before = *e;
    frame_mapped(frame);
    *e = program_entry(frame, protection);
    if (!before) {
        s->pages++;
        return;
    }
    frame_unmapped(arch_entry_frame(before));
    arch_flush(s, va);
}

static int map_one(struct task *t, const struct page_change *c, uint64_t i, uint64_t *e)
{
    paddr_t frame = c->source + i * PAGE_SIZE;
    uint32_t protection = c->protection;
    if (c->action == PAGE_MAP_SERVICE) {
        if (!(frame = service_frame(c->service, frame)))
            return -EFAULT;
        protection &= ~PAGE_OWNED;
    } else if (!frame_lent(frame) && !(frame == clock_page_frame() && c->action == PAGE_MAP)) {
        return -EPERM;
    } else if (c->action == PAGE_MAP_ZERO) {
        zero_page(phys_to_virt(frame));
    } else if (c->action == PAGE_MAP_COPY) {
        if (!*e)
            return -EFAULT;
        copy_page(phys_to_virt(frame), phys_to_virt(arch_entry_frame(*e)));
    }
    set_entry(t->space, c->address + i * PAGE_SIZE, e, frame, protection);
    return 0;
}

static int64_t map_pages(struct task *t, const struct page_change *c)
{
    uint64_t *e = NULL;
    for (uint64_t i = 0; i < c->count; i++) {
        vaddr_t va = c->address + i * PAGE_SIZE;
        e = entry_for(t->space, va, e, va - PAGE_SIZE);
        int error = e ? map_one(t, c, i, e) : -ENOMEM;
        if (error)
            return error;
    }
    return 0;
}

/* Fills page i of a range, whose entry is *e, with what `given` names. 1; 0: the page stays as it
 * is; or an error. */
static int fill_one(struct task *t, const struct page_change *c, uint64_t i, uint64_t *e,
                    uint64_t *given)
{
    vaddr_t va = c->address + i * PAGE_SIZE;
    paddr_t frame = *given;
    if (c->action == PAGE_FILL_COPY ? !*e || arch_entry_writable(*e) : *e || !frame)
        return 0;
    if (c->action == PAGE_FILL_SERVICE) {
        if (!(frame = service_frame(c->service, frame)))
            return -EFAULT;
        set_entry(t->space, va, e, frame, c->protection & ~PAGE_OWNED);
        return 1;
    }
    if (c->action == PAGE_FILL_COPY) {
        bool owned = arch_entry_protection(*e) & PAGE_OWNED;
        if (owned && frame_alone(arch_entry_frame(*e))) {
            set_entry(t->space, va, e, arch_entry_frame(*e), c->protection | PAGE_OWNED);
            return 1;
        }
        if (!frame || (!owned && i))
            return 0;
    }
    if (!frame_lent(frame))
        return -EPERM;
    if (c->action == PAGE_FILL_COPY)
        copy_page(phys_to_virt(frame), phys_to_virt(arch_entry_frame(*e)));
    else
        zero_page(phys_to_virt(frame));
    set_entry(t->space, va, e, frame, c->protection | PAGE_OWNED);
    *given = 0;
    return 1;
}

static int64_t fill_pages(struct thread *caller, struct task *t, const struct page_change *c)
{
    uint64_t given[PAGES_FILL_MAX], *e = NULL;
    size_t bytes = c->count * sizeof given[0];
    if (c->count > PAGES_FILL_MAX)
        return -EINVAL;
    if (space_read(caller->space, c->source, given, bytes) < 0)
        return -EFAULT;
    int64_t filled = 0, error = 0;
    for (uint64_t i = 0; i < c->count && error >= 0; i++) {
        vaddr_t va = c->address + i * PAGE_SIZE;
        e = entry_for(t->space, va, e, va - PAGE_SIZE);
        error = e ? fill_one(t, c, i, e, &given[i]) : -ENOMEM;
        filled += error > 0;
    }
    if (c->action != PAGE_FILL_SERVICE && space_write(caller->space, c->source, given, bytes) < 0)
        return -EFAULT;
    return filled || error > 0 ? filled : error;
}

/* Gives the pages of a range another protection, `places` pages at most (0: all). They stay
 * accessed and dirty, or PM would never hear of what was written through them. The number of pages
 * of the range, holes included, that it has got over. */
static int64_t protect_pages(struct task *t, const struct page_change *c, vaddr_t end,
                             uint64_t places)
{
    struct page_walk w = walk(t->space, c->address, end, places ? TABLES_AT_ONCE : TABLES_ALL);
    uint64_t *e;
    for (uint64_t n = 0; (!places || n < places) && (e = arch_next(&w)); n++) {
        uint32_t owned = arch_entry_protection(*e) & PAGE_OWNED;
        *e = program_entry(arch_entry_frame(*e), (c->protection & ~PAGE_OWNED) | owned) |
             (*e & ENTRY_MARKS);
        arch_flush(t->space, w.va - PAGE_SIZE);
    }
    return (w.va - c->address) / PAGE_SIZE;
}

static inline void unmap_one(struct space *s, vaddr_t va, uint64_t *e)
{
    frame_unmapped(arch_entry_frame(*e));
    *e = 0;
    s->pages--;
    arch_flush(s, va);
}

void space_unmap_rest(struct space *s)
{
    struct page_walk w = walk(s, 0, USER_TOP, TABLES_ALL);
    for (uint64_t *e; s->pages && (e = arch_next(&w));)
        unmap_one(s, w.va - PAGE_SIZE, e);
}

void space_count(const struct space *s, uint64_t page, struct resident_info *out)
{
    enum { COUNTED_AT_ONCE = 4096 };
    struct page_walk w = walk(s, page * PAGE_SIZE, USER_TOP, TABLES_AT_ONCE);
    const uint64_t *e;
    *out = (struct resident_info){ .tables = s->tables };
    for (unsigned n = 0; n < COUNTED_AT_ONCE && (e = arch_next(&w)); n++) {
        if (arch_entry_protection(*e) & PAGE_OWNED)
            out->anonymous++;
        else if (frame_lent(arch_entry_frame(*e)))
            out->shared++;
        else
            out->file++;
    }
    out->next = w.va < USER_TOP ? w.va / PAGE_SIZE : 0;
}

/* An array of struct page_out in the caller's memory that is being filled; it is written piece by
 * piece. */
struct out_list {
    struct thread *caller;
    vaddr_t to;      /* the next piece */
    uint64_t places; /* that are left, those of the piece counted as used */
    unsigned n;
    bool failed;
    struct page_out piece[16];
};

static void list_flush(struct out_list *l)
{
    size_t bytes = l->n * sizeof l->piece[0];
    if (bytes && space_write(l->caller->space, l->to, l->piece, bytes) < 0)
        l->failed = true;
    l->to += bytes;
    l->n = 0;
}

static inline void list_add(struct out_list *l, vaddr_t va, uint64_t entry)
{
    l->piece[l->n++] = (struct page_out){ va, entry };
    l->places--;
    if (l->n == sizeof l->piece / sizeof l->piece[0])
        list_flush(l);
}

static inline uint64_t entry_out(uint64_t e)
{
    return arch_entry_out(e) | (frame_alone(arch_entry_frame(e)) ? PAGE_OUT_ALONE : 0);
}

static inline uint64_t entry_uses(uint64_t e)
{
    uint64_t uses = frame_pages(arch_entry_frame(e));
    return (uses < PAGE_OUT_USES_MOST ? uses : PAGE_OUT_USES_MOST) * PAGE_OUT_USES;
}

/* Lists the pages of a range in l; for PAGE_UNMAP it unmaps them too, for PAGE_AGE it clears their
 * marks. The list ends early when the array is full, or after many empty tables: then the last
 * place has an entry of 0. */
static void list_pages(struct task *t, const struct page_change *c, vaddr_t end, struct out_list *l)
{
    struct page_walk w = walk(t->space, c->address, end, TABLES_AT_ONCE);
    for (uint64_t *e; l->places && (e = arch_next(&w));) {
        list_add(l, w.va - PAGE_SIZE,
                 entry_out(*e) | (c->action == PAGE_QUERY_USES ? entry_uses(*e) : 0));
        if (c->action == PAGE_UNMAP)
            unmap_one(t->space, w.va - PAGE_SIZE, e);
        if (c->action == PAGE_AGE) {
            arch_entry_age(e);
            arch_flush(t->space, w.va - PAGE_SIZE);
        }
    }
    if (w.va < end && !w.tables && l->places)
        list_add(l, w.va - PAGE_SIZE, 0);
}

/* PAGE_RELEASE: unmaps the pages of a range, and lists in l those that PM must know of. It ends
 * early likewise, and after many pages. *c then says where to go on, and how many there were. */
static void release_pages(struct task *t, struct page_change *c, vaddr_t end, struct out_list *l)
{
    struct page_walk w = walk(t->space, c->address, end, TABLES_AT_ONCE);
    uint64_t n = 0;
    for (uint64_t *e; n < PAGES_AT_ONCE && l->places && (e = arch_next(&w)); n++) {
        uint64_t out = entry_out(*e);
        if (out & PAGE_OUT_OWNED ? out & PAGE_OUT_ALONE : out & PAGE_OUT_DIRTY)
            list_add(l, w.va - PAGE_SIZE, out);
        unmap_one(t->space, w.va - PAGE_SIZE, e);
    }
    c->address = w.va;
    c->count = n;
}

/* Makes a change that lists pages. The number of places filled, or -EFAULT. */
static int64_t change_and_list(struct thread *caller, struct task *t, vaddr_t at,
                               struct page_change *c, vaddr_t end)
{
    struct out_list l = { .caller = caller, .to = c->source, .places = c->places };
    if (c->action == PAGE_RELEASE) {
        release_pages(t, c, end, &l);
        l.failed |= space_write(caller->space, at, c, sizeof *c) < 0;
    } else {
        list_pages(t, c, end, &l);
    }
    list_flush(&l);
    return l.failed ? -EFAULT : (int64_t)(c->places - l.places);
}

/* Makes one change, which stands at `at` in the caller's memory. The result of SYS_PAGES: pages
 * listed (UNMAP, RELEASE, QUERY), filled, got over (PROTECT with places), 0, or -E.... */
static int64_t change_one(struct thread *caller, vaddr_t at, struct page_change *c)
{
    struct task *t = task_find(c->task);
    int64_t result;
    if (!t || t->service || t->dead)
        return -ESRCH;
    if (c->address % PAGE_SIZE || c->count > USER_TOP / PAGE_SIZE ||
        !range_within(c->address, c->count * PAGE_SIZE, USER_TOP))
        return -EINVAL;
    vaddr_t end = c->address + c->count * PAGE_SIZE;
    switch (c->action) {
    case PAGE_MAP:
    case PAGE_MAP_ZERO:
    case PAGE_MAP_COPY:
    case PAGE_MAP_SERVICE: return map_pages(t, c);
    case PAGE_FILL_ZERO:
    case PAGE_FILL_COPY:
    case PAGE_FILL_SERVICE: return fill_pages(caller, t, c);
    case PAGE_PROTECT: result = protect_pages(t, c, end, c->places); return c->places ? result : 0;
    case PAGE_UNMAP:
    case PAGE_RELEASE:
    case PAGE_QUERY:
    case PAGE_QUERY_USES:
    case PAGE_AGE: return change_and_list(caller, t, at, c, end);
    default: return -EINVAL;
    }
}

int64_t sys_pages(struct thread *t, const uint64_t *a)
{
    vaddr_t changes = a[0];
    uint64_t count = a[1];
    int64_t result = 0;
    if (count > PAGE_CHANGES_MAX) /* no other thread runs during the call */
        return -EINVAL;
    for (uint64_t i = 0; i < count && result >= 0; i++) {
        struct page_change c;
        vaddr_t at = changes + i * sizeof c;
        result = space_read(t->space, at, &c, sizeof c) < 0 ? -EFAULT : change_one(t, at, &c);
    }
    return result;
}

/* ---- SYS_PAGES_CLONE ---- */

int64_t sys_pages_clone(struct thread *t, const uint64_t *a)
{
    struct page_clone c;
    if (space_read(t->space, a[0], &c, sizeof c) < 0)
        return -EFAULT;
    struct task *from = task_find(c.from), *to = task_find(c.to);
    if (!from || !to || from->service || to->service || c.end > USER_TOP || c.start % PAGE_SIZE ||
        c.end % PAGE_SIZE)
        return -EINVAL;
    struct page_walk w = walk(from->space, c.start, c.end, TABLES_AT_ONCE);
    uint64_t *old, *new = NULL;
    vaddr_t va = 0;
    int error = 0;
    for (c.cloned = 0; c.cloned < PAGES_AT_ONCE && (old = arch_next(&w)); c.cloned++) {
        vaddr_t before = va;
        va = w.va - PAGE_SIZE;
        if (!(new = entry_for(to->space, va, new, before))) {
            w.va = va;
            error = -ENOMEM;
            break;
        }
        if (!c.share && arch_entry_writable(*old)) {
            arch_entry_write_protect(old);
            arch_flush(from->space, va);
        }
        frame_mapped(arch_entry_frame(*old));
        *new = *old;
    }
    to->space->pages += c.cloned;
    c.start = w.va;
    return space_write(t->space, a[0], &c, sizeof c) < 0 ? -EFAULT : error;
}
