/* Controlling terminals and job control: see tty.c. */
#ifndef TTY_H
#define TTY_H

#include "process.h"

void tty_init(void);
int64_t tty_control(struct thread *t, struct message *m); /* POSIX_TTY_CONTROL */
int64_t tty_open(struct thread *t, struct message *m);    /* POSIX_TTY_OPEN */
int64_t tty_stop(struct thread *t, struct message *m);    /* POSIX_TTY_STOP */
int64_t tty_name(struct thread *t, struct message *m);    /* POSIX_TTY_NAME */
void tty_pull(void);                                      /* a terminal has signals for us */
/* SIGHUP, and the terminal is nobody's */
void tty_leader_exits(struct process *leader);
void tty_leave(struct process *p); /* p has no terminal any more */

#endif
