/* What programs and this server agree on, with Linux's values, and the lab's limit. Of
 * minnow/sysv.h: SEM_EACH, how many semaphores a set may have, and SEM_MOST, the highest value. */
#ifndef SEM_H
#define SEM_H

#include <minnow/sysv.h>

enum { SETS_MAX = 32 }; /* sets that there may be */

/* SEM_GET: the key that is none, and flags beside the permissions. */
enum { IPC_PRIVATE = 0, IPC_CREAT = 01000, IPC_EXCL = 02000 };

/* SEM_OPERATE: the window is an array of these. */
struct sem_operation {
    uint16_t number; /* of the semaphore in the set, from 0 */
    int16_t change;  /* what is added; 0: waits until the value is 0 */
    int16_t flags;   /* IPC_NOWAIT, SEM_UNDO */
};
enum { IPC_NOWAIT = 04000, SEM_UNDO = 0x1000 };

/* SEM_CONTROL: commands. */
enum { IPC_RMID, IPC_SET, IPC_STAT };
enum { GETPID = 11, GETVAL, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL };

/* The window of IPC_STAT and IPC_SET. Fields without a remark are 0. */
struct semid_ds {
    int32_t key;
    uint32_t uid, gid;   /* the owner */
    uint32_t cuid, cgid; /* the maker */
    uint32_t mode;       /* permissions: 9 bits */
    uint64_t unused[3];
    int64_t operated; /* seconds since 1970: the last SEM_OPERATE that was done; 0: none */
    int64_t unused_2;
    int64_t changed; /* made, IPC_SET, SETVAL or SETALL */
    int64_t unused_3;
    uint64_t count; /* semaphores */
    uint64_t unused_4[2];
};
_Static_assert(sizeof(struct semid_ds) == 104, "as programs have it");

#endif
