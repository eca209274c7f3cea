/* The end of processes and threads: see exit.c. */
#ifndef EXIT_H
#define EXIT_H

#include "process.h"

/* Ends p, which is not busy. Only process_end() (delivery.h) calls it. May wait. */
void process_exit(struct process *p, int status);
/* What t, which ends or gets other memory, says of that in the memory that it had: its robust list
 * (places: as robust_list_ends), the locks that it owns, CLONE_CHILD_CLEARTID where another process
 * sees it. May wait, and t may be dead afterwards. */
void thread_leaves(struct thread *t, unsigned *places);
/* Ends all threads of p but t, for exec, in the kernel as well. May wait. */
void threads_end_others(struct process *p, struct thread *t);
/* Lets the thread go on that waits in vfork for p, if one does: p has ended or runs a program of
 * its own. May wait. */
void process_vfork_end(struct process *p);

#endif
