/* Core files: a process that ends by certain signals leaves its memory to debuggers (core(5);
 * Linux, fs/coredump.c).
 *
 * The process itself writes the file: with its own rights, in its own time, and charged for all
 * that it takes. The thread that has taken the signal is held in an event of the kernel. This
 * service makes up system calls for that thread, one by one (thread_make_call): open, then pwrite
 * of pieces of the thread's own memory. KERNEL_SIGNAL brings the thread back with the result. So a
 * message here is one small step, no service waits for the program, a page that is missing is
 * brought as for any call, and SIGKILL ends the process between two steps or in a call. No
 * instruction of the program runs any more. Names, headers and notes, which are not in the
 * program's memory, go by some pages that the thread maps first. If a server dies its calls are
 * made again, or fail and the file ends there.
 *
 *   state     the call that has been made           then
 *   GATHER    none: the threads come in, and stand still; a timer looks as well, for what moves
 *             none of them
 *   MAP       mmap: pages for this service          counting the regions
 *   COUNT     sched_yield, where there are many     the name
 *   UNLINK    unlink: what has the name             opening
 *   OPEN      open: a new file                      a look at the file, truncation
 *   EMPTY     ftruncate                             ELF's header
 *   SEGMENTS  pwrite: header, table of segments     notes
 *   NOTES     pwrite                                pages
 *   PAGES     pwrite: what is there of each region  the file's length
 *   SIZE      ftruncate                             closing
 *   CLOSE     close                                 giving the pages back
 *   UNMAP     munmap                                the end of the process
 *
 * Whatever fails leads to CLOSE or UNMAP. Here the process is held and its thread makes the calls;
 * core_steps.c says which. The file's parts follow each other:
 *
 *     header | table: notes, regions | notes | page boundary: what is kept of each region */
#include "core.h"

#include "core_steps.h"
#include "delivery.h"
#include "share.h"
#include "syscalls.h"

enum { CORES = 64, DUMPED = 0x80 };
enum { LOOK_NS = 20000000, PATIENCE_NS = 2000000000 };

static struct share core_share = SHARE(CORES, CORES / 8, CORES / 4);

/* ---- the thread that makes the calls ---- */

static void make_call(struct core *c)
{
    struct thread *t = c->thread;
    struct regs r = c->regs;
    const uint64_t *w = c->call;
    r.rax = w[0], r.rdi = w[1], r.rsi = w[2], r.rdx = w[3], r.r10 = w[4], r.r8 = w[5], r.r9 = w[6];
    sys_regs_set(t->index, &r, 0);
    ask_thread_set(t->index, THREAD_REPORTS, true);
    t->interrupting = true; /* nothing is to cancel the call */
    thread_make_call(t);
}

/* Goes on, the last call has had this result; or ends the process. May wait. */
static void go_on(struct core *c, int64_t result)
{
    struct process *p = c->process;
    struct thread *t = c->thread;
    struct work *w = memory_alloc(sizeof *w);
    p->busy++;
    bool more = w && core_step(c, w, result);
    memory_free(w);
    p->busy--;
    p->fatal = c->info.signo | (c->written ? DUMPED : 0);
    if (p->doomed) {
        p->doomed = 0;
        process_end(p, p->fatal);
    } else if (more) {
        make_call(c);
    } else {
        sys_regs_set(t->index, &c->regs, 0);
        thread_dies(t, p->fatal);
    }
}

/* ---- all threads come in ---- */

static bool all_in(const struct core *c)
{
    if (!c->held || c->calls_in)
        return false;
    for (const struct thread *t = c->process->threads; t; t = t->next)
        if (t != c->thread && (t->place == THREAD_AWAY || t->place == THREAD_HANDLED))
            return false;
    return true;
}

/* Begins with the calls when all threads stand still; also when one does not come: it can do no
 * more than end the call that it has made, for then it comes. May wait. */
static void look(struct timer *timer)
{
    struct core *c = CONTAINER(timer, struct core, timer);
    bool late = c->held && time_now() - c->since > PATIENCE_NS;
    if (c->state != GATHER)
        return;
    if (!all_in(c) && !late) {
        timer_set(timer, time_now() + LOOK_NS, look);
        return;
    }
    timer_cancel(timer);
    go_on(c, 0);
}

static bool wanted(const struct process *p, const struct thread *t, int sig)
{
    const uint64_t signals = BIT(SIGQUIT) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGABRT) |
                             BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGSEGV) | BIT(SIGXCPU) |
                             BIT(SIGXFSZ) | BIT(SIGSYS);
    return signals & BIT(sig) && t && p->i.dumpable && p != init_process && !p->changes &&
           p->i.limits[RLIMIT_CORE].soft >= PAGE_SIZE;
}

bool core_begin(struct process *p, struct thread *t, const struct siginfo *info)
{
    if (p->core)
        return true;
    if (!wanted(p, t, info->signo) || share_take(&core_share, p->i.uid, 1, -ENOMEM))
        return false;
    struct core *c = memory_zalloc(sizeof *c);
    if (!c) {
        share_give(&core_share, p->i.uid, 1);
        return false;
    }
    c->process = p;
    c->thread = t;
    c->info = *info;
    c->user = p->i.uid;
    c->limit = p->i.limits[RLIMIT_CORE].soft;
    c->number = NO_SYSCALL;
    c->since = time_now();
    c->calls_in = true;
    p->core = c;
    p->fatal = info->signo;
    p->stopped = 0;
    for (struct thread *x = p->threads; x; x = x->next)
        thread_call_in(x);
    if (t->place == THREAD_STOPPED) {
        t->place = THREAD_HANDLED;
        thread_finish(t, t->result);
    }
    c->calls_in = false;
    timer_set(&c->timer, c->since + LOOK_NS, look);
    return true;
}

/* The thread of the signal has come, for the first time in an event. */
static void hold(struct core *c)
{
    struct thread *t = c->thread;
    c->held = true;
    ask_regs_get(t->index, &c->regs, NULL);
    if (t->number != NO_SYSCALL) { /* a signal has interrupted this call */
        c->number = t->number;
        c->regs.rax = -ERESTARTSYS;
    }
    look(&c->timer);
}

int64_t core_attend(struct thread *t, int64_t result)
{
    struct core *c = t->process->core;
    struct regs r;
    if (t != c->thread) {
        t->place = THREAD_STOPPED;
        t->result = result;
        if (all_in(c))
            look(&c->timer);
    } else if (!t->in_event) {
        if (c->state == GATHER)
            c->number = t->number;
        thread_come_back(t, result);
    } else if (c->state == GATHER) {
        hold(c);
    } else if (t->number != NO_SYSCALL || ask_regs_get(t->index, &r, NULL) < 0) {
        make_call(c); /* it was interrupted */
    } else {
        go_on(c, r.rax);
    }
    return LATER;
}

bool core_writes(const struct thread *t)
{
    return t->process->core && t->process->core->thread == t;
}

void core_forget(struct process *p)
{
    struct core *c = p->core;
    if (!c)
        return;
    p->core = NULL;
    timer_cancel(&c->timer);
    share_give(&core_share, c->user, 1);
    memory_free(c);
}
