/* The end: see panic.c. */
#ifndef PANIC_H
#define PANIC_H

#include <minnow/types.h>

struct regs;

/* The system cannot go on: prints the message, r (may be NULL), a back-trace and dump_waits(), then
 * stops the machine. */
_Noreturn void panic(const struct regs *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void dump_waits(void); /* who waits for whom, to the log */
#define KASSERT(x) ((x) ? (void)0 : panic(NULL, "%s:%d: %s", __FILE__, __LINE__, #x))

#endif
