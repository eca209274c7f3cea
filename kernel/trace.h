/* The trace ring of messages. */
#ifndef TRACE_H
#define TRACE_H

#include "thread.h"

/* Records the call that t is about to make, with t's registers as they are. */
void trace_call(const struct thread *t);
/* t, a thread of a program, has made the call recorded last: adds where the call went. */
void trace_sent(const struct thread *t);
/* Notifies who waits for the call recorded last (TRACE_TELL). */
void trace_tell(void);

#endif
