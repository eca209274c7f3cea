/* Services as the kernel sees them: created, filled and started by the service manager; frozen when
 * they fail, and then rolled back or stopped. A service's slot and mailbox stay when it stops, so
 * that calls wait for its successor.
 *
 *     created --load, start--> running --ready--> up --fault, kill, exit--> frozen
 *     frozen  --resume-->      up                     (rolled back: see libservice/recover.c)
 *     any     --stop-->        dead: threads, memory gone; calls wait in the mailbox
 *     any     --refuse-->      likewise, and calls end with -ENXIO
 *
 * What happens to a frozen service, and how often, is the manager's decision (pm/rs/policy.c). The
 * manager's own death is the one that the kernel decides: manager_resumes(). */
#include "service.h"

#include "arch.h"
#include "boot.h"
#include "clock.h"
#include "conn.h"
#include <minnow/elf.h>
#include "ipc.h"
#include "irq.h"
#include "kcall.h"
#include "layout.h"
#include "log.h"
#include "memory.h"
#include "panic.h"
#include "sched.h"
#include "space.h"
#include "task.h"
#include "trace.h"
#include <minnow/errno.h>
#include <minnow/range.h>
#include <minnow/protocol.h>

#define STACK_TOP     0x7fff00000000ul
#define STACK_CHOICES (1ul << 24)
_Static_assert((int)THREADS_MAX <= (int)SERVICE_STACK_SPAN, "SYS_THREAD answers both in one word");
#define CODE_MOST     0x400000ul /* code lies no further than this above a program's beginning */
#define MODULE_WINDOW 0x300000000000ul
enum {
    MANAGER_BUDGET = 224,
    VIOLATIONS_LOGGED = 100,
    MANAGER_DEATHS_MOST = 3,
    LOST_SECONDS = 6,
    STRIKES_TOLD = 50
};

bool service_strikes;
static uint64_t lost_at; /* when the manager was lost; 0: it was not */

static struct task *slot_task(uint64_t slot)
{
    return slot && slot < MAX_SERVICE ? tasks[slot] : NULL;
}

/* A service that takes descriptors from its callers has a table for them. false: no memory. */
static bool own_conns(struct task *x)
{
    if (!x->conns && (x->conns = conn_table_create()))
        x->conns->limit = DESCRIPTORS_MAX;
    return x->conns;
}

int64_t sys_service_create(struct thread *t, const uint64_t *a)
{
    char name[16] = { 0 };
    struct service_rights r;
    if (!a[0] || a[0] >= MAX_SERVICE || a[2] >= sizeof name)
        return -EINVAL;
    if (space_read(t->space, a[1], name, a[2]) < 0 || space_read(t->space, a[3], &r, sizeof r) < 0)
        return -EFAULT;
    if (r.priority >= PRIORITY_PROGRAM)
        return -EINVAL;
    struct task *x = slot_task(a[0]);
    if (x && x->space)
        return -EEXIST;
    if (!x && !(x = task_create(a[0], name)))
        return -ENOMEM;
    if (r.rights & RIGHT_CONNS && !own_conns(x))
        return -ENOMEM;
    x->space = space_create();
    if (!x->space)
        return -ENOMEM;
    x->dead = x->refuses = 0;
    x->crash = CRASH_NONE;
    x->rights = r;
    x->priority = r.priority;
    x->heap_next = x->device_next = x->stack_next = x->recovery = 0;
    for (unsigned i = 0; i < DMA_RUNS; i++) {
        x->dma[i].taken = false;
        x->rights.budget -= x->dma[i].pages; /* the slot's DMA runs count as used */
    }
    if (x->rights.budget > r.budget)
        x->rights.budget = 0; /* the runs are more than the manifest allows */
    frames_promised += x->rights.budget;
    if (r.rights & RIGHT_PM)
        process_manager = x;
    if (r.rights & RIGHT_SCHED)
        sched_policy = a[0];
    return 0;
}

