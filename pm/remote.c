/* Memory of one program that another one reads or writes: ptrace(2), process_vm_readv(2),
 * /proc/N/mem. (Linux: access_remote_vm, mm/memory.c.)
 *
 * Each page is brought as if the program itself had touched it, so a private page that others share
 * with it, since a fork or because a file shows it, is copied before it is written. With
 * MEMORY_FORCE pages are reached too that the program itself may not read or write: a debugger sets
 * breakpoints in text. Shared mappings are not written so, since others would see it.
 *
 * The kernel copies where the page table of the program allows it. A page that the program may not
 * touch so has a wider protection for the time of the copy. That is harmless should PM die in
 * between: the page is the program's own, and it is never writable and executable at once. */
#include "fault.h"
#include "handlers.h"

enum { AT_ONCE = 32 * PAGE_SIZE };

/* One piece on its way. It is filled and used without a commit in between. */
static char piece[PAGE_SIZE];

/* Copies n bytes between the window, from `done` on, and a page that allows it. 0; -EIO: the page
 * does not; or the error of the window. Does not wait. */
static int64_t copy(struct message *m, uint64_t done, vaddr_t at, size_t n, bool write)
{
    endpoint_t task = m->w[0];
    int error = write ? copy_in(m, done, piece, n) : 0;
    if (error)
        return error;
    if ((write ? ask_poke(task, at, piece, n) : ask_peek(task, at, piece, n)) < 0)
        return -EIO;
    return write ? 0 : copy_out(m, done, piece, n);
}

/* Likewise for any page of s that fault_remote() has brought. */
static int64_t copy_wide(struct message *m, const struct space *s, uint64_t done, vaddr_t at,
                         size_t n, bool write)
{
    vaddr_t page = PAGE_DOWN(at);
    const struct region *r = regions_at(&s->regions, page);
    uint64_t entry = page_entry(s, page);
    if (!r || !entry)
        return -EIO;
    if (write ? entry & PAGE_OUT_WRITABLE : r->protection & PAGE_READ)
        return copy(m, done, at, n, write);
    if (write && !(entry & PAGE_OUT_OWNED && entry & PAGE_OUT_ALONE))
        return -EIO;
    int64_t error = page_protect(s, page, PAGE_READ | (write ? PAGE_WRITE : 0));
    if (!error)
        error = copy(m, done, at, n, write);
    page_protect(s, page, r->protection);
    return error;
}

/* One piece, of which all lies in one page of the space of this id. 0, -EIO, or the error of the
 * window. May wait. */
static int64_t move(struct message *m, uint64_t id, uint64_t done, vaddr_t at, size_t n)
{
    bool write = m->w[4] & MEMORY_WRITE;
    if (fault_remote(m->w[0], PAGE_DOWN(at), write, m->w[4] & MEMORY_FORCE) < 0)
        return -EIO;
    const struct space *s = space_of(m->w[0]);
    return s && s->id == id ? copy_wide(m, s, done, at, n, write) : -EIO;
}

int64_t do_memory(struct message *m)
{
    const struct space *s = space_of(m->w[0]);
    vaddr_t at = m->w[3];
    if (!s || (m->w[5] && m->w[5] != s->id))
        return -ESRCH;
    uint64_t id = s->id, done = 0, most = at < USER_TOP ? USER_TOP - at : 0,
             length = MIN(MIN(m->w[2], most), (uint64_t)AT_ONCE);
    while (done < length) {
        size_t n = MIN(length - done, PAGE_SIZE - (at + done) % PAGE_SIZE);
        int64_t error = move(m, id, done, at + done, n);
        if (error && error != -EIO)
            return error;
        if (error)
            break;
        done += n;
    }
    reply_position(m, at + done); /* procfs forwards reads and writes of its file */
    return done || !m->w[2] ? (int64_t)done : -EIO;
}
