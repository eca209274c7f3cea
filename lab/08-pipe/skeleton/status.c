/* What can be asked of a pipe: poll, ioctl, its size. */
#include "pipe.h"

#include <minnow/tty.h>

/* poll: ends with pollable_answer(); m->flags has the access mode of the open file. */
int64_t do_poll(struct message *m)
{
    (void)m;
    return -ENOSYS;
}

/* ioctl: w[1] is the request, the window its argument. */
int64_t do_ioctl(struct message *m)
{
    (void)m;
    return -ENOTTY;
}

/* fcntl F_GETPIPE_SZ and F_SETPIPE_SZ, from POSIX: w[1] is 0, or the wanted size. */
int64_t do_resize(struct message *m)
{
    (void)m;
    return -ENOSYS;
}
