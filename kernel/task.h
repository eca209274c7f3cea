/* Birth and death of threads, tasks and spaces: see task.c. */
#ifndef TASK_H
#define TASK_H

#include "thread.h"

/* A task without space, connections and threads. wanted: its slot, or 0 for a program. NULL: no
 * place or memory. */
struct task *task_create(endpoint_t wanted, const char *name);
void task_kill(struct task *t);
void task_kill_threads(struct task *t); /* the task stays, with its memory */
int task_new_space(struct task *t);     /* in place of the one it has: 0, -ENOMEM */
/* PARKED; NULL: no place or memory */
struct thread *thread_create(struct task *t);
void thread_kill(struct thread *t);
struct space *space_create(void); /* empty, with one reference; NULL: no memory */
void space_drop(struct space *s); /* one reference; with the last one it goes */

#endif
