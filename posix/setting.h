/* Writes to files of /proc, and what they may be: see setting.c. */
#ifndef SETTING_H
#define SETTING_H

#include "process.h"

/* The handler of POSIX_SET. */
int64_t setting_write(struct thread *t, struct message *m);

/* The bytes that a pipe becomes for whom has asked for so many: a power of 2, from a page on. 0:
 * they are too many. */
uint64_t pipe_size_for(uint64_t bytes);
#define PIPE_SIZE_MOST (1ul << 31)

#endif
