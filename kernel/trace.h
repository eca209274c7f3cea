/* The trace ring of messages. */
#ifndef TRACE_H
#define TRACE_H

#include "thread.h"

/* t is about to make a call. The record holds the registers as they are. */
void trace_call(const struct thread *t);
/* t, a program's, has made it: the record says where it went. */
void trace_sent(const struct thread *t);

#endif
