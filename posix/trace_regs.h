/* Registers of traced threads: see trace_regs.c. */
#ifndef TRACE_REGS_H
#define TRACE_REGS_H

#include "trace.h"
#include "user_regs.h"

/* Sets of registers, as in core files. */
enum { NT_PRSTATUS = 1, NT_PRFPREG, NT_X86_XSTATE = 0x202 };

/* The registers of t, which is stopped. 0, -ESRCH. */
int64_t trace_registers(const struct thread *t, struct user_regs *u);
/* Moves the first *size bytes of a set between t and the tracer's memory; *size becomes how many.
 * 0; -EINVAL: there is no such set; -EIO: a program cannot have such registers; or as user_read()
 * and user_write(). */
int64_t trace_regset_move(struct thread *tracer, struct thread *t, unsigned type, caller_t at,
                          uint64_t *size, bool write);
/* PTRACE_GETREGSET and PTRACE_SETREGSET, with the words of the call. As above. */
int64_t trace_regset_call(struct thread *tracer, struct thread *t, const uint64_t *w, bool write);
/* A word of struct user: registers; all else is 0, and cannot be changed. -EIO: there is no such
 * word, or it cannot be so; -EINVAL, -ENOSPC of breakpoints; or as user_write(). */
int64_t trace_word_peek(struct thread *tracer, struct thread *t, uint64_t at, caller_t to);
int64_t trace_word_poke(struct thread *t, uint64_t at, uint64_t value);
/* PTRACE_ARCH_PRCTL: what t would get by arch_prctl(code, word) on the bases of FS and GS. -EINVAL,
 * -EPERM, or as user_write(). */
int64_t trace_base(struct thread *tracer, struct thread *t, uint64_t word, uint64_t code);

#endif