int64_t sys_service_load(struct thread *t, const uint64_t *a)
{
    struct task *x = slot_task(a[0]);
    vaddr_t va = a[1], from = a[2];
    if (!x || !x->space)
        return -ESRCH;
    if (!a[3] || !range_within(va, a[3], USER_TOP) || (a[4] & PAGE_WRITE && a[4] & PAGE_EXEC))
        return -EINVAL;
    bool used = x->messages; /* false: all its pages are new, and zero */
    int error = space_commit(x, PAGE_DOWN(va), PAGE_UP(va % PAGE_SIZE + a[3]) / PAGE_SIZE, a[4]);
    for (uint64_t left = from || used ? a[3] : 0; left && !error;) {
        uint64_t now = PAGE_SIZE - va % PAGE_SIZE < left ? PAGE_SIZE - va % PAGE_SIZE : left;
        void *to = space_byte(x->space, va, false);
        error = !to    ? -EFAULT
                : from ? space_read(t->space, from, to, now)
                       : (memset(to, 0, now), 0);
        va += now, from += from ? now : 0, left -= now;
    }
    return error;
}

static int start(struct task *x, vaddr_t ip, uint64_t argument)
{
    int64_t error = service_thread(x, ip, argument);
    return error < 0 ? (int)error : 0;
}

int64_t service_thread(struct task *x, vaddr_t ip, uint64_t argument)
{
    if (!x->stack_next)
        x->stack_next = STACK_TOP - layout_random(STACK_CHOICES) * SERVICE_STACK_SPAN;
    struct thread *n = thread_create(x);
    if (!n)
        return -ENOMEM;
    int error = space_commit(x, x->stack_next - SERVICE_STACK_PAGES * PAGE_SIZE,
                             SERVICE_STACK_PAGES, PAGE_READ | PAGE_WRITE);
    if (error) {
        thread_kill(n);
        return error;
    }
    arch_regs_init(&n->regs, ip, x->stack_next - 8, argument);
    n->iret = 1;
    int64_t made = x->stack_next | n->index;
    x->stack_next -= SERVICE_STACK_SPAN;
    sched_ready(n);
    return made;
}

int64_t sys_service_start(struct thread *t, const uint64_t *a)
{
    struct task *x = slot_task(a[0]);
    return x && x->space && !x->threads ? start(x, a[1], a[2]) : -ESRCH;
}

static void stop_threads(struct task *x)
{
    while (x->threads)
        thread_kill(x->threads);
    x->active = NULL;
    x->entry.first = x->receivers = NULL;
    x->spare = x->servers = 0;
    ipc_orphan(x);
    x->stack_next = x->recovery = 0;
    x->crash = CRASH_NONE;
}

/* Ends x's threads for a successor that takes its memory over. -EBUSY while one of them has
 * something in hand: all must wait for the next message, unless x has not come up. */
static int64_t hand_over(struct task *x)
{
    if (!x->space)
        return -ESRCH;
    for (struct thread *t = x->threads; t && x->recovery; t = t->siblings)
        if (t->state != THREAD_RECEIVING)
            return -EBUSY;
    stop_threads(x);
    /* the successor's code and constants stand elsewhere */
    space_release(x, x->rights.slide + SERVICE_STATE);
    return 0;
}

void service_stop(struct task *x)
{
    stop_threads(x);
    irq_forget(x);
    clock_alarm(x, 0);
    x->pending = 0;
    x->published_length = 0;
    if (x->space) {
        space_release(x, USER_TOP);
        frames_promised -= frames_promised < x->rights.budget ? frames_promised : x->rights.budget;
        space_drop(x->space);
        x->space = NULL;
    }
    if (x->conns) {
        conn_table_drop(x->conns);
        x->conns = NULL;
    }
    x->dead = 1;
}

/* Nothing will serve in this slot any more: calls that wait end with -ENXIO, and so do later ones
 * (ipc_send). */
