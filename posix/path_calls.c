/* Calls about files whose words differ from those of VFS's operation: these functions put the words
 * in order and forward the call to VFS. (The other calls about files go there by route.) */
#include "handlers.h"

#include "syscalls.h"
#include <minnow/file.h>

enum { PATH_WINDOW = 4096 };
#define HERE ((uint64_t)(int64_t)AT_FDCWD)

/* Forwards the call with these words; b is the address of a path. LATER, or an error. */
static int64_t to_vfs(struct thread *t, struct message *m, uint64_t op, uint64_t a, uint64_t b,
                      uint64_t c, uint64_t d, uint64_t e)
{
    m->op = op;
    m->w[0] = a, m->w[1] = b, m->w[2] = c, m->w[3] = d, m->w[4] = e;
    if (sys_aim(m->call, b, PATH_WINDOW, WINDOW_IN) < 0)
        return -EFAULT;
    static endpoint_t vfs;
    if (!vfs)
        vfs = service_find("vfs");
    int error = forward(m, vfs);
    return error == -EPERM ? -ENOSYS : thread_gone(t);
}

#define CALL(name, op, a, b, c, d, e)                         \
    int64_t linux_##name(struct thread *t, struct message *m) \
    {                                                         \
        const uint64_t *w = m->w;                             \
        (void)w;                                              \
        return to_vfs(t, m, op, a, b, c, d, e);               \
    }

CALL(access, VFS_ACCESS, HERE, w[0], w[1], 0, 0)
CALL(faccessat, VFS_ACCESS, w[0], w[1], w[2], 0, 0)
CALL(unlink, VFS_UNLINK, HERE, w[0], 0, 0, 0)
CALL(rmdir, VFS_UNLINK, HERE, w[0], AT_REMOVEDIR, 0, 0)
CALL(rename, VFS_RENAME, HERE, w[0], HERE, w[1], 0)
CALL(renameat, VFS_RENAME, w[0], w[1], w[2], w[3], 0)
CALL(link, VFS_LINK, HERE, w[0], HERE, w[1], 0)
CALL(symlink, VFS_SYMLINK, w[0], HERE, w[1], 0, 0)
CALL(chmod, VFS_CHMOD, HERE, w[0], w[1], 0, 0)
CALL(fchmodat, VFS_CHMOD, w[0], w[1], w[2], 0, 0)
CALL(chown, VFS_CHOWN, HERE, w[0], w[1], w[2], 0)
CALL(lchown, VFS_CHOWN, HERE, w[0], w[1], w[2], AT_SYMLINK_NOFOLLOW)
CALL(creat, VFS_OPEN, HERE, w[0], O_CREAT | O_WRONLY | O_TRUNC, w[1], 0)

int64_t linux_truncate(struct thread *t, struct message *m)
{
    uint64_t limit = t->process->limits[RLIMIT_FSIZE].soft;
    m->flags = limit == ~0ul ? 0 : CALL_LIMITED;
    return to_vfs(t, m, VFS_TRUNCATE, HERE, m->w[0], m->w[1], limit, 0);
}

int64_t linux_pipe(struct thread *t, struct message *m)
{
    enum { PAIR = 8 };
    m->op = PIPE_CREATE;
    m->w[1] = m->w[0];
    m->w[2] = 0;
    if (sys_aim(m->call, m->w[1], PAIR, WINDOW_OUT) < 0)
        return -EFAULT;
    return forward(m, service_find("pipe")) == -EPERM ? -ENOSYS : thread_gone(t);
}
