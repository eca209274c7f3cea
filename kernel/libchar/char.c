#include "char.h"

int64_t char_open(struct message *m, bool known, uint32_t how)
{
    return known ? connect(m, m->object, m->w[1] | how) : -ENXIO;
}

int64_t char_stat(struct message *m, unsigned major, uint32_t permissions)
{
    uint64_t rdev = makedev(major, m->object);
    struct stat s = { .dev = DEVFS_DEV,
                      .ino = rdev,
                      .nlink = 1,
                      .mode = S_IFCHR | permissions,
                      .rdev = rdev,
                      .blksize = PAGE_SIZE };
    return copy_out(m, 0, &s, sizeof s);
}

int64_t char_poll(struct message *m)
{
    return m->w[1] & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}
