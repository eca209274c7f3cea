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
 * Whatever fails leads to CLOSE or UNMAP. The file's parts follow each other:
 *
 *     header | table: notes, regions | notes | page boundary: what is kept of each region */
#include "core.h"

#include "core_file.h"
#include "core_name.h"
#include "delivery.h"
#include "rusage.h"
#include "share.h"
#include "syscalls.h"
#include "trace.h"
#include <minnow/context.h>
#include <minnow/elf.h>
#include <minnow/file.h>

enum { CORES = 64 };
enum { LOOK_NS = 20000000, PATIENCE_NS = 2000000000 };
enum { SCRATCH = 2 * PAGE_SIZE, LIST = 32, LOOKS_AT_ONCE = 16, REGIONS_MOST = 0xff00 };
enum { BYTES_AT_ONCE = 64 * PAGE_SIZE, DUMPED = 0x80 };
enum {
    NR_OPEN = 2,
    NR_CLOSE = 3,
    NR_MMAP = 9,
    NR_MUNMAP = 11,
    NR_PWRITE = 18,
    NR_YIELD = 24,
    NR_FTRUNCATE = 77,
    NR_UNLINK = 87,
};
enum { MAPPING = 0x8022 /* MAP_PRIVATE, MAP_ANONYMOUS, MAP_POPULATE */ };
/* of /proc/N/coredump_filter */
enum { PRIVATE = 1, SHARED = 2, FILE_PRIVATE = 4, FILE_SHARED = 8, ELF_HEADS = 16 };

enum state { GATHER, MAP, COUNT, UNLINK, OPEN, EMPTY, SEGMENTS, NOTES, PAGES, SIZE, CLOSE, UNMAP };

struct core {
    struct process *process;
    struct thread *thread; /* which has taken the signal and makes the calls */
    struct siginfo info;
    uint32_t user; /* who is charged for this */
    uint8_t state;
    bool held, calls_in; /* GATHER: the thread is held in an event; the others are being called */
    bool full;           /* the piece at hand is the last that RLIMIT_CORE lets through */
    bool written;        /* the file has a beginning: WCOREDUMP */
    struct timer timer;
    uint64_t since;    /* when it began */
    struct regs regs;  /* the thread's, when it took the signal, */
    uint64_t number;   /* and the number of its system call, or NO_SYSCALL */
    uint64_t call[7];  /* the one at hand: number and arguments */
    uint64_t limit;    /* RLIMIT_CORE */
    caller_t scratch;  /* the mapped pages */
    int fd;            /* the file */
    unsigned threads;  /* of which notes tell, */
    unsigned noted;    /* and so many have been told of */
    caller_t auxv_at;  /* the auxiliary vector, */
    unsigned auxv;     /* so many bytes */
    unsigned count;    /* regions that the table tells of */
    unsigned done;     /* those that have been dealt with in this state */
    vaddr_t next;      /* where the next region is looked for */
    uint64_t file_at;  /* where the next piece of header and notes goes */
    uint64_t first_at; /* where the first region's pages go, */
    uint64_t data_at;  /* and those of the next one */
    vaddr_t at, stop;  /* PAGES: what is left of the region at hand */
    uint64_t base;     /* file offset - address of a byte of it */
    bool whole;        /* of which absent pages are kept too */
    unsigned shows;    /* regions that show the program's file, */
    struct pm_region files[CORE_FILES];
    char program[PROC_EXE]; /* and its name */
};

/* What a step needs for a moment. */
struct work {
    struct pm_region list[LIST];
    char piece[PAGE_SIZE];
    uint8_t fpu[FPU_SIZE];
};
_Static_assert(LIST * sizeof(struct elf_segment) <= PAGE_SIZE, "a piece holds the entries");

static struct share core_share = SHARE(CORES, CORES / 8, CORES / 4);

/* ---- calls ---- */

/* Makes this the next call of the thread. Returns true. */
static bool will_call(struct core *c, enum state state, uint64_t number, uint64_t a, uint64_t b,
                      uint64_t d, uint64_t e)
{
    const uint64_t call[] = { number, a, b, d, e, ~0ul, 0 };
    memcpy(c->call, call, sizeof call);
    c->state = state;
    return true;
}

