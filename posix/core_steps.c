/* Core files: the steps. Each takes the result of the state's call, and says which call is next;
 * what the states are stands in core.c. */
#include "core_steps.h"

#include "core_name.h"
#include "delivery.h"
#include "rusage.h"
#include "syscalls.h"
#include "trace.h"
#include <minnow/context.h>
#include <minnow/elf.h>
#include <minnow/file.h>

enum { LOOKS_AT_ONCE = 16, REGIONS_MOST = 0xff00 };
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
_Static_assert(LIST * sizeof(struct elf_segment) <= PAGE_SIZE, "a piece holds the entries");

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

/* ---- the steps ---- */

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
        unsigned got = core_regions(c, w->list, LIST, &last);
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
        unsigned n = MIN(i->arguments.end - i->arguments.at, sizeof arguments - 1);
        if (ask_peek(i->task, i->arguments.at, arguments, n) >= 0)
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
        got = core_regions(c, w->list, MIN((unsigned)LIST, c->count - c->done), &last);
    for (unsigned i = 0; i < got; i++) {
        uint64_t bytes = core_bytes_kept(c, &w->list[i]);
        n += core_segment(w->piece + n, &w->list[i], c->data_at, bytes);
        c->data_at += bytes;
    }
    c->done += got;
    if (n)
        return will_write_piece(c, SEGMENTS, w->piece, n);
    c->file_at = notes_at(c);
    return notes(c, w);
}

static bool pages(struct core *c, struct work *w)
{
    (void)w;
    for (unsigned n = 0; n < LOOKS_AT_ONCE; n++) {
        if (c->at >= c->stop && !core_region_next(c))
            return will_call(c, SIZE, NR_FTRUNCATE, c->fd, MIN(c->data_at, c->limit), 0, 0);
        uint64_t bytes = c->at < c->stop ? core_pages_next(c) : 0;
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

bool core_step(struct core *c, struct work *w, int64_t result)
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
