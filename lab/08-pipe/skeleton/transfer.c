/* Reading and writing, and the calls that wait. */
#include "pipe.h"

/* read: w[2] is how many bytes the window has; m->flags may have O_NONBLOCK. */
int64_t do_read(struct message *m)
{
    (void)m;
    return -ENOSYS;
}

/* write: likewise. */
int64_t do_write(struct message *m)
{
    (void)m;
    return -ENOSYS;
}