static bool will_unmap(struct core *c)
{
    return will_call(c, UNMAP, NR_MUNMAP, c->scratch, SCRATCH, 0, 0);
}

static bool will_close(struct core *c) { return will_call(c, CLOSE, NR_CLOSE, c->fd, 0, 0, 0); }

/* Lets the thread take its turn with others. */
static bool will_go_on(struct core *c, enum state state)
{
    return will_call(c, state, NR_YIELD, 0, 0, 0, 0);
}

/* The thread writes so many of its bytes, as far as the limit lets it. */
static bool will_write(struct core *c, enum state state, caller_t from, uint64_t bytes, uint64_t to)
{
    uint64_t room = to < c->limit ? c->limit - to : 0;
    c->full = bytes > room;
    bytes = MIN(bytes, room);
    return bytes ? will_call(c, state, NR_PWRITE, c->fd, from, bytes, to) : will_close(c);
}

/* Puts bytes into the pages for this service. Whether they are there. May wait. */
static bool leave_bytes(struct core *c, const void *bytes, size_t length)
{
    endpoint_t task = c->process->i.task;
    return ask_poke(task, c->scratch, bytes, length) >= 0 ||
           trace_memory(task, c->scratch, (void *)bytes, length, MEMORY_WRITE) == (int64_t)length;
}

/* The thread writes a piece of header or notes. */
static bool will_write_piece(struct core *c, enum state state, const char *piece, size_t length)
{
    return leave_bytes(c, piece, length) ? will_write(c, state, c->scratch, length, c->file_at)
                                         : will_close(c);
}

/* ---- regions ---- */

/* Tells of regions from c->next on, up to `places` of them; *last: there are no more. The pages for
 * this service are left out. Returns how many. May wait. */
static unsigned regions(struct core *c, struct pm_region *list, unsigned places, bool *last)
{
    int64_t n = call_window(
        service_find("pm"),
        &(struct call_args){ .op = PM_REGIONS, .w0 = c->process->i.task, .w3 = c->next },
        WINDOW_OUT, list, places * sizeof list[0], NULL);
    unsigned kept = 0;
    *last = n < (int64_t)places;
    for (int64_t i = 0; i < n; i++) {
        c->next = list[i].end;
        if (list[i].start != c->scratch || list[i].end != c->scratch + SCRATCH)
            list[kept++] = list[i];
    }
    return kept;
}

/* How many bytes of a region the file keeps. (Linux: vma_dump_size.) */
static uint64_t bytes_kept(const struct core *c, const struct pm_region *r)
{
    uint32_t filter = c->process->i.core_filter;
    uint64_t all = r->end - r->start;
    bool shared = r->flags & PM_REGION_SHARED;
    if (r->flags & PM_REGION_FIXED)
        return r->protection & PAGE_EXEC ? all : 0;
    if (!r->protection || r->flags & PM_REGION_NOT_DUMPED)
        return 0;
    if (!r->service)
        return filter & (shared ? SHARED : PRIVATE) ? all : 0;
    if (filter & (shared ? FILE_SHARED : FILE_PRIVATE) ||
        (r->flags & PM_REGION_CHANGED && filter & PRIVATE))
        return all;
    return !shared && filter & ELF_HEADS && !r->offset ? PAGE_SIZE : 0;
}

/* ---- the steps: each takes the result of the state's call, and says which is next ---- */

static uint64_t notes_at(const struct core *c)
{
    return sizeof(struct elf_header) + (c->count + 1) * sizeof(struct elf_segment);
}

static uint64_t files_bytes(const struct core *c)
{
    size_t each = 3 * sizeof(uint64_t) + strlen(c->program) + 1;
    return c->shows ? NOTE_HEAD + ((2 * sizeof(uint64_t) + c->shows * each + 3) & ~3ul) : 0;
}

static uint64_t notes_bytes(const struct core *c)
{
    return c->threads * (NOTE_STATUS + NOTE_FPU) + NOTE_PROCESS + NOTE_SIGINFO + NOTE_HEAD +
           c->auxv + files_bytes(c);
}

