/* Waiting for an epoll's events: see epoll.c. */
#ifndef EPOLL_H
#define EPOLL_H

#include "process.h"

/* EPOLL_WAIT, for t: as a system call's handler. */
int64_t epoll_pwait(struct thread *t, struct message *m);

#endif
