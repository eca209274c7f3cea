/* Programs: see exec.c. */
#ifndef EXEC_H
#define EXEC_H

#include "process.h"

/* Makes t's process run /sbin/init: REGISTERS or an error. May wait. */
int64_t exec_init(struct thread *t);

#endif