static bool names(struct core *c)
{
    char name[CORE_NAME];
    size_t length = core_name(name, c->process, c->thread, c->info.signo);
    c->done = c->next = 0;
    if (!length || !leave_bytes(c, name, length + 1))
        return will_unmap(c);
    return will_call(c, UNLINK, NR_UNLINK, c->scratch, 0, 0, 0);
}

/* A process at its limit of descriptors gets one more. */
static bool opens(struct core *c)
{
    ask_task_set(c->process->i.task, TASK_DESCRIPTORS, DESCRIPTORS_MAX);
    return will_call(c, OPEN, NR_OPEN, c->scratch,
                     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_LARGEFILE, 0600, 0);
}

static bool counts(struct core *c, struct work *w)
{
    const struct posix_proc *i = &c->process->i;
    bool last = false;
    for (unsigned n = 0; n < LOOKS_AT_ONCE && !last; n++) {
        unsigned got = regions(c, w->list, LIST, &last);
        for (unsigned k = 0; k < got && c->shows < CORE_FILES; k++)
            if (w->list[k].service && w->list[k].service == i->exe_service &&
                w->list[k].object == i->exe_object)
                c->files[c->shows++] = w->list[k];
        c->count += got;
    }
    if (!last && c->count < REGIONS_MOST)
        return will_go_on(c, COUNT);
    c->count = MIN(c->count, (unsigned)REGIONS_MOST);
    return names(c);
}

/* The auxiliary vector, with its last pair. */
static void find_auxv(struct core *c)
{
    struct pm_usage u;
    uint64_t pair[2] = { 1 };
    process_usage(c->process, &u);
    c->auxv_at = u.at.auxv;
    while (u.at.auxv && pair[0] && c->auxv < CORE_AUXV &&
           ask_peek(c->process->i.task, u.at.auxv + c->auxv, pair, sizeof pair) >= 0)
        c->auxv += sizeof pair;
}

static void find_program(struct core *c)
{
    const struct posix_proc *i = &c->process->i;
    memcpy(c->program, i->exe_name, sizeof c->program);
    int64_t n = call_window(service_find("vfs"),
                            &(struct call_args){ .op = VFS_PATH,
                                                 .w0 = i->task,
                                                 .w3 = VFS_PATH_PROGRAM,
                                                 .w4 = i->exe_service,
                                                 .w5 = i->exe_object,
                                                 .object = i->exe_dir },
                            WINDOW_OUT, c->program, sizeof c->program - 1, NULL);
    c->program[n > 0 ? n : 0] = 0;
}

/* A process at its limits of memory gets some pages more. May wait. */
static void limit_memory(const struct core *c, bool limited)
{
    static const struct {
        unsigned linux_number, pm;
    } limits[] = { { RLIMIT_AS, PM_LIMIT_AS }, { RLIMIT_DATA, PM_LIMIT_DATA } };
    const struct posix_proc *i = &c->process->i;
    for (unsigned n = 0; n < ARRAY_SIZE(limits); n++) {
        uint64_t own = i->limits[limits[n].linux_number].soft;
        if (own != ~0ul)
            call(service_find("pm"), PM_LIMIT, i->task, limits[n].pm, limited ? own : ~0ul, 0);
    }
}

static bool maps(struct core *c)
{
    limit_memory(c, false);
    return will_call(c, MAP, NR_MMAP, 0, SCRATCH, PAGE_READ | PAGE_WRITE, MAPPING);
}

static bool mapped(struct core *c, struct work *w, int64_t result)
{
    limit_memory(c, true);
    if (result < 0)
        return false;
    c->scratch = result;
    find_auxv(c);
    for (const struct thread *t = c->process->threads; t; t = t->next)
        c->threads++;
    if (c->process->i.exe_dir)
        find_program(c);
    return counts(c, w);
}

