/* Sockets: what comes back to POSIX from their services. */
#ifndef SOCKET_H
#define SOCKET_H

#include "process.h"

/* POSIX_SOCKET_DONE: a service has done a receive or an accept of t's. Writes the rest of the
 * answer to the program; the result of the call. May wait. */
int64_t socket_done(struct thread *t, struct message *m);
/* The same of an accept: writes the address. May wait. */
int64_t socket_accepted(struct thread *t, struct message *m);
/* A signal has ended t's sendmmsg or recvmmsg in the middle of a message: `moved` as the kernel
 * tells it (MESSAGE_MANY). Writes the bytes of that message, and makes the result the number of
 * messages.
 */
void messages_interrupted(struct thread *t, uint64_t moved);
/* POSIX_SOCKET_SEND: t writes to a socket that wants to know who does. Hands the call on. */
int64_t socket_send(struct thread *t, struct message *m);

#endif
