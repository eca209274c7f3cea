/* Kernel calls as they are: for the few services that need more than service.h wraps. */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include <minnow/message.h>
#include <minnow/syscall.h>

static inline int64_t kernel_call(unsigned number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = f;
    int64_t result;
    __asm__ volatile("syscall" : "=a"(result), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "a"((uint64_t)number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

/* In stubs.S. The request of an outgoing message; results come back in r1..r3. */
struct call_frame { struct message m; uint64_t to, window, r1, r2, r3; };
int64_t message_call(struct call_frame *f);
int64_t message_forward(const struct message *m, uint64_t to);
struct reply;
void message_receive(struct message *m);
/* Replies `result` and the words of r to m->call, then receives into m. */
void message_reply_receive(struct message *m, int64_t result, const struct reply *r);

#endif