/* Whether the open file may be overwritten with the memory. (Linux: do_coredump.) May wait. */
static bool is_fit(const struct core *c)
{
    struct conn_info info;
    struct stat st;
    endpoint_t task = c->process->i.task;
    if (ask_conn_get(task, c->fd, &info) < 0 || info.flags & CONN_APART)
        return false;
    int64_t error = call_window(info.service,
                                &(struct call_args){ .op = FS_STAT, .object = info.object },
                                WINDOW_OUT, &st, sizeof st, NULL);
    return !error && S_ISREG(st.mode) && st.nlink == 1 && st.uid == c->process->i.fsuid &&
           (st.mode & 0677) == 0600;
}

static bool opened(struct core *c, int64_t result)
{
    const struct posix_proc *i = &c->process->i;
    ask_task_set(i->task, TASK_DESCRIPTORS, i->limits[RLIMIT_NOFILE].soft);
    if (result < 0)
        return will_unmap(c);
    c->fd = result;
    return is_fit(c) ? will_call(c, EMPTY, NR_FTRUNCATE, c->fd, 0, 0, 0) : will_close(c);
}

static bool emptied(struct core *c, struct work *w, int64_t result)
{
    if (result < 0)
        return will_close(c);
    c->first_at = c->data_at = PAGE_UP(notes_at(c) + notes_bytes(c));
    size_t n = core_header(w->piece, c->count + 1, notes_at(c), notes_bytes(c));
    return will_write_piece(c, SEGMENTS, w->piece, n);
}

/* Whether a piece has been written, and another one may follow. */
static bool piece_done(struct core *c, int64_t result)
{
    c->written |= result > 0;
    if (result != (int64_t)c->call[3] || c->full)
        return false;
    c->file_at += result;
    return true;
}

/* The notes of one thread; of the first they stand around those of the process. */
static size_t thread_notes(struct core *c, struct work *w, const struct thread *t)
{
    struct user_regs u;
    struct regs r;
    bool first = t == c->thread;
    const struct posix_proc *i = &c->process->i;
    int64_t size = ask_regs_get(t->index, &r, w->fpu);
    if (size < FXSAVE_SIZE) { /* what stood there before is nobody's business */
        memset(&r, 0, sizeof r);
        memset(w->fpu, 0, sizeof w->fpu);
    }
    if (first)
        r = c->regs;
    else if (t->number != NO_SYSCALL && t->place != THREAD_TRAPPED)
        r.rax = t->in_event || t->place != THREAD_STOPPED ? -ERESTARTSYS
                : t->result == REGISTERS                  ? (int64_t)r.rax
                                                          : t->result;
    user_regs_make(&u, &r, first ? c->number : t->number);
    user_fpu_make(w->fpu, size);
    char *to = w->piece;
    to += core_note_status(to, t, &c->info, &u);
    if (first) {
        char arguments[80] = "", auxv[CORE_AUXV] = "";
        unsigned n = MIN(i->argument_bytes, sizeof arguments - 1);
        if (ask_peek(i->task, i->strings_at, arguments, n) >= 0)
            for (unsigned k = 0; k + 1 < n; k++)
                arguments[k] = arguments[k] ? arguments[k] : ' ';
        ask_peek(i->task, c->auxv_at, auxv, c->auxv);
        to += core_note_process(to, c->process, arguments);
        to += core_note_siginfo(to, &c->info);
        to += core_note_auxv(to, auxv, c->auxv);
    }
    to += core_note_fpu(to, w->fpu);
    return to - w->piece;
}

/* The thread whose notes are next: that of the signal first. NULL: there is none any more. */
static const struct thread *next_noted(const struct core *c)
{
    unsigned n = c->noted;
    if (!n)
        return c->thread;
    for (const struct thread *t = c->process->threads; t; t = t->next)
        if (t != c->thread && --n == 0)
            return t;
    return NULL;
}

static bool pages(struct core *c, struct work *w);

static bool notes(struct core *c, struct work *w)
{
    const struct thread *t = c->noted < c->threads ? next_noted(c) : NULL;
    if (t) {
        c->noted++;
        return will_write_piece(c, NOTES, w->piece, thread_notes(c, w, t));
    }
    if (c->shows) {
        size_t n = core_note_files(w->piece, c->files, c->shows, c->program);
        c->shows = 0;
        return will_write_piece(c, NOTES, w->piece, n);
    }
    c->done = c->next = 0;
    c->data_at = c->first_at;
    return pages(c, w);
}

