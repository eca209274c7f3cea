/* What the kernel says: the boot log, in memory and on the first serial port. */
#ifndef LOG_H
#define LOG_H

#include <minnow/types.h>

void log_init(void);
void log_write(const char *text, size_t length); /* to the ring and the early console */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The longest piece of the log in one place that begins `offset` bytes behind the oldest: its
 * length, 0 at the end. */
size_t log_piece(size_t offset, const char **piece);

/* HALT_...: a machine that stops by itself says the end of the boot log once more */
_Noreturn void log_halt(int how);
extern bool log_to_serial; /* until a driver owns the line */
extern bool log_to_host;   /* a panic: to the test harness's channel too */

#endif
