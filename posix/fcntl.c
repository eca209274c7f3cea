/* fcntl, what ioctl does to any descriptor, and closing many descriptors at once. Descriptors are
 * the kernel's connections: this file asks about them and sets what they have (SYS_CONN_GET,
 * SYS_CONN_SET).
 */
#include "async.h"
#include "capability.h"
#include "dnotify.h"
#include "handlers.h"
#include "lease.h"
#include "locks.h"
#include "setting.h"
#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>

enum {
    F_DUPFD = 0,
    F_GETFD,
    F_SETFD,
    F_GETFL,
    F_SETFL,
    F_GETLK,
    F_SETLK,
    F_SETLKW,
    F_OFD_GETLK = 36,
    F_OFD_SETLK,
    F_OFD_SETLKW,
    F_DUPFD_CLOEXEC = 1030,
    F_SETPIPE_SZ,
    F_GETPIPE_SZ,
    F_ADD_SEALS,
    F_GET_SEALS,
    FD_CLOEXEC = 1,
};
enum {
    FIONCLEX = 0x5450,
    FIOCLEX = 0x5451,
    FIONBIO = 0x5421,
    FIOASYNC = 0x5452,
    IOCTL_WINDOW = 256
};

/* ---- the calls ---- */

/* Whether t's process owns the file behind info, or may do as if. May wait. */
static bool owns(const struct thread *t, const struct conn_info *info)
{
    struct stat s = { 0 };
    if (capable(t->process, CAP_FOWNER) || info->service == service_self())
        return true;
    int64_t error = call_window(info->service,
                                &(struct call_args){ .op = FS_STAT, .object = info->object },
                                WINDOW_OUT, &s, sizeof s, NULL);
    return error >= 0 && s.uid == t->process->i.fsuid;
}

/* Sets the flags of the open file that can be set. 0; -EPERM: O_NOATIME is the owner's; -EINVAL:
 * there is no O_DIRECT but in files, and in pipes, whose packets it makes; or as async_switch().
 * May wait. */
static int64_t flags_set(struct thread *t, unsigned fd, const struct conn_info *info,
                         uint32_t flags)
{
    uint32_t more = flags & ~info->flags;
    if (more & O_NOATIME && !owns(t, info))
        return t->dead ? LATER : -EPERM;
    if (t->dead)
        return LATER;
    if (more & O_DIRECT && !(info->flags & CONN_SEEKABLE) && info->service != service_find("pipe"))
        return -EINVAL;
    if ((info->flags ^ flags) & O_ASYNC) {
        int64_t error = async_switch(t, fd, info, flags & O_ASYNC);
        if (error || t->dead)
            return error;
    }
    return ask_conn_set(t->call, fd, CONN_SET_FLAGS, flags);
}

/* Four requests are about the descriptor or the open file, whatever stands behind it, and are done
 * here; all others are forwarded to the server of the object. */
int64_t linux_ioctl(struct thread *t, struct message *m)
{
    unsigned fd = m->w[0], request = m->w[1];
    struct conn_info info;
    int32_t on;
    uint32_t flag;
    int64_t error = ask_conn_get(t->call, fd, &info);
    if (error < 0 || info.flags & O_PATH)
        return -EBADF;
    switch (request) {
    case FIOCLEX:
    case FIONCLEX: return ask_conn_set(t->call, fd, CONN_SET_CLOEXEC, request == FIOCLEX);
    case FIONBIO:
    case FIOASYNC:
        error = user_read(t, m->w[2], &on, sizeof on);
        flag = request == FIONBIO ? O_NONBLOCK : O_ASYNC;
        if (!error && request == FIOASYNC && info.flags & CONN_READY && on)
            return -ENOTTY;
        return error ? error : flags_set(t, fd, &info, on ? info.flags | flag : info.flags & ~flag);
    }
    if (sys_aim(m->call, m->w[2], IOCTL_WINDOW, WINDOW_INOUT) < 0)
        return -EFAULT;
    m->op = FS_IOCTL;
    m->object = info.object;
    m->position = info.position;
    m->flags = info.flags;
    m->w[1] = request;
    return forward(m, info.service) < 0 ? -ENOTTY : thread_gone(t);
}

