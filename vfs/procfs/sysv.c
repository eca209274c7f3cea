/* /proc/sysvipc, and the limits of System V IPC in /proc/sys, in Linux's formats. The limits
 * cannot be changed. */
#include "procfs.h"

#include <minnow/sysv.h>

void make_sysvipc_sem(struct text *t, const struct subject *p)
{
    struct posix_sysv i;
    (void)p;
    text_add(
        t,
        "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    for (unsigned n = 0; n < SYSV_PLACES; n++)
        if (fact_sysv(SYSV_SEM, n, &i))
            text_add(t, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10ld %10ld\n", i.key, i.id, i.mode,
                     i.amount, i.uid, i.gid, i.cuid, i.cgid, i.time[0], i.changed);
}

void make_sysvipc_msg(struct text *t, const struct subject *p)
{
    struct posix_sysv i;
    (void)p;
    text_add(t, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  "
                "cgid      stime      rtime      ctime\n");
    for (unsigned n = 0; n < SYSV_PLACES; n++)
        if (fact_sysv(SYSV_MSG, n, &i))
            text_add(t, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10ld %10ld %10ld\n",
                     i.key, i.id, i.mode, i.bytes, i.amount, i.pid[0], i.pid[1], i.uid, i.gid,
                     i.cuid, i.cgid, i.time[0], i.time[1], i.changed);
}

void make_sysvipc_shm(struct text *t, const struct subject *p)
{
    struct posix_sysv i;
    (void)p;
    text_add(t,
             "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  "
             "cuid  cgid      atime      dtime      ctime                   rss                  "
             "swap\n");
    for (unsigned n = 0; n < SYSV_PLACES; n++)
        if (fact_sysv(SYSV_SHM, n, &i))
            text_add(
                t,
                "%10d %10d  %4o %21lu %5u %5u  %5u %5u %5u %5u %5u %10ld %10ld %10ld %21u %21u\n",
                i.key, i.id, i.mode, i.bytes, i.pid[0], i.pid[1], fact_attached(n), i.uid, i.gid,
                i.cuid, i.cgid, i.time[0], i.time[1], i.changed, 0, 0);
}

#define LIMIT(name, ...)                                          \
    void make_sys_##name(struct text *t, const struct subject *p) \
    {                                                             \
        (void)p;                                                  \
        text_add(t, __VA_ARGS__);                                 \
    }
LIMIT(sem, "%u\t%u\t%u\t%u\n", SEM_EACH, SEM_ALL, SEM_OPS, SYSV_PLACES)
LIMIT(msgmax, "%u\n", MSG_BYTES)
LIMIT(msgmnb, "%u\n", MSG_QUEUE_BYTES)
LIMIT(msgmni, "%u\n", SYSV_PLACES)
LIMIT(shmmax, "%lu\n", SHM_BYTES)
LIMIT(shmall, "%lu\n", SHM_BYTES / PAGE_SIZE)
LIMIT(shmmni, "%u\n", SYSV_PLACES)
