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
/* accessed and dirty: the processor does not set them when the kernel writes through the direct
 * map */
enum { ENTRY_MARKS = 0x60 };

void *space_byte(struct space *s, vaddr_t va, bool write)
{
    if (__builtin_expect(va >= USER_TOP, 0))
        return NULL;
    uint64_t *e = arch_walk(s, va);
    if (__builtin_expect(!e || !arch_entry_reachable(*e) || (write && !arch_entry_writable(*e)), 0))
        return NULL;
    if (write)
        *e |= ENTRY_MARKS;
    return (char *)phys_to_virt(arch_entry_frame(*e)) + va % PAGE_SIZE;
}

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

int space_read(struct space *s, vaddr_t from, void *to, size_t n)
{
    while (n) {
        size_t now = piece(from, n);
        void *p = space_byte(s, from, false);
        if (!p)
            return -EFAULT;
        copy_bytes(to, p, now);
        from += now, to = (char *)to + now, n -= now;
    }
    return 0;
}

int space_write(struct space *s, vaddr_t to, const void *from, size_t n)
{
    while (n) {
        size_t now = piece(to, n);
        void *p = space_byte(s, to, true);
        if (!p)
            return -EFAULT;
        copy_bytes(p, from, now);
        to += now, from = (const char *)from + now, n -= now;
    }
    return 0;
}

