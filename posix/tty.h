/* Controlling terminals: see tty.c. */
#ifndef TTY_H
#define TTY_H

#include "process.h"

/* The operations of protocol POSIX, by which drivers and VFS hand calls up; as system calls'
 * handlers. They may wait. */
int64_t tty_control(struct thread *t, struct message *m); /* POSIX_TTY_CONTROL */
int64_t tty_open(struct thread *t, struct message *m);    /* POSIX_TTY_OPEN */
int64_t tty_stop(struct thread *t, struct message *m);    /* POSIX_TTY_STOP */
int64_t tty_name(struct thread *t, struct message *m);    /* POSIX_TTY_NAME */
/* A driver has notified: sends the signals that it has for process groups. May wait. */
void tty_pull(void);
/* The leader of a session ends: its terminal belongs to no session any more, and the foreground
 * gets SIGHUP. May wait. */
void tty_leader_exits(struct process *leader);

#endif