static bool segments(struct core *c, struct work *w)
{
    bool last = false;
    size_t n = 0;
    unsigned got = 0;
    while (!got && !last && c->done < c->count)
        got = regions(c, w->list, MIN((unsigned)LIST, c->count - c->done), &last);
    for (unsigned i = 0; i < got; i++) {
        uint64_t bytes = bytes_kept(c, &w->list[i]);
        n += core_segment(w->piece + n, &w->list[i], c->data_at, bytes);
        c->data_at += bytes;
    }
    c->done += got;
    if (n)
        return will_write_piece(c, SEGMENTS, w->piece, n);
    c->file_at = notes_at(c);
    return notes(c, w);
}

/* Goes on to the next region that has pages in the file. false: there is none. May wait. */
static bool region_next(struct core *c)
{
    struct pm_region r;
    bool last = false;
    while (!last && c->done < c->count) {
        if (!regions(c, &r, 1, &last))
            continue;
        uint64_t bytes = bytes_kept(c, &r);
        c->done++;
        c->at = r.start;
        c->stop = r.start + bytes;
        c->base = c->data_at - r.start;
        c->whole = r.service || r.flags & PM_REGION_FIXED;
        c->data_at += bytes;
        return true;
    }
    return false;
}

/* Finds the next pages of the region at hand. Returns how many bytes, from c->at on; 0: up to there
 * none is. May wait. */
static uint64_t pages_next(struct core *c)
{
    struct call_result r;
    if (c->whole)
        return MIN(c->stop - c->at, (uint64_t)BYTES_AT_ONCE);
    int64_t error = call_window(service_find("pm"),
                                &(struct call_args){ .op = PM_PAGES, .w0 = c->process->i.task },
                                WINDOW_NONE, (void *)c->at, c->stop, &r);
    c->at = error || r.r1 < c->at ? c->stop : MIN(r.r1, c->stop);
    return error || r.r2 < c->at ? 0 : MIN(MIN(r.r2, c->stop) - c->at, (uint64_t)BYTES_AT_ONCE);
}

static bool pages(struct core *c, struct work *w)
{
    (void)w;
    for (unsigned n = 0; n < LOOKS_AT_ONCE; n++) {
        if (c->at >= c->stop && !region_next(c))
            return will_call(c, SIZE, NR_FTRUNCATE, c->fd, MIN(c->data_at, c->limit), 0, 0);
        uint64_t bytes = c->at < c->stop ? pages_next(c) : 0;
        if (bytes)
            return will_write(c, PAGES, c->at, bytes, c->base + c->at);
    }
    return will_go_on(c, PAGES);
}

/* What could not be read stays a hole. */
static bool pages_done(struct core *c, int64_t result)
{
    if (c->call[0] != NR_PWRITE)
        return true;
    if (result == -EFAULT)
        result = PAGE_SIZE;
    else if (result <= 0 || result % PAGE_SIZE || (c->full && result == (int64_t)c->call[3]))
        return false;
    c->at += result;
    return true;
}

/* One step: the call of the state has had this result. false: nothing is left to be called. May
 * wait. */
static bool step(struct core *c, struct work *w, int64_t result)
{
    switch ((enum state)c->state) {
    case GATHER: return maps(c);
    case MAP: return mapped(c, w, result);
    case COUNT: return counts(c, w);
    case UNLINK: return opens(c);
    case OPEN: return opened(c, result);
    case EMPTY: return emptied(c, w, result);
    case SEGMENTS: return piece_done(c, result) ? segments(c, w) : will_close(c);
    case NOTES: return piece_done(c, result) ? notes(c, w) : will_close(c);
    case PAGES: return pages_done(c, result) ? pages(c, w) : will_close(c);
    case SIZE: return will_close(c);
    case CLOSE: return will_unmap(c);
    case UNMAP: return false;
    }
    return false;
}

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
    bool more = w && step(c, w, result);
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