/* F_ADD_SEALS with `more`, or F_GET_SEALS: 0, or all seals. May wait. */
static int64_t seals(const struct conn_info *info, bool add, uint32_t more)
{
    if (info->service == service_self())
        return -EINVAL;
    if (add && (info->flags & O_ACCMODE) == O_RDONLY)
        return -EPERM;
    int64_t result = call_object(info->service, FS_SEALS, info->object, add ? more : 0, 0, 0);
    return result < 0 ? (result == -ENOSYS ? -EINVAL : result) : add ? 0 : result;
}

/* F_SETPIPE_SZ to `bytes`, or F_GETPIPE_SZ: how many bytes the pipe has room for. May wait. */
static int64_t pipe_size(struct thread *t, const struct conn_info *info, bool set, uint64_t bytes)
{
    uint64_t size = set ? pipe_size_for(bytes) : 0;
    uint64_t most = capable(t->process, CAP_SYS_RESOURCE) ? PIPE_SIZE_MOST : table->head.pipe_max;
    if (info->service != service_find("pipe"))
        return -EBADF;
    if (set && !size)
        return -EINVAL;
    return call_object(info->service, PIPE_RESIZE, info->object, size, most, 0);
}

int64_t linux_fcntl(struct thread *t, struct message *m)
{
    unsigned fd = m->w[0], command = m->w[1];
    uint64_t argument = m->w[2];
    struct conn_info info;
    int64_t error = ask_conn_get(t->call, fd, &info);
    if (error < 0)
        return error;
    if (info.flags & O_PATH && command != F_DUPFD && command != F_DUPFD_CLOEXEC &&
        command != F_GETFD && command != F_SETFD && command != F_GETFL)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return sys_conn_dup(t->call, fd, (uint32_t)argument, command == F_DUPFD ? 0 : DUP_CLOEXEC);
    case F_GETFD: return info.flags & O_CLOEXEC ? FD_CLOEXEC : 0;
    case F_SETFD: return ask_conn_set(t->call, fd, CONN_SET_CLOEXEC, argument & FD_CLOEXEC);
    case F_GETFL: return info.flags & O_SHOWN;
    case F_SETFL: return flags_set(t, fd, &info, argument);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: return lock_control(t, fd, command, argument);
    case F_NOTIFY: return dnotify_set(t, fd, &info, argument);
    case F_SETLEASE:
    case F_GETLEASE: return lease_control(t, fd, &info, command, argument);
    case F_SETOWN:
    case F_GETOWN:
    case F_SETSIG:
    case F_GETSIG:
    case F_SETOWN_EX:
    case F_GETOWN_EX: return async_control(t, fd, &info, command, argument);
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ: return pipe_size(t, &info, command == F_SETPIPE_SZ, argument);
    case F_ADD_SEALS:
    case F_GET_SEALS: return seals(&info, command == F_ADD_SEALS, argument);
    default: return -EINVAL;
    }
}

int64_t linux_close_range(struct thread *t, struct message *m)
{
    enum { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 };
    unsigned first = m->w[0], last = m->w[1], flags = m->w[2];
    if (first > last || flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
        return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE && t->process->threads->next)
        return -EINVAL; /* threads have one table */
    if (flags & CLOSE_RANGE_UNSHARE && sys_conn_exec(t->call, false) < 0)
        return -ENOMEM;
    if (flags & CLOSE_RANGE_UNSHARE)
        t->process->files = 0;
    last = MIN(last, DESCRIPTORS_MAX - 1u);
    bool close = !(flags & CLOSE_RANGE_CLOEXEC);
    if (close && first <= last)
        locks_drop_range(t->process, first, last, 0);
    for (unsigned fd = first; fd <= last; fd++)
        if (close)
            sys_conn_close(t->call, fd);
        else
            ask_conn_set(t->call, fd, CONN_SET_CLOEXEC, 1);
    return 0;
}
