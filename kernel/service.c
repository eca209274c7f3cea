/* Services as the kernel sees them: created, filled and started by the service manager, stopped by themselves or by a
 * fault. The slot and its mailbox stay when a service stops, so that calls wait for its successor. */
#include "service.h"

#include "arch.h"
#include "conn.h"
#include <minnow/elf.h>
#include "ipc.h"
#include "kcall.h"
#include "log.h"
#include "memory.h"
#include "sched.h"
#include "space.h"
#include <minnow/errno.h>
#include <minnow/protocol.h>

#define STACK_TOP      0x7fff00000000ul
#define MODULE_WINDOW  0x300000000000ul
enum { STACK_PAGES = 8, MANAGER_BUDGET = 128 };

static struct task *pm;

struct task *service_pm(void)
{
    if (!pm)
        panic(NULL, "a program runs before the process manager");
    return pm;
}

static bool manager(struct thread *t) { return has_right(t, RIGHT_RS); }

static struct task *slot_task(uint64_t slot) { return slot && slot < MAX_SERVICE ? tasks[slot] : NULL; }

int64_t sys_service_create(struct thread *t, const uint64_t *a)
{
    char name[16] = { 0 };
    struct service_rights r;
    if (!manager(t))
        return -EPERM;
    if (!a[0] || a[0] >= MAX_SERVICE || a[2] >= sizeof name)
        return -EINVAL;
    if (space_read(t->space, a[1], name, a[2]) < 0 || space_read(t->space, a[3], &r, sizeof r) < 0)
        return -EFAULT;
    if (r.priority >= PRIORITIES)
        return -EINVAL;
    struct task *x = slot_task(a[0]);
    if (x && x->space)
        return -EEXIST;
    if (!x && !(x = task_create(a[0], name)))
        return -ENOMEM;
    x->space = space_create();
    if (!x->space)
        return -ENOMEM;
    x->dead = 0;
    x->rights = r;
    x->priority = r.priority;
    x->heap_next = x->device_next = 0;
    frames_promised += r.budget;
    if (r.rights & RIGHT_PM)
        pm = x;
    return 0;
}

int64_t sys_service_load(struct thread *t, const uint64_t *a)
{
    struct task *x = slot_task(a[0]);
    vaddr_t va = a[1], from = a[2];
    if (!manager(t))
        return -EPERM;
    if (!x || !x->space)
        return -ESRCH;
    if (!a[3] || va + a[3] < va || (a[4] & PAGE_WRITE && a[4] & PAGE_EXEC))
        return -EINVAL;
    int error = space_commit(x, va & ~(vaddr_t)(PAGE_SIZE - 1), (va % PAGE_SIZE + a[3] + PAGE_SIZE - 1) / PAGE_SIZE, a[4]);
    for (uint64_t left = from ? a[3] : 0; left && !error;) {
        uint64_t now = PAGE_SIZE - va % PAGE_SIZE < left ? PAGE_SIZE - va % PAGE_SIZE : left;
        void *to = space_byte(x->space, va, false);
        error = to ? space_read(t->space, from, to, now) : -EFAULT;
        va += now, from += now, left -= now;
    }
    return error;
}

static int start(struct task *x, vaddr_t ip)
{
    int error = space_commit(x, STACK_TOP - STACK_PAGES * PAGE_SIZE, STACK_PAGES, PAGE_READ | PAGE_WRITE);
    if (error)
        return error;
    struct thread *n = thread_create(x);
    if (!n)
        return -ENOMEM;
    arch_regs_init(&n->regs, ip, STACK_TOP - 8, 0);
    n->iret = 1;
    sched_ready(n);
    return 0;
}

int64_t sys_service_start(struct thread *t, const uint64_t *a)
{
    struct task *x = slot_task(a[0]);
    if (!manager(t))
        return -EPERM;
    return x && x->space && !x->threads ? start(x, a[1]) : -ESRCH;
}

void service_stop(struct task *x)
{
    struct thread *next;
    for (struct thread *t = x->threads; t; t = next) {
        next = t->siblings;
        thread_kill(t);
    }
    x->active = NULL;
    x->entry_first = NULL;
    x->receivers = NULL;
    ipc_orphan(x);
    if (x->space) {
        space_release(x);
        frames_promised -= frames_promised < x->rights.budget ? frames_promised : x->rights.budget;
        space_drop(x->space);
        x->space = NULL;
    }
    x->dead = 1;
}

/* Nobody will ever serve in this slot: who waits is told, and who comes finds nobody. */
static void refuse_callers(struct task *x)
{
    tasks[endpoint_index(x->endpoint)] = NULL;
    tasks_count--;
    for (unsigned i = 0; i < THREADS_MAX; i++)
        if (threads[i] && threads[i]->state == THREAD_QUEUED && threads[i]->holder == x) {
            ipc_withdraw(threads[i]);
            ipc_finish(threads[i], -ENXIO);
        }
    for (struct mail *m = x->mail_first, *next; m; m = next) {
        next = m->next;
        conn_released((struct conn *)((char *)m - offsetof(struct conn, mail)));
    }
    kfree(x, sizeof *x);
}

