/* Messages of sockets: see socket_message.c. */
#ifndef SOCKET_MESSAGE_H
#define SOCKET_MESSAGE_H

#include "process.h"
#include <minnow/socket.h>

/* What a program's struct msghdr is. */
struct msghdr {
    caller_t name;
    uint32_t name_length, pad0;
    caller_t iov;
    uint64_t iov_count;
    caller_t control;
    uint64_t control_length;
    uint32_t flags, pad1;
};

/* Sends what the struct msghdr at `at` says, by t's call m. flags: MSG_..., MESSAGE_.... Returns as
 * a handler does. */
int64_t socket_send_message(struct thread *t, struct message *m, const struct conn_info *c,
                            caller_t at, uint64_t flags);
/* Receives what the struct msghdr at `at` says; likewise. for_posix: two words that come back with
 * the end of the answer. */
int64_t socket_receive_message(struct thread *t, struct message *m, const struct conn_info *c,
                               caller_t at, uint64_t flags, const uint64_t for_posix[2]);

/* Fetches what goes beside the bytes that t has received. May wait. */
void socket_rest(struct thread *t, const struct conn_info *c, struct socket_beside *b);
/* Writes the address, and what else recvmsg tells, to the struct msghdr at `at`. 0 or -EFAULT. */
int64_t socket_header_poke(struct thread *t, caller_t at, uint32_t flags,
                           const struct socket_beside *b);

/* POSIX_SOCKET_DONE of one message: writes the rest of the answer. The result of the call. May
 * wait. */
int64_t socket_received(struct thread *t, struct message *m);

#endif
