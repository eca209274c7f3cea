/* The trace ring of messages. */
#ifndef TRACE_H
#define TRACE_H

#include "thread.h"

void trace_entry(bool traced);     /* x86/cpu.c: chooses the way in */
void trace_call(struct thread *t); /* a system call is about to be made */

#endif
