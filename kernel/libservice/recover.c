/* How a service goes on after it has been stopped anywhere: at a fault, killed, or hanging.
 *
 * What a service is, is its memory and where its threads have entered the kernel. Whatever waits in
 * the kernel is in order: only one thread runs at a time, so only one can have been stopped
 * half-way. Its way since it last came out of a call that commits is taken back: its stores by the
 * undo log, its stack by the copy that was saved then. It makes the same way again, with the same
 * results in its hands; to all others it was only slow. No call is made twice, since every call
 * that must not be commits.
 *
 * When the same way has ended badly before, the manager says so (RESUME_FAILING), and the request
 * fails. If the way begins with receiving a request, that one is answered -EIO (serve_again); if it
 * begins with the answer of another service, that answer becomes -EIO, and the handler undoes by
 * its own error path what it has done.
 *
 * (Compiled without the undo log, which it reads.) */
#include "service.h"
#include "syscalls.h"

enum { THREADS = 64, SHADOW_PAGES = 2, RANGE = 63 };
/* as stubs.S pushes them: rax rdi rsi rdx, six registers, where to */
enum { SAVED_RDI = 1, SAVED_TO = 10, SAVED_WORDS };

_Static_assert(sizeof(struct saved_stack) == 64 && offsetof(struct saved_stack, length) == 16,
               "stubs.S knows struct saved_stack");

extern const char settle[], settle_end[], settle_receive[], settle_receive_end[], recover[],
    call_returned[];
struct saved_stack *recover_thread(unsigned index, enum resume why);

uint32_t inherited;
bool request_fails;
static struct saved_stack *stacks[THREADS];
static unsigned stacks_count;

void *stack_shadow(void) { return stacks_count < THREADS ? memory_pages(SHADOW_PAGES) : NULL; }

/* The service may be stopped in here and begin again: so each step may be done twice. */
void stack_prepare(uintptr_t on_stack, unsigned index, void *shadow, void (*begin)(void),
                   void *argument)
{
    struct saved_stack *s = (struct saved_stack *)((on_stack | (SERVICE_STACK_SPAN - 1)) + 1) - 1;
    uint64_t *saved = shadow;
    memset(saved, 0, SAVED_WORDS * sizeof saved[0]);
    saved[SAVED_RDI] = (uint64_t)argument;
    saved[SAVED_TO] = (uint64_t)begin;
    s->shadow = shadow;
    s->capacity = SHADOW_PAGES * PAGE_SIZE;
    s->length = SAVED_WORDS * sizeof saved[0];
    s->index = index;
    if (!stacks_count || stacks[stacks_count - 1] != s)
        stacks[stacks_count++] = s;
}

void recovery_register(uint32_t protocols, unsigned threads)
{
    static struct recovery how;
    how = (struct recovery){ (vaddr_t)recover,
                             { { (vaddr_t)settle, (vaddr_t)settle_end },
                               { (vaddr_t)settle_receive, (vaddr_t)settle_receive_end } } };
    /* and the stack is saved: from now on it can be needed */
    sys_ready(&how, protocols, threads);
}

/* Not memcpy(), which notes in the log what it writes over, and commits when that is full. */
static void put_back(void *to, const void *from, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* undo_next moves with each entry, so this may be stopped and begun again at any instruction. */
static void take_back(void)
{
    while (undo_next > undo_log) {
        uint64_t *entry = undo_next - 2;
        if (entry[0] >> RANGE) {
            uint64_t length = entry[1], *old = entry - (length + 7) / 8;
            put_back((void *)(entry[0] & ~(1ul << RANGE)), old, length);
            entry = old;
        } else {
            *(uint64_t *)entry[0] = entry[1];
        }
        undo_next = entry;
    }
}

static _Noreturn void give_up(void)
{
    ask_exit(EXIT_UNRECOVERABLE);
    __builtin_unreachable();
}

/* Called on a stack of its own. What it returns stubs.S sets the thread back to. */
struct saved_stack *recover_thread(unsigned index, enum resume why)
{
    struct saved_stack *s = NULL;
    take_back();
    for (unsigned i = 0; i < stacks_count; i++)
        if (stacks[i]->index == index)
            s = stacks[i];
    if (!s || s->length > s->capacity)
        give_up();
    request_fails = why == RESUME_FAILING;
    if (request_fails && s->length) {
        uint64_t *saved = s->shadow;
        if (saved[SAVED_TO] == (uint64_t)call_returned)
            saved[0] = (uint64_t)-EIO;
    }
    return s;
}
