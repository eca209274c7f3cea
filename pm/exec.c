/* exec: a task gets a new space with a program in it.
 *
 * Everything is prepared beside the old space: files opened, headers checked, addresses chosen,
 * regions made. Until then an error leaves the caller as it was. commit() is the point of no
 * return: the old memory is dropped, and what fails later (memory that runs out) is -EOWNERDEAD,
 * which tells POSIX that there is nothing left to return to. A file that can not be mapped kills
 * the caller on Linux, where that is found out later; so it does here, by -EBADMSG. */
#include "arguments.h"
#include "frames.h"
#include "fault.h"
#include "file_fault.h"
#include "random.h"
#include "load.h"
#include "stack.h"

#define PIE_BASE  0x555555554000ul
#define STACK_MIN (128ul << 20) /* the least room for the stack below it */
/* bits of pages */
enum { STACK_RANDOM = 22, MMAP_RANDOM = 28, BRK_RANDOM = 13 };
enum { STACK_FIRST = 32 * PAGE_SIZE, ACCESS_RX = 5, CLOCK_TICKS = 100 };

extern const char vdso_start[], vdso_end[];

/* One exec at work. */
struct exec {
    endpoint_t task;
    struct pm_exec head;
    char *given; /* strings */
    struct arguments *arguments;
    struct image program, interpreter;
    struct space *space; /* the new one */
    struct stack stack;
    vaddr_t vdso; /* where it will be; 0: there is none */
};

static uint64_t random_pages(const struct exec *e, unsigned bits)
{
    return e->head.flags & PM_EXEC_NO_RANDOM ? 0 : (random_word() >> (64 - bits)) * PAGE_SIZE;
}

static uint64_t vdso_size(void) { return PAGE_UP((uint64_t)(vdso_end - vdso_start)); }

/* ---- what is asked for ---- */

static int request(struct message *m, struct exec *e)
{
    e->task = m->w[0];
    if (!space_of(e->task))
        return -ESRCH;
    if (m->w[2] < sizeof e->head || m->w[2] > sizeof e->head + PM_EXEC_GIVEN_MAX)
        return -E2BIG;
    int error = copy_in(m, 0, &e->head, sizeof e->head);
    if (error)
        return error;
    if (e->head.bytes > m->w[2] - sizeof e->head)
        return -EINVAL;
    e->given = memory_alloc(e->head.bytes + 1);
    if (!e->given)
        return -ENOMEM;
    error = e->head.bytes ? copy_in(m, sizeof e->head, e->given, e->head.bytes) : 0;
    if (error)
        return error;
    e->head.name[sizeof e->head.name - 1] = 0;
    if (!e->head.stack_limit)
        e->head.stack_limit = 8 << 20;
    return stack_strings(e->given, e->head.bytes, (uint64_t)e->head.argc + e->head.envc) ? 0
                                                                                         : -EINVAL;
}

static int open_interpreter(struct exec *e)
{
    struct call_result r = { 0 };
    char *path = memory_alloc(ELF_INTERP_MAX + 1);
    if (!path)
        return -ENOMEM;
    int64_t error = image_interpreter(&e->program, path);
    if (!error)
        error = call_window(
            service_find("vfs"),
            &(struct call_args){
                .op = VFS_RESOLVE, .w0 = e->task, .w3 = ACCESS_RX, .w5 = (uint64_t)AT_FDCWD },
            WINDOW_IN, path, strlen(path) + 1, &r);
    memory_free(path);
    if (error < 0)
        return error;
    error = image_open(&e->interpreter, e->task, resolved_service(r.r1), r.r2, false);
    return error == -ENOEXEC ? -ELIBBAD : (int)error;
}

/* ---- where things will be ---- */