int space_copy(struct space *to, vaddr_t to_va, struct space *from, vaddr_t from_va, size_t n)
{
    while (n) {
        size_t now = piece(to_va, piece(from_va, n));
        void *d = space_byte(to, to_va, true), *s = space_byte(from, from_va, false);
        if (!d || !s)
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

void space_release(struct task *t, vaddr_t end)
{
    unsigned tables = TABLES_ALL;
    for (vaddr_t va = arch_next(t->space, 0, end, &tables); va < end;
         va = arch_next(t->space, va + PAGE_SIZE, end, &tables)) {
        uint64_t *e = arch_entry(t->space, va, false);
        if (arch_entry_protection(*e) & PAGE_OWNED) {
            /* a shown page may be mapped in programs, and is never freed */
            if (!arch_entry_shown(*e))
                frame_free(arch_entry_frame(*e));
            frames_promised++;
            t->committed--;
            t->space->pages--;
        }
        *e = 0;
        arch_flush(t->space, va);
    }
}

/* ---- SYS_PAGES ---- */

/* The entry for a program's page, or NULL. Its tables come from memory that is not promised to
 * services; PM gives frames back when it is told -ENOMEM. */
static inline uint64_t *entry_for(struct space *s, vaddr_t va)
{
    uint64_t *e = arch_entry(s, va, false);
    return e ? e : frames_spare() ? arch_entry(s, va, true) : NULL;
}

/* An entry for a program. Of the kernel's own pages programs have only the clock's, read-only. */
static uint64_t program_entry(paddr_t frame, uint32_t protection)
{
    return arch_entry_make(frame,
                           frame == clock_page_frame() ? protection & ~PAGE_WRITE : protection);
}

static int map_one(struct task *t, const struct page_change *c, vaddr_t va, uint64_t i)
{
    uint64_t *e = entry_for(t->space, va);
    if (!e)
        return -ENOMEM;
    paddr_t frame = c->source + i * PAGE_SIZE;
    uint32_t protection = c->protection;
    if (c->action == PAGE_MAP_SERVICE) {
        struct task *s = task_find(c->service); /* s has no space when it is stopped */
        uint64_t *shown = s && s->service && s->space && frame < USER_TOP
                              ? arch_walk(s->space, frame)
                              : NULL;
        if (!shown || !arch_entry_reachable(*shown))
            return -EFAULT;
        arch_entry_show(shown);
        frame = arch_entry_frame(*shown);
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
    bool was = *e != 0;
    frame_mapped(frame);
    if (was)
        frame_unmapped(arch_entry_frame(*e));
    *e = program_entry(frame, protection);
    if (was)
        arch_flush(t->space, va);
    else
        t->space->pages++;
    return 0;
}

static int64_t map_pages(struct task *t, const struct page_change *c)
{
    for (uint64_t i = 0; i < c->count; i++) {
        int error = map_one(t, c, c->address + i * PAGE_SIZE, i);
        if (error)
            return error;
    }
    return 0;
}

/* Gives the pages of a range another protection, `places` pages at most (0: all). The number of
 * pages of the range, holes included, that it has got over. */
static int64_t protect_pages(struct task *t, const struct page_change *c, vaddr_t end,
                             uint64_t places)
{
    unsigned tables = places ? TABLES_AT_ONCE : TABLES_ALL;
    vaddr_t va = arch_next(t->space, c->address, end, &tables);
    for (uint64_t n = 0; va < end && tables && (!places || n < places); n++) {
        uint64_t *e = arch_entry(t->space, va, false);
        *e = program_entry(arch_entry_frame(*e), (c->protection & ~PAGE_OWNED) |
                                                     (arch_entry_protection(*e) & PAGE_OWNED));
        arch_flush(t->space, va);
        va = arch_next(t->space, va + PAGE_SIZE, end, &tables);
    }
    return (va - c->address) / PAGE_SIZE;
}

static void unmap_one(struct space *s, vaddr_t va, uint64_t *e)
{
    frame_unmapped(arch_entry_frame(*e));
    *e = 0;
    s->pages--;
    arch_flush(s, va);
}

void space_unmap_rest(struct space *s)
{
    unsigned tables = TABLES_ALL;
    for (vaddr_t va = 0; s->pages && (va = arch_next(s, va, USER_TOP, &tables)) < USER_TOP;
         va += PAGE_SIZE)
        unmap_one(s, va, arch_entry(s, va, false));
}

static inline int list_one(struct thread *caller, const struct page_change *c, uint64_t place,
                           vaddr_t va, uint64_t entry)
{
    struct page_out out = { va, entry };
    return space_write(caller->space, c->source + place * sizeof out, &out, sizeof out);
}

/* Lists the pages of a range in an array of struct page_out in the caller's memory; for PAGE_UNMAP
 * it unmaps them too. The number of places that it has filled, or -EFAULT. The list ends early when
 * the array is full, or after many empty tables: then the last place has an entry of 0. */
static int64_t list_pages(struct thread *caller, struct task *t, const struct page_change *c,
                          vaddr_t end, uint64_t places)
{
    unsigned tables = TABLES_AT_ONCE;
    uint64_t filled = 0;
    vaddr_t va = arch_next(t->space, c->address, end, &tables);
    while (va < end && tables && filled < places) {
        uint64_t *e = arch_entry(t->space, va, false);
        if (list_one(caller, c, filled++, va, arch_entry_out(*e)) < 0)
            return -EFAULT;
        if (c->action == PAGE_UNMAP)
            unmap_one(t->space, va, e);
        va = arch_next(t->space, va + PAGE_SIZE, end, &tables);
    }
    if (va < end && !tables && filled < places &&
        list_one(caller, c, filled++, va - PAGE_SIZE, 0) < 0)
        return -EFAULT;
    return filled;
}

/* Makes one change. The result of SYS_PAGES: pages listed (UNMAP, QUERY), pages got over (PROTECT
 * with places), 0, or -E.... */
static int64_t change_one(struct thread *caller, const struct page_change *c)
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
    case PAGE_PROTECT: result = protect_pages(t, c, end, c->places); return c->places ? result : 0;
    case PAGE_UNMAP:
    case PAGE_QUERY: return list_pages(caller, t, c, end, c->places);
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
    for (uint64_t i = 0; i < count; i++) {
        struct page_change c;
        if (space_read(t->space, changes + i * sizeof c, &c, sizeof c) < 0)
            return -EFAULT;
        result = change_one(t, &c);
        if (result < 0)
            return result;
    }
    return result;
}

/* ---- SYS_PAGES_CLONE ---- */

static int clone_one(struct task *from, struct task *to, vaddr_t va, bool share)
{
    uint64_t *old = arch_entry(from->space, va, false), *new = entry_for(to->space, va);
    if (!new)
        return -ENOMEM;
    if (!share && arch_entry_writable(*old)) {
        *old = arch_entry_make(arch_entry_frame(*old), arch_entry_protection(*old) & ~PAGE_WRITE);
        arch_flush(from->space, va);
    }
    frame_mapped(arch_entry_frame(*old));
    *new = *old;
    to->space->pages++;
    return 0;
}

int64_t sys_pages_clone(struct thread *t, const uint64_t *a)
{
    struct page_clone c;
    if (space_read(t->space, a[0], &c, sizeof c) < 0)
        return -EFAULT;
    struct task *from = task_find(c.from), *to = task_find(c.to);
    if (!from || !to || from->service || to->service || c.end > USER_TOP)
        return -EINVAL;
    uint64_t filled = 0;
    int error = 0;
    unsigned tables = TABLES_AT_ONCE;
    vaddr_t va = arch_next(from->space, c.start, c.end, &tables);
    for (; va < c.end && tables && filled < c.max;
         va = arch_next(from->space, va + PAGE_SIZE, c.end, &tables)) {
        error = clone_one(from, to, va, c.share);
        if (error)
            break;
        struct page_out out = { va, arch_entry_out(*arch_entry(from->space, va, false)) };
        if (space_write(t->space, (vaddr_t)c.out + filled++ * sizeof out, &out, sizeof out) < 0)
            return -EFAULT;
    }
    c.start = va;
    c.max = filled;
    if (space_write(t->space, a[0], &c, sizeof c) < 0)
        return -EFAULT;
    return error ? error : (int64_t)filled;
}
