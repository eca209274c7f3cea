/* See arguments.h. The old program's threads may change what is read here at any time: each string
 * is ended by force, and nothing that has been read once is believed when it is read again. */
#include "arguments.h"

#include "fault.h"
#include "frames.h"

enum {
    STRING_MAX = 128 * 1024, /* Linux's MAX_ARG_STRLEN, the NUL with it */
    ALL_LEAST = 128 * 1024,  /* ARG_MAX */
    ALL_MOST = 6 << 20,      /* three quarters of _STK_LIM */
    STACK_PART = 4,
    POINTER = sizeof(uint64_t),
    STEP_BYTES = 64 * 1024,
    STEP_STRINGS = 2048,
    STEP_POINTERS = 16384,
    STEP_FRAMES = 512,
};

/* The lowest page of each space: no program can map anything there. A frame is filled by being
 * mapped there for a moment. */
#define SCRATCH PAGE_SIZE

static bool block_has(const struct block *b, vaddr_t at) { return b->at && at - b->at < BLOCK; }

void arguments_begin(struct arguments *a, endpoint_t task, vaddr_t top)
{
    a->task = task;
    a->argc = a->envc = a->frames = a->places = 0;
    a->frame = NULL;
    a->top = a->at = top;
    a->page_at = top - PAGE_SIZE;
    a->pointers.at = a->strings.at = 0;
}

void arguments_free(struct arguments *a)
{
    for (unsigned i = 0; i < a->frames; i++)
        if (a->frame[i])
            frame_put(a->frame[i]);
    memory_free(a->frame);
}

/* ---- the old program's memory ---- */

/* Copies from the old program's memory. 0 or -EFAULT. May wait. */
static int old_read(const struct arguments *a, vaddr_t from, void *to, size_t length)
{
    /* what has been brought may be gone again */
    enum { TRIES = 8 };
    if (from < ADDRESS_MIN || from >= USER_TOP || length > USER_TOP - from)
        return -EFAULT;
    for (unsigned i = 0; i < TRIES; i++)
        if (ask_peek(a->task, from, to, length) >= 0)
            return 0;
        else if (fault_range(a->task, from, from + length, 0))
            break;
    return -EFAULT;
}

/* What stands at an address, up to the end of its block: *have bytes. NULL: there is no memory. May
 * wait. */
static const char *old_see(const struct arguments *a, struct block *b, vaddr_t at, size_t *have)
{
    if (!block_has(b, at)) {
        vaddr_t from = at & ~(vaddr_t)(BLOCK - 1);
        char piece[BLOCK];
        if (old_read(a, from, piece, BLOCK))
            return NULL;
        memcpy(b->bytes, piece, BLOCK);
        b->at = from;
    }
    *have = BLOCK - (at - b->at);
    return b->bytes + (at - b->at);
}

/* Reads element i of an array of pointers. 0 or -EFAULT. May wait. */
static int old_pointer(struct arguments *a, vaddr_t array, uint64_t i, vaddr_t *pointer)
{
    size_t have;
    if (array >= USER_TOP || i >= (USER_TOP - array) / POINTER)
        return -EFAULT;
    const char *p = old_see(a, &a->pointers, array + i * POINTER, &have);
    if (!p)
        return -EFAULT;
    if (have < POINTER)
        return old_read(a, array + i * POINTER, pointer, POINTER);
    memcpy(pointer, p, POINTER);
    return 0;
}

/* Counts the pointers before the NULL: *n. 0; -EFAULT; -E2BIG: more than exec takes. May wait. */
static int old_count(struct arguments *a, vaddr_t array, uint32_t *n)
{
    uint32_t count = 0, next = STEP_POINTERS;
    vaddr_t pointer;
    for (; array; count++) {
        size_t have = 0;
        const uint64_t *p = array % POINTER ? NULL
                                            : (const uint64_t *)old_see(
                                                  a, &a->pointers, array + count * POINTER, &have);
        for (; have && *p; have -= POINTER)
            p++, count++;
        int error = old_pointer(a, array, count, &pointer);
        if (error)
            return error;
        if (!pointer)
            break;
        if (count >= ALL_MOST / POINTER)
            return -E2BIG;
        if (count >= next) {
            give_way(ALL_MOST / POINTER - count);
            next = count + STEP_POINTERS;
        }
    }
    *n = count;
    return 0;
}

