/* What the lab says of pipes: limits, and the flags of ends. Not yours to change. */
#ifndef LIMITS_H
#define LIMITS_H

#include <minnow/file.h>
#include <minnow/message.h>

enum {
    PIPES = 64,            /* pipes and FIFOs that can be open at a time */
    PIPE_CAPACITY = 65536, /* bytes that a pipe holds */
    PIPE_ATOMIC = 4096,    /* PIPE_BUF: a write of up to so many bytes goes in as a whole */
    PIPE_DEV = 12,         /* st_dev of all pipes */
    END_READ = 0,
    END_WRITE = 1
};

/* Which sides of the pipe an open file uses, by the access mode in its flags: a FIFO that was
 * opened O_RDWR is both. */
static inline bool reads(uint64_t flags) { return (flags & O_ACCMODE) != O_WRONLY; }
static inline bool writes(uint64_t flags) { return (flags & O_ACCMODE) != O_RDONLY; }

/* What connect() gets for the flags of an open: without those that count only at the open. */
static inline uint64_t end_flags(uint64_t flags)
{
    return flags & O_ALL & ~(uint64_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
}

#endif
