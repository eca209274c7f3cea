/* Sockets: see socket.c. */
#ifndef SOCKET_H
#define SOCKET_H

#include "process.h"

/* POSIX_SOCKET_DONE: a service has done a receive or an accept of t's. Writes the rest of the
 * answer to the program; the result of the call. May wait. */
int64_t socket_done(struct thread *t, struct message *m);
/* POSIX_SOCKET_SEND: t writes to a socket that wants to know who does. Hands the call on. */
int64_t socket_send(struct thread *t, struct message *m);

#endif
