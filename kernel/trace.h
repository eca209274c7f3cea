/* The trace ring of messages. */
#ifndef TRACE_H
#define TRACE_H

#include "thread.h"

/* Records the call that t is about to make, with t's registers as they are; the record's number. */
uint64_t trace_call(const struct thread *t);
/* Records what the kernel itself does to a task, or for it; nothing while tracing is off. */
void trace_event(enum trace_event event, const struct task *task, uint64_t word);
/* The kernel makes a call for t, which has its operation and words. */
void trace_asked(const struct thread *t, const struct task *to);
/* t, a thread of a program, has made the call of that record: adds where the call went. */
void trace_sent(const struct thread *t, uint64_t number);
/* Notifies who waits for the call recorded last (TRACE_TELL). */
void trace_tell(void);

#endif
