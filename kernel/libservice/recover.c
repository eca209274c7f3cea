/* How a service goes on after it has been stopped anywhere: at a fault, killed, or hanging.
 *
 * A service consists of its memory and of the places where its threads have entered the kernel.
 * Threads that wait in the kernel are in order. Only one thread of a service runs at a time, so
 * only one can have been stopped half-way. What that thread has done since it last came out of a
 * call that commits is taken back: its stores by the undo log, its stack by the copy that was saved
 * then. The thread goes the same way again, with the same results of that call; to all others the
 * service was only slow. No call takes effect twice: every call that must not, commits.
 *
 * When the same way has ended badly before, the manager says so (RESUME_FAILING), and the request
 * fails. If the way begins with receiving a request, that request is answered -EIO (serve_again).
 * If it begins with the answer of another service, that answer becomes -EIO, and the handler undoes
 * by its own error path what it has done.
 *
 * (Compiled without the undo log, which it reads.) */
#include "service.h"
#include "syscalls.h"

enum { THREADS = 64, SHADOW_PAGES = 2, RANGE = 63 };
/* words of what stubs.S saves: rax rdi rsi rdx, rbp, return address */
enum { SAVED_RDI = 1, SAVED_TO = 5, SAVED_WORDS };

_Static_assert(sizeof(struct saved_stack) == 192 && offsetof(struct saved_stack, length) == 16,
               "stubs.S knows struct saved_stack");

extern const char settle[], settle_end[], settle_receive[], settle_receive_end[], recover[],
    call_returned[];
void thread_entry(void), thread_begin(void);
struct saved_stack *recover_thread(unsigned index, enum resume why);

OWN enum start started;
OWN bool request_fails;
static OWN struct saved_stack *stacks[THREADS];
static OWN unsigned stacks_count;

void *stack_shadow(void) { return stacks_count < THREADS ? memory_pages(SHADOW_PAGES) : NULL; }

/* The service may be stopped in here and begin again, so each step has the same effect when it is
 * done twice. */
void stack_prepare(uintptr_t on_stack, unsigned index, void *shadow, void (*begin)(void),
                   void *argument)
{
    struct saved_stack *s = saved_stack_at(on_stack);
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
    static OWN struct recovery how;
    how = (struct recovery){ (vaddr_t)recover,
                             { { (vaddr_t)settle, (vaddr_t)settle_end },
                               { (vaddr_t)settle_receive, (vaddr_t)settle_receive_end },
                               { (vaddr_t)thread_entry, (vaddr_t)thread_begin } } };
    /* sys_ready() commits, so the stack is saved before it can be needed */
    sys_ready(&how, protocols, threads);
}

/* Copies without a note in the log; memcpy() makes one, and commits when the log is full. */
static void put_back(void *to, const void *from, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* Writes the old values back, the newest first. undo_next moves behind each, so this may be stopped
 * at any instruction and begun again. */
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

/* Called by `recover` in stubs.S, on a stack of its own. Returns the stack to set the thread back
 * to. */
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
