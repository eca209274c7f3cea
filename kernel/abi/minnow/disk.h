/* What a driver of disks publishes (SYS_PUBLISH) of each of its disks and their partitions: for
 * procfs, which reads it with SYS_INFO INFO_PUBLISHED. A driver that dies begins again with 0. */
#ifndef MINNOW_DISK_H
#define MINNOW_DISK_H

#include <minnow/types.h>

enum { DISKS_MAX = 4 /* of a driver */, DISK_PARTITIONS = 5 /* with the whole disk */ };

/* How often something was moved, how many sectors, and how long that took together. */
struct disk_moved {
    uint64_t count, sectors, ns;
};
struct disk_part {
    uint64_t sectors; /* 0: there is no such partition */
    struct disk_moved read, written;
    uint64_t flushes, flush_ns; /* of the whole disk */
};
struct disk_published {
    struct disk_part part[DISKS_MAX][DISK_PARTITIONS];
};

#endif
