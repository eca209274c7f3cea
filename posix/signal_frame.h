/* Signal frames on the stack of a program: see signal_frame.c. */
#ifndef SIGNAL_FRAME_H
#define SIGNAL_FRAME_H

#include "process.h"

/* At start: learns the size of the processor's floating point state. */
void frame_init(void);
/* The exception that is being handled, which the next frame tells of (trapno, err, cr2). */
void frame_fault(uint64_t vector, uint64_t error, uint64_t address);
/* Builds the frame of a handler on the program's stack, and sets the registers so that the handler
 * runs. `result` is what the interrupted call ends with. 0, also when t has gone; or -EFAULT: a
 * page of the frame is missing, nothing has changed, and *missing, *length say where the frame is
 * to be. Does not wait. */
int frame_push(struct thread *t, const struct siginfo *info, const struct sigaction *a,
               int64_t result, caller_t *missing, size_t *length);
/* rt_sigreturn: sets t's registers and alternate stack as the frame at sp, its stack pointer, says,
 * and *mask to the signals that it is to block. 0. LATER: a page is being brought. -EFAULT: the
 * frame names no state that a program may have; nothing has changed. Does not wait. */
int64_t frame_pop(struct thread *t, caller_t sp, uint64_t *mask);
/* Makes the registers those of a call that has ended with `result`; with a restart code, of one
 * that is about to be made again. */
void registers_finish(struct thread *t, int64_t result);

/* The parts of a floating point state that the processor saves (XCR0); 0: those of FXSAVE. */
uint64_t frame_features(void);

#endif