static void refuse_callers(struct task *x)
{
    x->refuses = 1;
    while (x->mail_first) {
        struct mail *m = x->mail_first;
        if (m->kind == MAIL_CALL) {
            struct thread *c = CONTAINER(m, struct thread, mail);
            ipc_withdraw(c);
            ipc_finish(c, -ENXIO);
        } else {
            x->mail_first = m->next;
            mail_released(CONTAINER(m, struct conn, mail));
        }
    }
}

/* ---- failure ---- */

static struct thread *served(const struct task *x, const struct thread *t)
{
    return t->serving ? mail_held(t->serving, x) : NULL;
}

call_t service_serving(struct task *x)
{
    const struct thread *t = sched_active(x);
    const struct thread *c = t ? served(x, t) : NULL;
    return c ? c->call : 0;
}

/* Logs t's registers, the request it serves, and the words of its stack that look like return
 * addresses. Addresses of the program are printed as they were linked. */
static void last_words(struct task *x, struct thread *t)
{
    const struct regs *r = &t->regs;
    struct thread *c = served(x, t);
    vaddr_t slide = x->rights.slide;
    kprintf("  rip %lx rsp %lx rax %lx rdi %lx rsi %lx rdx %lx rbx %lx rbp %lx\n", r->rip - slide,
            r->rsp, r->rax, r->rdi, r->rsi, r->rdx, r->rbx, r->rbp);
    if (c)
        kprintf("  serving operation %lx of %s, thread %u: object %lx words %lx %lx %lx\n", c->op,
                c->task->service ? c->task->name : "a program", c->index, c->object, c->words[0],
                c->words[1], c->words[2]);
    kprintf("  stack:");
    for (vaddr_t at = r->rsp, n = 0; n < 24; n++, at += 8) {
        uint64_t word;
        if (space_read(x->space, at, &word, sizeof word) < 0)
            break;
        if (word - slide - SERVICE_LINKED < CODE_MOST)
            kprintf(" %lx", word - slide);
    }
    kprintf("\n");
}

/* Whether t was stopped where nothing is to be taken back (libservice/stubs.S); *how becomes what x
 * has registered. */
static bool settled(struct task *x, const struct thread *t, struct recovery *how)
{
    if (space_read(x->space, x->recovery, how, sizeof *how) < 0)
        return false;
    for (unsigned i = 0; i < sizeof how->settled / sizeof how->settled[0]; i++)
        if (t->regs.rip >= how->settled[i].from && t->regs.rip < how->settled[i].to)
            return true;
    return false;
}

/* Thaws a frozen service; its running thread begins at its recovery entry, unless settled. 0;
 * -ESRCH: x has registered none. */
static int resume(struct task *x, enum resume why)
{
    struct thread *t = sched_active(x);
    struct recovery how = { 0 };
    if (t && !settled(x, t, &how)) {
        if (!how.entry)
            return -ESRCH;
        arch_regs_init(&t->regs, how.entry, 0, t->index);
        t->regs.rsi = why;
        t->iret = 1;
    }
    x->crash = CRASH_NONE;
    sched_thaw(x);
    return 0;
}

/* Whether, and how, the manager goes on after its death, by its own rules for other services
 * (pm/rs/policy.c). */
static bool manager_resumes(struct task *x, enum crash crash, enum resume *how)
{
    static uint64_t messages;
    static unsigned deaths; /* by its own fault, since its last message */
    deaths = x->messages == messages ? deaths : 0;
    messages = x->messages;
    deaths += crash != CRASH_KILLED;
    *how = deaths > 1 ? RESUME_FAILING : RESUME_AGAIN;
    return crash != CRASH_UNRECOVERABLE && deaths <= MANAGER_DEATHS_MOST;
}

/* The manager's code and constants are written anew, and it is rolled back as other services
 * are. */
