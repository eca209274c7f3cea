/* linux_name() for each system call that syscalls.def says is HANDLED: the thread and its message
 * (w: the six raw arguments); the result of the call, or LATER, or REGISTERS. */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "process.h"

typedef int64_t (*linux_t)(struct thread *t, struct message *m);

#define ROUTED(number, name, status, route, note)
#define MISSING(number, name, errno, note)
#define HANDLED(number, name, status, note) \
    int64_t linux_##name(struct thread *t, struct message *m);
#include "syscalls.def"
#undef ROUTED
#undef MISSING
#undef HANDLED

#endif
