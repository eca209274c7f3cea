/* What fstatfs says of files that no disk holds. */
#ifndef STATFS_H
#define STATFS_H

#include <minnow/file.h>
#include "service.h"

/* /dev, and the file system of pseudo-terminals */
enum { DEVTMPFS_MAGIC = 0x01021994, DEVPTS_MAGIC = 0x1cd1 };

/* The handler of FS_STATFS for devices, pipes, sockets and their like, whose kind this number names
 * on Linux (linux/magic.h). 0, -EFAULT. */
static inline int64_t statfs_without_disk(struct message *m, uint32_t kind)
{
    struct statfs s = {
        .type = kind, .bsize = PAGE_SIZE, .namelen = NAME_MAX, .frsize = PAGE_SIZE
    };
    return copy_out(m, 0, &s, sizeof s) ? -EFAULT : 0;
}

/* The same for devices that stand in /dev. */
static inline int64_t statfs_of_device(struct message *m)
{
    return statfs_without_disk(m, DEVTMPFS_MAGIC);
}

#endif