static int place_program(struct exec *e)
{
    const struct elf_image *elf = &e->program.elf;
    struct space *s = e->space;
    if (!elf->fixed)
        e->program.bias = PIE_BASE + random_pages(e, MMAP_RANDOM) - elf->low;
    vaddr_t high = elf->high + e->program.bias;
    if (high >= s->mmap_top)
        return -EBADMSG;
    s->brk_start = s->brk = high + random_pages(e, BRK_RANDOM);
    return image_place(&e->program, s);
}

static int place_interpreter(struct exec *e)
{
    struct elf_image *elf = &e->interpreter.elf;
    uint64_t size = elf->high - elf->low;
    if (elf->fixed)
        return regions_free(&e->space->regions, elf->low, elf->high)
                   ? image_place(&e->interpreter, e->space)
                   : -EBADMSG;
    vaddr_t at = regions_gap(&e->space->regions, size, PIE_BASE, e->space->mmap_top);
    if (!at)
        return -ENOMEM;
    e->interpreter.bias = at - elf->low;
    return image_place(&e->interpreter, e->space);
}

/* Chooses where stack and vDSO will be, and from where on mmap looks downwards. */
static void place_stack(struct exec *e)
{
    struct space *s = e->space;
    uint64_t limit = e->head.stack_limit, vdso = vdso_size();
    s->limit[PM_LIMIT_STACK] = limit;
    s->stack_top = USER_TOP - 2 * PAGE_SIZE - vdso - random_pages(e, STACK_RANDOM);
    /* a page is left free, then comes the clock page */
    e->vdso = vdso ? s->stack_top + 2 * PAGE_SIZE : 0;
    uint64_t room = MIN(MAX(PAGE_UP(MIN(limit, USER_TOP)), STACK_MIN), PAGE_DOWN(USER_TOP / 6 * 5));
    s->mmap_top = s->stack_top - room - STACK_GUARD;
    s->mmap_top -= MIN(random_pages(e, MMAP_RANDOM), PAGE_DOWN(s->mmap_top / 2));
}

static void aux(struct exec *e, uint64_t type, uint64_t value)
{
    e->stack.aux[e->stack.aux_count++] = (struct aux){ type, value };
}

static uint32_t processor_features(void)
{
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return d;
}

static void auxiliary(struct exec *e)
{
    const struct elf_image *elf = &e->program.elf;
    vaddr_t table = elf->table_address ? elf->table_address : elf->low + elf->table_offset;
    if (e->vdso)
        aux(e, AT_SYSINFO_EHDR, e->vdso);
    aux(e, AT_HWCAP, processor_features());
    aux(e, AT_PAGESZ, PAGE_SIZE);
    aux(e, AT_CLKTCK, CLOCK_TICKS);
    aux(e, AT_PHDR, table + e->program.bias);
    aux(e, AT_PHENT, ELF_ENTRY_SIZE);
    aux(e, AT_PHNUM, elf->table_count);
    aux(e, AT_BASE, e->interpreter.backing ? e->interpreter.elf.low + e->interpreter.bias : 0);
    aux(e, AT_FLAGS, 0);
    aux(e, AT_ENTRY, elf->entry + e->program.bias);
    aux(e, AT_UID, e->head.uid);
    aux(e, AT_EUID, e->head.euid);
    aux(e, AT_GID, e->head.gid);
    aux(e, AT_EGID, e->head.egid);
    aux(e, AT_SECURE, e->head.secure);
}

