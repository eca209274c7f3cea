/* The boot log: kept in a ring in memory, and written to the first serial port. */
#ifndef LOG_H
#define LOG_H

#include <minnow/types.h>

void log_init(void);
/* to the ring and, as long as log_to_serial, the serial port */
void log_write(const char *text, size_t length);
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The longest contiguous piece of the log that begins `offset` bytes behind the oldest byte: its
 * length; 0 at the end. *piece stays valid until the next write. */
size_t log_piece(size_t offset, const char **piece);

/* Halts the machine. With HALT_FAILED the end of the boot log is written to the serial port
 * first. */
_Noreturn void log_halt(int how);
extern bool log_to_serial; /* until a driver owns the line */
extern bool log_to_host;   /* set by a panic: the log goes to the test harness's channel too */

#endif
