/* Services as the kernel sees them: created, frozen, resumed, stopped. See service.c. */
#ifndef SERVICE_H
#define SERVICE_H

#include "thread.h"

/* A thread of a service did what the processor forbids: the service is frozen, the manager is
 * notified. */
void service_fault(struct thread *t, uint64_t vector, uint64_t error, vaddr_t address);
/* t has just been refused kernel call `number`, which its manifest does not allow: the service is
 * frozen, unless its manifest tolerates it. */
void service_violation(struct thread *t, uint64_t number);
/* t gives its service up: EXIT_SERVICE, EXIT_UNRECOVERABLE. The service is frozen. */
void service_exit(struct thread *t, enum exit how);
/* The call that the running thread of the frozen service x was serving; 0: none. */
call_t service_serving(struct task *x);
void service_watch(uint64_t now); /* checks that the manager works; resumes or gives it up if not */
/* the option `strike`: service_watch() kills the manager, at whatever instruction it runs */
extern bool service_strikes;
void service_stop(struct task *t); /* its threads and memory go; its slot and mailbox stay */
void service_reload_first(struct task *manager); /* writes the manager's code and constants anew */
/* Another thread of x, which starts at ip with `argument` in rdi, on a stack of its own. The top of
 * the stack | the thread's index, or -ENOMEM. */
int64_t service_thread(struct task *x, vaddr_t ip, uint64_t argument);
/* Starts the service manager, in SLOT_MANAGER, from its module: 0, -ENOEXEC, -ENOMEM. */
struct module;
int service_load_first(const struct module *m);

enum { SLOT_MANAGER = 1 };

#endif