static int lay_stack(struct exec *e)
{
    struct space *s = e->space;
    const struct arguments *a = e->arguments;
    e->stack = (struct stack){ .strings_at = a->at,
                               .name_at = a->name_at,
                               .argc = a->argc,
                               .envc = a->envc,
                               .random = { random_word(), random_word() } };
    auxiliary(e);
    stack_lay(&e->stack);
    vaddr_t start = PAGE_DOWN(e->stack.pointer) -
                    MIN((uint64_t)STACK_FIRST, PAGE_DOWN(e->head.stack_limit / 2));
    if (regions_reserve(&s->regions, 3) < 0)
        return -ENOMEM;
    e->arguments->protection = PAGE_READ | PAGE_WRITE | (e->program.elf.stack_runs ? PAGE_EXEC : 0);
    regions_insert(&s->regions, &(struct region){ .start = start,
                                                  .end = s->stack_top,
                                                  .protection = e->arguments->protection,
                                                  .allowed = PAGE_ALL,
                                                  .flags = REGION_STACK });
    if (!e->vdso)
        return 0;
    regions_insert(&s->regions, &(struct region){ .start = e->vdso - PAGE_SIZE,
                                                  .end = e->vdso,
                                                  .protection = PAGE_READ,
                                                  .allowed = PAGE_READ,
                                                  .flags = REGION_FIXED });
    regions_insert(&s->regions, &(struct region){ .start = e->vdso,
                                                  .end = e->vdso + vdso_size(),
                                                  .protection = PAGE_READ | PAGE_EXEC,
                                                  .allowed = PAGE_READ | PAGE_EXEC,
                                                  .flags = REGION_FIXED });
    return 0;
}

/* Makes the new space, places its stack, and collects the arguments. */
static int prepare_stack(struct exec *e)
{
    e->space = space_create();
    if (!e->space)
        return -ENOMEM;
    space_name(e->space, e->task); /* memory for the space is accounted to the task's user */
    place_stack(e);
    e->arguments = memory_alloc(sizeof *e->arguments);
    if (!e->arguments)
        return -ENOMEM;
    arguments_begin(e->arguments, e->task, e->space->stack_top);
    return arguments_collect(e->arguments, &e->head, e->given);
}

static int prepare(struct exec *e)
{
    int error = prepare_stack(e);
    if (!error)
        error = image_open(&e->program, e->task, e->head.service, e->head.object, true);
    if (!error && e->program.elf.interp_size)
        error = open_interpreter(e);
    if (!error && (e->program.elf.broken || e->interpreter.elf.broken))
        error = -EBADMSG;
    if (error)
        return error;
    space_runs(e->space, e->program.backing);
    error = place_program(e);
    if (!error && e->interpreter.backing)
        error = place_interpreter(e);
    return error ? error : lay_stack(e);
}

/* ---- the change ---- */

/* Gives the pages of the old space back. The regions of a space that is not small go with them, so
 * that nothing comes back meanwhile. Returns as space_unmap(). */
static struct space *empty(struct space *old, endpoint_t task)
{
    if (!space_is_small(old))
        return space_unmap(old, task, 0, USER_TOP);
    for (vaddr_t at = 0; at < USER_TOP;)
        at = pages_release(old, at, USER_TOP);
    return old;
}

/* Takes the task out of its old space, which is freed when no other task lives there, and into the
 * new one. 0, or an error. May wait. */
static int64_t commit(struct exec *e)
{
    struct space *old = space_of(e->task);
    if (!old)
        return -ESRCH;
    for (int i = PM_LIMIT_AS; i < PM_LIMIT_STACK; i++)
        e->space->limit[i] = old->limit[i];
    if (old->tasks > 1) {
        int64_t error;
        while ((error = sys_task_space(e->task)) == -ENOMEM && frames_lend(e->task))
            ;
        if (error < 0)
            return error;
    } else {
        old = empty(old, e->task);
        if (!old)
            return -ESRCH;
    }
    space_leave(e->task);
    space_enter(e->space, e->task, 1);
    space_account(e->space);
    return 0;
}

/* Writes a piece of what stands below the strings, which may be megabytes of pointers. */
static int64_t put(void *argument, vaddr_t to, const void *from, size_t length)
{
    enum { AT_ONCE = 64 * 1024 };
    const struct exec *e = argument;
    int64_t result = ask_poke(e->task, to, from, length);
    GIVE_WAY_EVERY(AT_ONCE, length, e->stack.strings_at - (to + length));
    return result < 0 ? result : 0;
}

