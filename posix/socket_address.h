/* Addresses of sockets: see socket_address.c. */
#ifndef SOCKET_ADDRESS_H
#define SOCKET_ADDRESS_H

#include "process.h"
#include <minnow/socket.h>

/* An address of AF_UNIX as programs have it (Linux: struct sockaddr_un). */
struct sockaddr_un {
    uint16_t family;
    char path[SOCKET_PATH];
};
enum { FAMILY_BYTES = offsetof(struct sockaddr_un, path) };

/* Reads an address of a program's, but for what address_resolve() finds out. 0, -EINVAL, or as
 * user_read(). */
int64_t address_read(struct thread *t, caller_t at, int32_t length, struct socket_address *b);
/* The socket's inode at the path in b becomes its address; `make`: a new one is made. 0 or an
 * error. May wait. */
int64_t address_resolve(struct thread *t, struct socket_address *b, bool make);
/* Reads the address of another socket. As these two. May wait. */
int64_t address_of_other(struct thread *t, caller_t at, int32_t length, struct socket_address *b);
/* Makes an address as programs have it. Its bytes. */
int32_t address_shown(const struct socket_address *b, struct sockaddr_un *a);

/* Makes sure of the memory for an address. 0, -EINVAL, or as user_probe(). */
int64_t address_probe(struct thread *t, caller_t to, caller_t room);
/* Writes an address to where a program wants it, whose memory has been probed. 0,
 * -EFAULT, or -EINVAL. */
int64_t address_poke(struct thread *t, caller_t to, caller_t room, const struct socket_address *b);

#endif
