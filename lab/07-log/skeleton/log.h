/* What the log promises, and the disk below it. The operations stand in
 * kernel/abi/minnow/protocol.def. This file is not yours to change. */
#ifndef LOG_H
#define LOG_H

#include <stdint.h>

enum {
    BLOCK = 1024,    /* bytes of a block */
    SECTOR = 512,    /* what reaches the disk as a whole or not at all; a block has two */
    LOG_BLOCKS = 32, /* the first blocks of the disk: the log's own, laid out as you like */
    HOME = 32,       /* blocks of the file server's, 0 to HOME - 1, behind the log's */
    LOG_MAX = 8,     /* different blocks that a transaction writes at most */
    LOG_OPEN = 4,    /* transactions that are open at the same time at most */
};

/* Where on the disk the file server's block n has its home. */
#define HOME_AT(n) (LOG_BLOCKS + (n))

/* One block of the disk, 0 to LOG_BLOCKS + HOME - 1. A write has been taken by the disk when the
 * function returns; it is sure to last, whole, when a flush that came after it has returned. 0 or
 * -EIO. */
int disk_read(unsigned block, void *to);
int disk_write(unsigned block, const void *from);
int disk_flush(void);

#endif
