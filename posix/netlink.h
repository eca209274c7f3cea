/* Netlink sockets: see netlink.c. */
#ifndef NETLINK_H
#define NETLINK_H

#include "process.h"

enum { NOTE_SIZE = 32 };
struct netlink;

/* socket() for the family AF_NETLINK. */
int64_t netlink_socket(struct thread *t, struct message *m);
/* The netlink socket behind t's descriptor. NULL: *error is -EBADF, or -ENOTSOCK, or -EINVAL: a
 * socket of another family. */
struct netlink *netlink_behind(struct thread *t, uint32_t descriptor, int64_t *error);
/* recvfrom() from the netlink socket behind c. */
int64_t netlink_receive(struct thread *t, struct message *m, const struct conn_info *c);

/* Keeps the socket, and room in it for a note; the next function gives both back. 0; -EAGAIN: notes
 * that nobody has received, or that are to come, leave no room. */
int netlink_reserve(struct netlink *n);
/* Sends the socket a note of NOTE_SIZE bytes. Does not wait. */
void netlink_send(struct netlink *n, const void *note);

#endif
