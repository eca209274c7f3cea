/* Programs: exec.c. */
#ifndef EXEC_H
#define EXEC_H

#include "process.h"

/* makes t's process /sbin/init: REGISTERS or an error */
int64_t exec_init(struct thread *t);
void process_vfork_end(struct process *p); /* exit.c: its vfork parent goes on */

#endif
