/* fcntl, and closing many descriptors at once. Descriptors are the kernel's connections: we only look and set. */
#include "handlers.h"

#include "locks.h"
#include "syscalls.h"
#include "user.h"
#include <minnow/file.h>

enum {
    F_DUPFD = 0, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_SETOWN, F_GETOWN, F_SETSIG, F_GETSIG,
    F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW, F_DUPFD_CLOEXEC = 1030, F_SETPIPE_SZ, F_GETPIPE_SZ,
    FD_CLOEXEC = 1, NR_CLOSE = 3, PIPE_SIZE = 65536,
};
/* What F_GETFL shows of a connection's flags. */
enum { SHOWN = O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_PATH | O_SYNC };

int64_t linux_fcntl(struct thread *t, struct message *m)
{
    unsigned fd = m->w[0], command = m->w[1];
    uint64_t argument = m->w[2];
    struct conn_info info;
    int64_t error = kernel_ask(SYS_CONN_GET, t->call, fd, (uint64_t)&info, 0, 0, 0);
    if (error < 0)
        return error;
    if (info.flags & O_PATH && command != F_DUPFD && command != F_DUPFD_CLOEXEC && command != F_GETFD && command != F_SETFD && command != F_GETFL)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return kernel_call(SYS_CONN_DUP, t->call, fd, (uint32_t)argument, command == F_DUPFD ? 0 : DUP_CLOEXEC, 0, 0);
    case F_GETFD:
        return info.flags & O_CLOEXEC ? FD_CLOEXEC : 0;
    case F_SETFD:
        return kernel_ask(SYS_CONN_SET, t->call, fd, CONN_SET_CLOEXEC, argument & FD_CLOEXEC, 0, 0);
    case F_GETFL:
        return info.flags & SHOWN;
    case F_SETFL:
        return kernel_ask(SYS_CONN_SET, t->call, fd, CONN_SET_FLAGS, (uint32_t)argument, 0, 0);
    case F_GETLK: case F_SETLK: case F_SETLKW: case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW:
        return lock_control(t, fd, command, argument);
    case F_GETOWN:
        return 0;
    case F_SETOWN:
        return 0;
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return info.service == service_find("pipe") ? PIPE_SIZE : -EBADF;
    default:
        return -EINVAL;
    }
}

int64_t linux_close_range(struct thread *t, struct message *m)
{
    enum { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4, DESCRIPTORS = 1024 };
    unsigned first = m->w[0], last = m->w[1], flags = m->w[2];
    if (first > last || flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
        return -EINVAL;
    if (!(flags & CLOSE_RANGE_CLOEXEC))
        return -ENOSYS;   /* nobody closes another task's descriptors; programs then do it one by one */
    for (unsigned fd = first; fd <= last && fd < DESCRIPTORS; fd++)
        kernel_ask(SYS_CONN_SET, t->call, fd, CONN_SET_CLOEXEC, 1, 0, 0);
    return 0;
}
