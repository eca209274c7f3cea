/* Sockets as files that a service serves: see socket_file.c. */
#ifndef SOCKET_FILE_H
#define SOCKET_FILE_H

#include "process.h"
#include <minnow/file.h>
#include <minnow/socket.h>

/* The second word of socket(): the type, and what may stand beside it. */
enum { TYPE_MASK = 15, SOCKET_FLAGS = O_CLOEXEC | O_NONBLOCK };

/* The service of the family that socket() or socketpair() asks for by the call m. 0, -EINVAL,
 * -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT. */
int64_t socket_family(const struct message *m, endpoint_t *service);
/* The socket behind t's descriptor. 0, -EBADF, -ENOTSOCK; -EOPNOTSUPP: it is a netlink socket,
 * which no service but this one serves. */
int64_t socket_behind(struct thread *t, uint32_t descriptor, struct conn_info *c);

/* Forwards t's call m, whose words are set, as operation op. */
int64_t socket_forward(struct thread *t, struct message *m, uint64_t op, endpoint_t to,
                       enum window window);
/* The same to the socket behind the call's descriptor, with the window over w1, w2. */
int64_t socket_pass(struct thread *t, struct message *m, uint64_t op, const struct conn_info *c,
                    enum window window);
/* Says in m who makes the call. */
void socket_name_maker(struct message *m, const struct process *p, uint32_t uid, uint32_t gid);
/* As socket_pass(), with who makes the call. */
int64_t socket_pass_named(struct thread *t, struct message *m, uint64_t op,
                          const struct conn_info *c, enum window window);

/* Asks the socket for bytes, or gives it some. As call_window(). */
int64_t socket_ask(const struct conn_info *c, uint64_t op, uint64_t what, enum window window,
                   void *buffer, size_t length, uint64_t w3);
/* Sends what goes beside t's next call to the socket. 0 or an error. May wait. */
int64_t socket_send_beside(struct thread *t, const struct conn_info *c, struct socket_beside *b);

#endif
