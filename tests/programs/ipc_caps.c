/* Capabilities, and not the user id, decide about message queues and shared memory of others. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>

enum { DAC_OVERRIDE = 1, DAC_READ_SEARCH, FOWNER, IPC_LOCK = 14 };
enum { SHM_LOCK_ = 11, SHM_UNLOCK_, OTHER = 4242 };

struct header {
    uint32_t version;
    int pid;
};
struct sets {
    uint32_t effective, permitted, inheritable;
};

/* Keeps these capabilities alone. */
static void only(uint32_t set)
{
    struct header h = { 0x20080522, 0 };
    struct sets s[2] = { { set, set, 0 }, { 0, 0, 0 } };
    SHOW(syscall(SYS_capset, &h, s));
}

static long open_queue(const char *name, int flags)
{
    long fd = syscall(SYS_mq_open, name, flags, 0, NULL);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

static void look(int id)
{
    SHOW(open_queue("closed", O_RDONLY));
    SHOW(open_queue("closed", O_WRONLY));
    SHOW(open_queue("closed", O_RDWR));
    SHOW(shmctl(id, SHM_LOCK_, NULL));
    SHOW(shmctl(id, SHM_UNLOCK_, NULL));
    SHOW(syscall(SYS_mq_unlink, "closed"));
}

static void with(const char *what, int uid, uint32_t set, int id)
{
    fflush(stdout);
    syscall(SYS_mq_unlink, "closed");
    SHOW(open_queue("closed", O_CREAT | O_RDWR));
    if (!fork()) {
        setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ 0, 0 });
        prctl(PR_SET_KEEPCAPS, 1);
        if (uid && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
            SAY("root is needed");
        SAY("%s:", what);
        only(set);
        look(id);
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    with("root without any", 0, 0, id);
    with("root who may read", 0, 1 << DAC_READ_SEARCH, id);
    with("root who may lock", 0, 1 << IPC_LOCK, id);
    with("another without any", OTHER, 0, id);
    with("another who may read", OTHER, 1 << DAC_READ_SEARCH, id);
    with("another who may do all to files", OTHER, 1 << DAC_OVERRIDE, id);
    with("another who acts as an owner", OTHER, 1 << FOWNER, id);
    with("another who may lock", OTHER, 1 << IPC_LOCK, id);
    syscall(SYS_mq_unlink, "closed");
    shmctl(id, IPC_RMID, NULL);
    return 0;
}
