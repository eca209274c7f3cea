/* Ids of System V's objects that name nothing, though an object has their place: each call says
 * EINVAL, as for an id that never was. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static void semaphores(int id)
{
    struct semid_ds d;
    struct sembuf up = { 0, 1, 0 };
    unsigned short values[1];
    SHOW(semctl(id, 0, GETVAL));
    SHOW(semctl(id, 0, SETVAL, 1));
    SHOW(semctl(id, 0, GETALL, values));
    SHOW(semctl(id, 0, GETPID));
    SHOW(semctl(id, 0, IPC_STAT, &d));
    SHOW(semop(id, &up, 1));
    SHOW(semctl(id, 0, IPC_RMID));
}

static void messages(int id)
{
    struct msqid_ds d;
    struct {
        long type;
        char text[8];
    } letter = { .type = 1 };
    SHOW(msgsnd(id, &letter, 1, IPC_NOWAIT));
    SHOW(msgrcv(id, &letter, 1, 0, IPC_NOWAIT));
    SHOW(msgctl(id, IPC_STAT, &d));
    SHOW(msgctl(id, IPC_RMID, NULL));
}

static void memory(int id)
{
    struct shmid_ds d;
    SHOW(shmat(id, NULL, 0) == (void *)-1 ? -1 : 0);
    SHOW(shmctl(id, IPC_STAT, &d));
    SHOW(shmctl(id, SHM_LOCK, NULL));
    SHOW(shmctl(id, IPC_RMID, NULL));
}

int main(void)
{
    static const int other[] = { 1 << 30, 1 << 15, 3 << 15, 1 << 20 };
    int set = semget(IPC_PRIVATE, 1, 0600), queue = msgget(IPC_PRIVATE, 0600),
        segment = shmget(IPC_PRIVATE, 4096, 0600);
    for (int i = 0; i < 4; i++) {
        semaphores(set ^ other[i]);
        messages(queue ^ other[i]);
        memory(segment ^ other[i]);
    }
    SHOW(semctl(set, 0, IPC_RMID));
    SHOW(msgctl(queue, IPC_RMID, NULL));
    SHOW(shmctl(segment, IPC_RMID, NULL));
    return 0;
}
