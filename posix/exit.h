/* The end of processes and threads: see exit.c. */
#ifndef EXIT_H
#define EXIT_H

#include "process.h"

/* Ends p, which is not busy. Only process_end() (delivery.h) calls it. May wait. */
void process_exit(struct process *p, int status);
/* Ends all threads of p but t, for exec, in the kernel as well. May wait. */
void threads_end_others(struct process *p, struct thread *t);
/* Lets the thread go on that waits in vfork for p, if one does: p has ended or runs a program of
 * its own. May wait. */
void process_vfork_end(struct process *p);

#endif