int64_t sys_service_kill(struct thread *t, const uint64_t *a)
{
    struct task *x = slot_task(a[0]);
    if (!manager(t))
        return -EPERM;
    if (!x || x == t->task)
        return -ESRCH;
    service_stop(x);
    if (a[1])
        refuse_callers(x);
    return 0;
}

void service_fault(struct thread *t, uint64_t op, uint64_t w0, uint64_t w1, uint64_t w2)
{
    struct task *x = t->task;
    const struct regs *r = &t->regs;
    bool before = log_to_serial;
    log_to_serial = true;
    kprintf("service %s (thread %u) stopped: ", x->name, t->index);
    if (op == PM_FAULT)
        kprintf("page fault at %lx, access %lx\n", w2, w1);
    else if (op)
        kprintf("processor exception %lu, error %lx, address %lx\n", w0, w1, w2);
    else
        kprintf("by itself\n");
    kprintf("  rip %lx rsp %lx rax %lx rdi %lx rsi %lx rdx %lx rbx %lx rbp %lx\n", r->rip, r->rsp, r->rax, r->rdi, r->rsi, r->rdx, r->rbx, r->rbp);
    kprintf("  stack:");
    for (vaddr_t at = r->rsp, n = 0; n < 24; n++, at += 8) {
        uint64_t word;
        if (space_read(x->space, at, &word, sizeof word) < 0)
            break;
        if (word >= 0x400000 && word < 0x800000)
            kprintf(" %lx", word);
    }
    kprintf("\n");
    log_to_serial = before;
    if (endpoint_index(x->endpoint) == SLOT_MANAGER)
        panic(r, "the service manager stopped");
    service_stop(x);
    ipc_notify(tasks[SLOT_MANAGER], 1ul << NOTIFY_TASK_DIED);
}

/* The module's pages appear read-only in the manager's space. */
int64_t sys_module(struct thread *t, const uint64_t *a)
{
    if (!manager(t))
        return -EPERM;
    if (a[0] >= module_count)
        return -ENOENT;
    const struct module *m = &modules[a[0]];
    vaddr_t at = MODULE_WINDOW + m->at;
    for (paddr_t p = 0; p < m->size; p += PAGE_SIZE) {
        uint64_t *e = arch_entry(t->space, at + p, true);
        if (!e)
            return -ENOMEM;
        *e = arch_entry_make(m->at + p, PAGE_READ);
    }
    struct module_info info = { .address = at, .size = m->size };
    memcpy(info.name, m->name, sizeof info.name);
    return space_write(t->space, a[1], &info, sizeof info);
}

int64_t sys_slot(struct thread *t, const uint64_t *a)
{
    char name[16] = { 0 };
    if (a[1] >= sizeof name)
        return -ENOENT;
    if (space_read(t->space, a[0], name, a[1]) < 0)
        return -EFAULT;
    for (unsigned i = 1; i < MAX_SERVICE; i++)
        if (tasks[i] && strncmp(tasks[i]->name, name, sizeof name) == 0)
            return i;
    return -ENOENT;
}

/* ---- the first service ---- */

static int load_segment(struct task *x, const char *elf, size_t size, const struct elf_segment *s)
{
    if (s->offset + s->file_size < s->offset || s->offset + s->file_size > size || s->file_size > s->memory_size)
        return -ENOEXEC;
    uint32_t protection = PAGE_READ | (s->flags & ELF_W ? PAGE_WRITE : 0) | (s->flags & ELF_X ? PAGE_EXEC : 0);
    vaddr_t first = s->address & ~(vaddr_t)(PAGE_SIZE - 1);
    int error = space_commit(x, first, (s->address - first + s->memory_size + PAGE_SIZE - 1) / PAGE_SIZE, protection);
    for (uint64_t done = 0; done < s->file_size && !error;) {
        vaddr_t va = s->address + done;
        uint64_t now = PAGE_SIZE - va % PAGE_SIZE;
        now = now < s->file_size - done ? now : s->file_size - done;
        copy_bytes(space_byte(x->space, va, false), elf + s->offset + done, now);
        done += now;
    }
    return error;
}

int service_load_first(const void *elf, size_t size)
{
    const struct elf_header *h = elf;
    if (size < sizeof *h || memcmp(h->magic, "\177ELF\2\1\1", 7) != 0 || h->machine != ELF_X86_64
        || h->segments_at + (uint64_t)h->segment_count * sizeof(struct elf_segment) > size)
        return -ENOEXEC;
    struct task *x = task_create(SLOT_MANAGER, "rs");
    if (!x || !(x->space = space_create()))
        return -ENOMEM;
    x->rights = (struct service_rights){ .rights = RIGHT_RS | RIGHT_INFO, .budget = MANAGER_BUDGET, .priority = 4 };
    x->priority = x->rights.priority;
    frames_promised += MANAGER_BUDGET;
    const struct elf_segment *s = (const void *)((const char *)elf + h->segments_at);
    for (unsigned i = 0; i < h->segment_count; i++) {
        int error = s[i].type == ELF_LOAD ? load_segment(x, elf, size, &s[i]) : 0;
        if (error)
            return error;
    }
    return start(x, h->entry);
}