static void resume_manager(struct task *x)
{
    enum resume how;
    if (!x->recovery)
        panic(sched_active(x) ? &sched_active(x)->regs : NULL,
              "the service manager does not come up");
    service_reload_first(x);
    if (manager_resumes(x, x->crash, &how) && resume(x, how) == 0) {
        /* a notification of another death may have been lost just now */
        mail_notify(x, 1ul << NOTIFY_TASK_DIED);
        return;
    }
    kprintf("the service manager is lost: the machine stops in %u seconds\n", LOST_SECONDS);
    ipc_orphan(x);
    refuse_callers(x);
    lost_at = arch_time();
}

static void freeze(struct task *x, enum crash why)
{
    sched_freeze(x);
    trace_event(TRACE_FROZEN, x, why);
    x->crash = why;
    if (endpoint_index(x->endpoint) == SLOT_MANAGER)
        resume_manager(x);
    else
        mail_notify(tasks[SLOT_MANAGER], 1ul << NOTIFY_TASK_DIED);
}

/* For the tests, which kill services at any instruction: the manager kills the others, the kernel
 * the manager. */
static void strike(struct task *x)
{
    static unsigned count;
    if (!x->active)
        return;
    freeze(x, CRASH_KILLED);
    if (++count % STRIKES_TOLD == 0)
        kprintf("the manager has been killed %u times\n", count);
}

/* The manager looks at all services every 60 ms; the kernel checks four times a second that it
 * does. When it is lost, the machine stops LOST_SECONDS later, when file servers have written what
 * they hold. */
void service_watch(uint64_t now)
{
    static uint64_t messages = ~0ul, hung_at;
    struct task *x = tasks[SLOT_MANAGER];
    if (lost_at && now - lost_at > LOST_SECONDS * SECOND)
        log_halt(HALT_FAILED);
    if (lost_at || !x || !x->recovery)
        return;
    if (service_strikes) {
        strike(x);
    } else if (x->messages == messages && !x->active) {
        mail_notify(x, 1ul << NOTIFY_TASK_DIED);
    } else if (x->messages == messages) {
        kprintf("service %s (thread %u) does not come back\n", x->name, x->active->index);
        last_words(x, x->active);
        /* one stop may be the host's doing, two within a second are not */
        freeze(x, hung_at && now - hung_at < SECOND ? CRASH_HUNG : CRASH_KILLED);
        hung_at = now;
    }
    messages = x->messages;
}

void service_fault(struct thread *t, uint64_t vector, uint64_t error, vaddr_t address)
{
    struct task *x = t->task;
    kprintf("service %s (thread %u) failed: processor exception %lu, error %lx, address %lx\n",
            x->name, t->index, vector, error, address);
    last_words(x, t);
    freeze(x, CRASH_FAULT);
}

void service_violation(struct thread *t, uint64_t number)
{
    struct task *x = t->task;
    const struct regs *r = &t->regs;
    if (x->violations++ < VIOLATIONS_LOGGED)
        kprintf("service %s (thread %u) is refused what its manifest does not allow: kernel call "
                "%lu (%lx, %lx, %lx)\n",
                x->name, t->index, number, r->rdi, r->rsi, r->rdx);
    if (x->rights.tolerated)
        return;
    last_words(x, t);
    freeze(x, CRASH_VIOLATION);
}

void service_exit(struct thread *t, enum exit how)
{
    kprintf("service %s (thread %u) gave up%s\n", t->task->name, t->index,
            how == EXIT_UNRECOVERABLE ? " and cannot be rolled back" : "");
    last_words(t->task, t);
    freeze(t->task, how == EXIT_UNRECOVERABLE ? CRASH_UNRECOVERABLE : CRASH_EXIT);
}

/* Freezes x at whatever instruction it has got to: killed, or (hangs) hung. t, the caller, may be a
 * thread of x itself. */
static int64_t kill_frozen(struct thread *t, struct task *x, bool hangs)
{
    if (!x->space || !x->threads)
        return -ESRCH;
    if (x == t->task)
        t->regs.rax = 0; /* x is rolled back to the end of this very call, whose result is 0 */
    if (hangs && x->active) {
        kprintf("service %s (thread %u) does not come back\n", x->name, x->active->index);
        last_words(x, x->active);
    }
    if (!x->crash)
        freeze(x, hangs ? CRASH_HUNG : CRASH_KILLED);
    return 0;
}

