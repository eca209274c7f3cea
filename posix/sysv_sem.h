/* Semaphores of System V: see sysv_sem.c. */
#ifndef SYSV_SEM_H
#define SYSV_SEM_H

#include "process.h"

/* p ends: does what its SEM_UNDO operations ask for. May wait. */
void sem_process_ends(struct process *p);

#endif
