/* What the kernel says: the boot log, on the first serial port and in memory; and how it ends. */
#ifndef LOG_H
#define LOG_H

#include <minnow/types.h>

struct regs;

void log_init(void);
void log_write(const char *text, size_t length); /* to the ring and the early console */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
size_t log_read(size_t offset, char *to, size_t length);

/* The system cannot go on. Registers may be NULL. */
_Noreturn void panic(const struct regs *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* HALT_...: a machine that stops by itself says the end of the boot log once more */
_Noreturn void log_halt(int how);
extern bool log_to_serial; /* until a driver owns the line */
void dump_waits(void);     /* who waits for whom */
extern bool log_to_host;   /* a panic: to the test harness's channel too */
#define KASSERT(x) ((x) ? (void)0 : panic(NULL, "%s:%d: %s", __FILE__, __LINE__, #x))

#endif