int64_t sys_service_kill(struct thread *t, const uint64_t *a)
{
    struct task *x = slot_task(a[0]);
    if (x && (a[1] == KILL_FREEZE || a[1] == KILL_HUNG))
        return kill_frozen(t, x, a[1] == KILL_HUNG);
    if (!x || x == t->task)
        return -ESRCH;
    if (a[1] == KILL_HAND_OVER)
        return hand_over(x);
    service_stop(x);
    if (a[1] == KILL_REFUSE)
        refuse_callers(x);
    return 0;
}

int64_t sys_service_resume(struct thread *t, const uint64_t *a)
{
    struct task *x = slot_task(a[0]);
    if (!x || !x->crash || !x->recovery || x->crash == CRASH_UNRECOVERABLE)
        return -ESRCH;
    return resume(x, a[1]);
}

int64_t sys_service_fail(struct thread *t, const uint64_t *a)
{
    struct task *x = slot_task(a[0]);
    struct thread *c = x ? mail_held(a[1], x) : NULL;
    if (!c)
        return -ESRCH;
    ipc_finish(c, -EIO);
    return 0;
}

int64_t sys_ready(struct thread *t, const uint64_t *a)
{
    t->task->recovery = a[0];
    t->task->protocols = a[1];
    mail_serves(t->task, a[2]);
    return 0;
}

/* The module's pages appear read-only in the manager's space, at a fixed distance from their place
 * in physical memory. */
int64_t sys_module(struct thread *t, const uint64_t *a)
{
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
        if (tasks[i] && !tasks[i]->refuses && strncmp(tasks[i]->name, name, sizeof name) == 0)
            return i;
    return -ENOENT;
}

/* ---- the first service ---- */

/* the manager's program, in its boot module */
static const struct elf_header *first_elf;

/* Loads the segments of first_elf into x; pages that are there already are written over. constant:
 * only those segments that x itself never writes. 0 or -ENOMEM. */
static int load_first(struct task *x, bool constant)
{
    const char *file = (const char *)first_elf;
    const struct elf_segment *s = (const void *)(file + first_elf->segments_at);
    for (const struct elf_segment *end = s + first_elf->segment_count; s < end; s++) {
        if (s->type != ELF_LOAD || (constant && s->flags & ELF_W))
            continue;
        vaddr_t first = PAGE_DOWN(s->address);
        uint32_t protection = PAGE_READ | (s->flags & ELF_W ? PAGE_WRITE : 0) |
                              (s->flags & ELF_X ? PAGE_EXEC : 0);
        int error = space_commit(x, first, PAGE_UP(s->address - first + s->memory_size) / PAGE_SIZE,
                                 protection);
        if (error)
            return error;
        for (uint64_t done = 0, now; done < s->file_size; done += now) {
            now = PAGE_SIZE - (s->address + done) % PAGE_SIZE;
            now = now < s->file_size - done ? now : s->file_size - done;
            copy_bytes(space_byte(x->space, s->address + done, false), file + s->offset + done,
                       now);
        }
    }
    return 0;
}

__attribute__((noipa)) /* debuggers break here, so it keeps its name */
int service_load_first(const struct module *m)
{
    struct task *x = task_create(SLOT_MANAGER, "rs");
    first_elf = phys_to_virt(m->at);
    if (!elf_sound(first_elf, m->size))
        return -ENOEXEC;
    if (!x || !(x->space = space_create()))
        return -ENOMEM;
    x->rights = (struct service_rights){ .rights = RIGHT_RS | RIGHT_INFO,
                                         .budget = MANAGER_BUDGET,
                                         .slide = m->slide };
    x->priority = x->rights.priority;
    frames_promised += MANAGER_BUDGET;
    int error = load_first(x, false);
    return error ? error : start(x, first_elf->entry, 0);
}

void service_reload_first(struct task *x) { load_first(x, true); }