/* The bytes of a string with its NUL, or -EFAULT, -E2BIG. May wait. */
static int64_t old_length(struct arguments *a, vaddr_t string)
{
    size_t length = 0, have;
    while (length <= STRING_MAX) {
        const char *p = old_see(a, &a->strings, string + length, &have);
        if (!p)
            return -EFAULT;
        const char *end = memchr(p, 0, have);
        length += end ? (size_t)(end - p) + 1 : have;
        if (end)
            break;
    }
    return length <= STRING_MAX ? (int64_t)length : -E2BIG;
}

/* ---- the new stack ---- */

static int more_places(struct arguments *a)
{
    unsigned places = MIN(MAX(a->places * 8, 32u), ALL_MOST / PAGE_SIZE + 2u);
    paddr_t *more = memory_alloc(places * sizeof *more);
    if (!more)
        return -ENOMEM;
    if (a->frames)
        memcpy(more, a->frame, a->frames * sizeof *more);
    memory_free(a->frame);
    a->frame = more;
    a->places = places;
    return 0;
}

/* The page is full: its bytes go into a frame, and the page below it is next. */
static int page_done(struct arguments *a)
{
    static char shown[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    struct page_out out;
    if (a->frames == a->places && more_places(a))
        return -ENOMEM;
    paddr_t frame = frame_for(a->task);
    if (!frame)
        return -ENOMEM;
    memcpy(shown, a->page, PAGE_SIZE);
    const struct page_change c[3] = {
        { .address = SCRATCH,
          .count = 1,
          .source = (uint64_t)shown,
          .task = a->task,
          .service = service_self(),
          .protection = PAGE_READ,
          .action = PAGE_MAP_SERVICE },
        { .address = SCRATCH,
          .count = 1,
          .source = frame,
          .task = a->task,
          .protection = PAGE_READ | PAGE_OWNED,
          .action = PAGE_MAP_COPY },
        { .address = SCRATCH,
          .count = 1,
          .source = (uint64_t)&out,
          .task = a->task,
          .places = 1,
          .action = PAGE_UNMAP },
    };
    int64_t result = pages_do(c, 3);
    if (result < 0) {
        frame_put(frame);
        return result;
    }
    a->frame[a->frames++] = frame;
    a->page_at -= PAGE_SIZE;
    return 0;
}

/* Puts bytes on the stack, from PM's own memory or the old program's. 0, -E2BIG, -EFAULT, -ENOMEM.
 * May wait. */
static int push(struct arguments *a, const char *own, vaddr_t old, size_t length)
{
    if (a->at - a->least < length)
        return -E2BIG;
    while (length) {
        int error = a->at == a->page_at ? page_done(a) : 0;
        size_t n = MIN(length, a->at - a->page_at);
        length -= n;
        char *to = a->page + (a->at - n - a->page_at);
        vaddr_t from = old + length;
        if (own)
            memcpy(to, own + length, n);
        else if (!error)
            error = old_read(a, from, to, n);
        if (error)
            return error;
        a->at -= n;
    }
    return 0;
}

/* Pushes the string at an address of the old program's memory. A string that is read twice gets its
 * NUL here, whatever stands there by now. */
static int push_string(struct arguments *a, vaddr_t string)
{
    int64_t length = old_length(a, string);
    if (length < 0)
        return length;
    const struct block *b = &a->strings;
    if (block_has(b, string) && string - b->at + length <= BLOCK)
        return push(a, b->bytes + (string - b->at), 0, length);
    int error = push(a, "", 0, 1);
    if (!error && length > BLOCK)
        give_way((a->at - a->least) / STEP_BYTES + 1);
    return error ? error : push(a, NULL, string, length - 1);
}

/* Pushes the strings of elements [first, end) of an array, the last first. */
static int push_array(struct arguments *a, vaddr_t array, uint32_t first, uint32_t end)
{
    const struct block *b = &a->pointers;
    vaddr_t string;
    for (uint32_t i = end; i > first; i--) {
        vaddr_t at = array + (i - 1ul) * POINTER;
        int error = 0;
        if (at % POINTER == 0 && block_has(b, at))
            string = *(const uint64_t *)(b->bytes + (at - b->at));
        else
            error = old_pointer(a, array, i - 1, &string);
        if (!error)
            error = push_string(a, string);
        if (error)
            return error;
        GIVE_WAY_EVERY(STEP_STRINGS, 1, i - first - 1);
    }
    return 0;
}

/* The lowest address that the strings may reach, besides so many pointers to them; 0: the pointers
 * alone are too many. */
static vaddr_t lowest(const struct arguments *a, uint64_t stack_limit, uint64_t pointers)
{
    uint64_t all = MIN(MAX(MIN((uint64_t)ALL_MOST, stack_limit / STACK_PART), (uint64_t)ALL_LEAST),
                       stack_limit);
    return pointers * POINTER < all ? a->top - (all - pointers * POINTER) : 0;
}

static size_t bytes_of(const char *strings, uint32_t count)
{
    const char *p = strings;
    for (; count; count--)
        p += strlen(p) + 1;
    return p - strings;
}

int arguments_collect(struct arguments *a, const struct pm_exec *head, const char *given)
{
    static const char end[8]; /* at the top, so that every string has an end */
    uint32_t argc, envc;
    int error = old_count(a, head->argv, &argc);
    if (!error)
        error = old_count(a, head->envp, &envc);
    if (error)
        return error;
    uint32_t skip = argc && head->flags & PM_EXEC_SKIP_FIRST;
    a->argc = head->argc + argc - skip;
    a->envc = head->envc + envc;
    bool nameless = !a->argc; /* a program always has an argument */
    a->argc += nameless;
    if (!(a->least = lowest(a, head->stack_limit, (uint64_t)a->argc + a->envc)))
        return -E2BIG;
    size_t arguments = bytes_of(given, head->argc);
    if ((error = push(a, end, 0, sizeof end)) ||
        (error = push(a, head->name, 0, strlen(head->name) + 1)))
        return error;
    a->name_at = a->at;
    if ((error = push_array(a, head->envp, 0, envc)) ||
        (error = push(a, given + arguments, 0, head->bytes - arguments)))
        return error;
    a->environment_at = a->at;
    if ((error = push_array(a, head->argv, skip, argc)) ||
        (error = push(a, nameless ? "" : given, 0, nameless ? 1 : arguments)))
        return error;
    return 0;
}

/* ---- the new program's memory ---- */

int64_t arguments_place(struct arguments *a)
{
    int64_t result = ask_poke(a->task, a->at, a->page + (a->at - a->page_at),
                              a->page_at + PAGE_SIZE - a->at);
    a->strings.at = 0; /* the program is another one from here on */
    for (unsigned i = 0; i < a->frames && result >= 0; i++) {
        struct space *s = space_of(a->task);
        struct page_change c = { .address = a->top - (i + 1ul) * PAGE_SIZE,
                                 .count = 1,
                                 .source = a->frame[i],
                                 .task = a->task,
                                 .protection = a->protection | PAGE_OWNED,
                                 .action = PAGE_MAP };
        result = s ? pages_do(&c, 1) : -ESRCH;
        if (result < 0)
            break;
        a->frame[i] = 0;
        s->usage->resident++;
        GIVE_WAY_EVERY(STEP_FRAMES, 1, a->frames - i - 1);
    }
    return result < 0 ? result : 0;
}

vaddr_t arguments_next(struct arguments *a, vaddr_t at)
{
    size_t have;
    while (at < a->top) {
        bool here = at - a->page_at < PAGE_SIZE;
        const char *from = here ? a->page + (at - a->page_at) : old_see(a, &a->strings, at, &have);
        if (!from)
            break;
        have = here ? a->page_at + PAGE_SIZE - at : have;
        const char *end = memchr(from, 0, have);
        if (end)
            return at + (end - from) + 1;
        at += have;
    }
    return a->top;
}
