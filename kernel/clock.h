/* Alarms of services and the time slice. */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include "thread.h"
#include <minnow/clock.h>
#include <minnow/file.h>

void clock_alarm(struct task *t, uint64_t when);   /* 0 cancels */
void clock_slice(void);                            /* somebody waits for the processor: an interrupt must come */
void clock_interrupt(void);
int64_t clock_read(struct thread *t, uint64_t id, struct timespec64 *out);
extern struct clock_page *clock_page;
extern int64_t clock_wall_base;                    /* nanoseconds since 1970 at boot */

#endif
