/* Birth and death of threads, tasks and spaces: see task.c. */
#ifndef TASK_H
#define TASK_H

#include "thread.h"

/* A task without space, connections and threads. wanted: the slot of a service, or 0 for a program.
 * NULL: no place or no memory. */
struct task *task_create(endpoint_t wanted, const char *name);
/* Changes eight bytes of a task's name. */
void task_rename(struct task *t, unsigned word, uint64_t bytes);
void task_kill(struct task *t);         /* with its threads, connections and space */
void task_kill_threads(struct task *t); /* the task stays, with its memory */
int task_new_space(struct task *t);     /* an empty space in place of the one it has: 0, -ENOMEM */
/* A thread in state PARKED, with registers of zero. NULL: no place or no memory. */
struct thread *thread_create(struct task *t);
void thread_kill(struct thread *t);
struct space *space_create(void); /* empty, with one reference, the caller's; NULL: no memory */
void space_drop(struct space *s); /* gives one reference up; the last one frees the space */

#endif
