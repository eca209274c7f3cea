/* The limits of POSIX's message queues, which /proc/sys/fs/mqueue shows. */
#ifndef MINNOW_MQUEUE_H
#define MINNOW_MQUEUE_H

enum {
    MQ_QUEUES = 256,
    MQ_MOST = 256, /* messages of a queue */
    MQ_MOST_DEFAULT = 10,
    MQ_SIZE_MOST = 8192, /* bytes of a message */
    MQ_SIZE_DEFAULT = 8192,
    MQ_MOST_ROOT = 65536, /* root's queues may have more and larger ones */
    MQ_SIZE_MOST_ROOT = 16 << 20,
    MQ_PRIORITIES = 32768,
    MQ_BYTES = 819200,        /* what one user's queues may come to hold: RLIMIT_MSGQUEUE */
    MQ_SIZE_LEAST_MOST = 128, /* the least that root may lower the bytes of a message to */
};

/* The limits that root may change: queues, messages of one, bytes of one, and what a queue has of
 * both if nobody asks. */
enum mq_limit {
    MQ_LIMIT_QUEUES,
    MQ_LIMIT_MOST,
    MQ_LIMIT_SIZE,
    MQ_LIMIT_MOST_DEFAULT,
    MQ_LIMIT_SIZE_DEFAULT,
    MQ_LIMITS
};

#endif
