/* Stubs of all kernel calls, for the few services that need more than service.h wraps; and what the
 * files of libservice share. */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include <minnow/file.h>
#include <minnow/message.h>
#include <minnow/route.h>
#include <minnow/syscall.h>

/* The stubs of minnow/kcalls.def, in stubs.S.
 *
 * sys_name() changes something outside the service. It commits: a service that is stopped later
 * begins again behind this call, and what it has written before stays.
 *
 * ask_name() may as well be made twice: it only asks, or does the same again. It commits nothing,
 * and costs less. */
#define STUB_COMMITS(name, arguments) int64_t sys_##name arguments;
#define STUB_ASKS(name, arguments)    int64_t ask_##name arguments;
#define STUB_EITHER(name, arguments)  STUB_COMMITS(name, arguments) STUB_ASKS(name, arguments)
#define STUB_NEITHER(name, arguments)
#define KCALL(NAME, name, number, right, commits, arguments, ...) STUB_##commits(name, arguments)
#define MESSAGE(...)
#include <minnow/kcalls.def>
#undef KCALL
#undef MESSAGE

/* A variable of libservice, zero at first, that a successor does not take over (service.ld). */
#define OWN __attribute__((section(".bss.own")))

/* Any kernel call by its number, for tests. It commits. */
int64_t kernel_call(unsigned number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                    uint64_t f);

/* The request of an outgoing message, for message_call() in stubs.S, in whose place the further
 * words of the reply come back. It is part of the stack that is saved when the call has returned,
 * so it is as short as can be. */
union call_frame {
    struct {
        uint64_t op, w[6], object, position, flags;
        endpoint_t to;
        uint32_t window; /* enum window */
    };
    struct {
        uint64_t r1, r2, r3;
    };
};
int64_t message_call(union call_frame *f);
/* to: the destination | enum window << 32. */
int64_t message_forward(const struct message *m, uint64_t to);
void message_forward_receive(struct message *m, uint64_t to);
struct reply;
void message_receive(struct message *m);
void message_receive_again(struct message *m);
/* Replies `result` and the words of r to m->call, then receives into m. */
void message_reply_receive(struct message *m, int64_t result, const struct reply *r);

/* At the top of a thread's stack: how much the stack held when the thread last came out of a call
 * that commits, and where that is saved. */
struct saved_stack {
    void *shadow;    /* the copy */
    size_t capacity; /* of the shadow, in bytes */
    /* bytes saved; 0: it had just received a message; ~0: more than the shadow holds */
    size_t length;
    unsigned index; /* of the thread */
    /* bytes of the next reply (reply_room), which are filled and not looked at again: they need not
     * be saved */
    char room[REPLY_ROOM] __attribute__((aligned(16)));
};
/* That of the stack on which the address lies. */
static inline struct saved_stack *saved_stack_at(uintptr_t on_stack)
{
    return (struct saved_stack *)((on_stack | (SERVICE_STACK_SPAN - 1)) + 1) - 1;
}

/* Makes a thread one that can be rolled back, before it runs (recover.c): the thread of that index,
 * on whose stack the address `on_stack` lies, with memory from stack_shadow() to save the stack in.
 * Until it has come out of a call that commits, the thread begins again at `begin`, with the
 * argument in rdi and an empty stack. */
void stack_prepare(uintptr_t on_stack, unsigned index, void *shadow, void (*begin)(void),
                   void *argument);
void *stack_shadow(void); /* NULL: no memory, or too many threads */
void recovery_register(uint32_t protocols, unsigned threads);

/* Handles once more what was received last (message.c). If request_fails, a call is answered -EIO
 * instead. */
_Noreturn void serve_again(void);
extern bool request_fails; /* set while the service is rolled back (recover.c) */

/* In undo.S. */
extern uint64_t undo_log[], undo_end[], *undo_next;

#endif
