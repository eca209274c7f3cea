/* Waiting for children: see wait.c. */
#ifndef WAIT_H
#define WAIT_H

#include "process.h"

/* p has ended, stopped or gone on: sends its parent the signal, and answers those of the parent's
 * threads that wait for it. p may be gone afterwards. May wait. */
void wait_notify(struct process *p);

#endif