static vaddr_t next(void *argument, vaddr_t string)
{
    const struct exec *e = argument;
    return arguments_next(e->arguments, string);
}

static int64_t map_vdso(struct exec *e)
{
    static uint64_t clock;
    if (!e->vdso)
        return 0;
    if (!clock && ask_info(INFO_CLOCK_PAGE, 0, &clock, sizeof clock) < 0)
        return -EFAULT;
    struct page_change c[2] = {
        { .address = e->vdso - PAGE_SIZE,
          .count = 1,
          .source = clock,
          .task = e->task,
          .protection = PAGE_READ,
          .action = PAGE_MAP },
        { .address = e->vdso,
          .count = vdso_size() / PAGE_SIZE,
          .source = (uint64_t)vdso_start,
          .task = e->task,
          .service = service_self(),
          .protection = PAGE_READ | PAGE_EXEC,
          .action = PAGE_MAP_SERVICE },
    };
    space_of(e->task)->usage->resident += 1 + c[1].count;
    return pages_do(c, 2);
}

/* Where the program begins, or its interpreter. */
static vaddr_t entry_point(const struct exec *e)
{
    const struct image *first = e->interpreter.backing ? &e->interpreter : &e->program;
    return first->elf.entry + first->bias;
}

/* Fills the new space with what no page fault would bring: strings and pointers, vDSO, zeroes
 * behind data; and with what the program touches first. 0, -EOWNERDEAD. May wait. */
static int64_t fill(struct exec *e)
{
    const struct stack_memory memory = { .put = put, .next = next, .argument = e };
    int64_t error = fault_range(e->task, e->stack.pointer, e->arguments->page_at + PAGE_SIZE,
                                PM_FAULT_WRITE);
    if (!error)
        error = arguments_place(e->arguments);
    if (!error)
        error = stack_write(&e->stack, &memory);
    if (!error)
        error = map_vdso(e);
    if (!error)
        error = image_clear(&e->program, e->task);
    if (!error && e->interpreter.backing)
        error = image_clear(&e->interpreter, e->task);
    struct space *s = error ? NULL : space_of(e->task);
    if (s)
        fault_program(s, entry_point(e));
    return error ? -EOWNERDEAD : 0;
}

static void finish(struct exec *e)
{
    if (e->space) {
        regions_clear(&e->space->regions);
        space_runs(e->space, NULL);
        memory_free(e->space);
    }
    if (e->arguments)
        arguments_free(e->arguments);
    image_close(&e->program);
    image_close(&e->interpreter);
    memory_free(e->arguments);
    memory_free(e->given);
    memory_free(e);
    backing_settle();
}

/* Publishes where the program and its stack stand. */
static void publish_layout(const struct exec *e)
{
    struct space *s = space_of(e->task);
    struct pm_layout at = { .brk = s->brk_start,
                            .stack = e->stack.pointer,
                            .auxv = stack_auxv(&e->stack) };
    image_extent(&e->program, &at);
    s->usage->at = at;
}

int64_t do_exec(struct message *m)
{
    struct exec *e = memory_zalloc(sizeof *e);
    if (!e)
        return -ENOMEM;
    int64_t result = request(m, e);
    if (!result)
        result = prepare(e);
    if (result == -EBADMSG && e->head.flags & PM_EXEC_TRY)
        result = 0;
    bool done = !result && !(e->head.flags & PM_EXEC_TRY);
    if (done)
        result = commit(e);
    if (done && !result) {
        e->space = NULL; /* the task's now */
        publish_layout(e);
        result = fill(e);
    }
    vaddr_t entry = entry_point(e), pointer = e->stack.pointer, strings = e->stack.strings_at;
    if (done && !result)
        result = (e->arguments->environment_at - strings) << 32 |
                 (e->arguments->name_at - e->arguments->environment_at);
    finish(e);
    if (result > 0)
        reply_words(m, entry, pointer, strings);
    return result;
}
