/* Semaphores of System V: see sysv_sem.c. */
#ifndef SYSV_SEM_H
#define SYSV_SEM_H

#include "process.h"

/* p ends: does what its SEM_UNDO operations ask for. May wait. */
void sem_process_ends(struct process *p);

/* Where a service does the semaphores (sysv_sem_service.c): whether there is one, and the calls,
 * which are handed on to it. LATER or FORWARDED, as hand_over() does. */
void sem_service_start(void);
bool sem_service_there(void);
int64_t sem_service_get(struct thread *t, struct message *m);
/* `until`: nanoseconds since boot; 0: for ever. */
int64_t sem_service_operate(struct thread *t, struct message *m, size_t bytes, uint64_t until);
int64_t sem_service_control(struct thread *t, struct message *m, enum window window, size_t bytes);
/* p's task is gone, p is no zombie yet: the service does what is to be undone. May wait. */
void sem_service_exit(const struct process *p);

#endif
