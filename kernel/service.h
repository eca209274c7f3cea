/* Services as the kernel sees them: the few it must know, their rights, their death. */
#ifndef SERVICE_H
#define SERVICE_H

#include "thread.h"

/* A thread of a service did what a processor forbids: the service is frozen, the manager is told.
 */
void service_fault(struct thread *t, uint64_t vector, uint64_t error, vaddr_t address);
/* t has just been refused the kernel call of that number, since its manifest does not allow it. */
void service_violation(struct thread *t, uint64_t number);
void service_exit(struct thread *t, enum exit how);
/* The call that the thread which ran in a frozen service was serving; 0: none. */
call_t service_serving(struct task *x);
void service_watch(uint64_t now); /* is the manager at work? */
/* the option `strike`: it is killed instead if it is, at whatever instruction */
extern bool service_strikes;
void service_stop(struct task *t); /* its threads and memory go; its slot and mailbox stay */
void service_reload_first(struct task *manager); /* its code and constants */
/* Another thread, with a stack of its own: its index, or -ENOMEM. */
int64_t service_thread(struct task *x, vaddr_t ip, uint64_t argument);
/* The service manager, in slot 1, from its module: 0, -ENOEXEC, -ENOMEM. */
struct module;
int service_load_first(const struct module *m);

enum { SLOT_MANAGER = 1 };

#endif
