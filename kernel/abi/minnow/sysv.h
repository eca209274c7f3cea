/* System V IPC: its limits, which /proc/sys/kernel shows, and what the personality server publishes
 * of each object, which procfs shows as /proc/sysvipc. The records are part of what the server
 * publishes (minnow/proc.h): SYSV_PLACES of each kind, from offset posix_table.sysv on. */
#ifndef MINNOW_SYSV_H
#define MINNOW_SYSV_H

#include <minnow/types.h>

enum sysv_kind { SYSV_SEM, SYSV_MSG, SYSV_SHM, SYSV_KINDS };

enum {
    SYSV_PLACES = 512, /* objects of a kind: SEMMNI, MSGMNI, SHMMNI */
    SEM_EACH = 250,    /* semaphores of a set: SEMMSL */
    SEM_ALL = 8192,    /* and of all sets: SEMMNS */
    SEM_OPS = 500,     /* operations of a semop: SEMOPM */
    SEM_MOST = 32767,  /* value of a semaphore: SEMVMX */

    MSG_BYTES = 8192,               /* of a message: MSGMAX */
    MSG_QUEUE_BYTES = 16384,        /* of a queue's messages: MSGMNB */
    MSG_QUEUE_BYTES_ROOT = 1 << 20, /* what root may raise that to */
};

/* One object. */
struct posix_sysv {
    bool used; /* else the place is free */
    int32_t key, id;
    uint32_t mode; /* permissions */
    uint32_t uid, gid, cuid, cgid;
    int64_t changed; /* seconds since 1970, as all times here */
    int64_t time[2]; /* semop, -; msgsnd, msgrcv; shmat, shmdt */
    uint32_t pid[2]; /* -; msgsnd, msgrcv; the maker, shmat or shmdt */
    uint64_t amount; /* semaphores; messages; - (struct pm_published) */
    uint64_t bytes;  /* -; of the messages; of the memory */
};

/* What a piece of shared memory may have at most, and all together: SHMMAX. Memory is the limit. */
#define SHM_BYTES (1ul << 46)

#endif
