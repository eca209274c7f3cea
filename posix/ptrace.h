/* ptrace(2), and what other files tell it: see ptrace.c. */
#ifndef PTRACE_H
#define PTRACE_H

#include "process.h"

/* Handlers for what the kernel has a traced thread call: KERNEL_ENTRY, and KERNEL_SIGNAL. */
int64_t ptrace_entry(struct thread *t, struct message *m);
int64_t ptrace_arrived(struct thread *t, struct message *m);

/* t is about to exit, with a status as wait reports it. true: it stops first, and makes the call
 * again afterwards. */
bool ptrace_exits(struct thread *t, uint32_t status);
/* t ends with that status; with its process, whose first thread it is, if `last`. May wait. */
void ptrace_ends(struct thread *t, uint32_t status, bool last);
/* t ends: what it traces goes on, or ends too (PTRACE_O_EXITKILL). May wait. */
void ptrace_tracer_ends(struct thread *t);
/* t has made `born`, which has not begun to run, by clone with these flags and this signal. true:
 * t stops for that. */
bool ptrace_birth(struct thread *t, struct thread *born, uint64_t flags, int signal);
/* t's process has become another program; t had the number `former`. */
void ptrace_exec(struct thread *t, int former);
/* Whether p has a tracer that may not trace programs with more rights. */
bool ptrace_bounds(const struct process *p);

#endif
