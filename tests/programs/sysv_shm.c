/* Shared memory of System V: keys and sizes, attaching, counts over fork, exec and exit, removal,
 * the commands, permissions. */
#define _GNU_SOURCE
#include "oracle.h"
#include <grp.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

enum { USER = 1000, PAGE = 4096 };

static struct shmid_ds status(int id)
{
    struct shmid_ds d;
    memset(&d, 0, sizeof d);
    if (shmctl(id, IPC_STAT, &d))
        SAY("IPC_STAT: %s", error_name(errno));
    return d;
}
static long attached(int id) { return status(id).shm_nattch; }
/* Whether an attach succeeds. */
static int good(void *at) { return at == (void *)-1 ? -1 : 1; }
static void reap(const char *what)
{
    int status;
    wait(&status);
    show_status(what, status);
}

static void keys(void)
{
    enum { KEY = 0x4d4e5721 };
    SHOW(shmget(KEY, 100, 0600));
    int id = shmget(KEY, 10000, IPC_CREAT | IPC_EXCL | 0640);
    SHOW(shmget(KEY, 10000, IPC_CREAT | 0600) == id);
    SHOW(shmget(KEY, 0, 0) == id);
    SHOW(shmget(KEY, 10001, 0));
    SHOW(shmget(KEY, 10000, IPC_CREAT | IPC_EXCL));
    SHOW(shmget(KEY + 1, 0, IPC_CREAT | 0600));
    SHOW(shmget(KEY + 1, -1, IPC_CREAT | 0600));
    struct shmid_ds d = status(id);
    SAY("size %lu mode %o attached %lu maker %d last %d atime %ld dtime %ld ctime %d",
        (long)d.shm_segsz, d.shm_perm.mode, (long)d.shm_nattch, d.shm_cpid == getpid(), d.shm_lpid,
        (long)d.shm_atime, (long)d.shm_dtime, labs(d.shm_ctime - time(NULL)) < 3);
    char *at = shmat(id, NULL, 0);
    d = status(id);
    SAY("attached %lu last %d atime %d dtime %ld", (long)d.shm_nattch, d.shm_lpid == getpid(),
        labs(d.shm_atime - time(NULL)) < 3, (long)d.shm_dtime);
    SAY("zero %d %d", at[0], at[12287]);
    SHOW(shmdt(at));
    d = status(id);
    SAY("attached %lu dtime %d", (long)d.shm_nattch, labs(d.shm_dtime - time(NULL)) < 3);
    SHOW(shmdt(at));
    SHOW(shmctl(id, IPC_RMID, NULL));
    SHOW(shmctl(id, IPC_RMID, NULL));
    SHOW(good(shmat(id, NULL, 0)));
    SHOW(good(shmat(-1, NULL, 0)));
    SHOW(shmctl(-1, IPC_RMID, NULL));
}

static sig_atomic_t volatile faulted;
static void *volatile trap;
static void fault(int sig)
{
    faulted = sig;
    mprotect(trap, PAGE, PROT_READ | PROT_WRITE);
    if (errno == EACCES)
        _exit(7);
}

static void attaching(void)
{
    int id = shmget(IPC_PRIVATE, 3 * PAGE, 0600);
    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
    SAY("differ %d attached %ld", a != b, attached(id));
    strcpy(a + PAGE, "the same memory");
    SAY("%s", b + PAGE);
    SHOW(mprotect(b, PAGE, PROT_READ | PROT_WRITE));
    if (!fork()) {
        signal(SIGSEGV, fault);
        trap = b;
        *(volatile char *)b = 1;
        _exit(0);
    }
    reap("writes where it may not");
    SHOW(shmdt(b));
    SHOW(shmdt(b));
    SHOW(shmdt(a + 1));
    SHOW(shmdt(a + PAGE));
    SHOW(shmdt((void *)8));
    /* at an address */
    char *room = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(good(shmat(id, room, 0)));
    SHOW(good(shmat(id, room + 1, 0)));
    SHOW(good(shmat(id, NULL, SHM_REMAP)));
    SHOW(good(shmat(id, (void *)100, SHM_REMAP | SHM_RND)));
    SHOW(shmat(id, room + PAGE, SHM_REMAP) == room + PAGE);
    SAY("%s", room + 2 * PAGE);
    SHOW(shmat(id, room + 4 * PAGE + 77, SHM_REMAP | SHM_RND) == room + 4 * PAGE);
    SAY("%s, attached %ld", room + 5 * PAGE, attached(id));
    munmap(room, 8 * PAGE);
    SAY("unmapped: attached %ld", attached(id));
    SHOW(shmat(id, room, 0) == room);
    SHOW(munmap(room + PAGE, PAGE));
    SAY("a hole: attached %ld", attached(id));
    SHOW(shmdt(room));
    SAY("attached %ld", attached(id));
    SHOW(good(shmat(id, room, SHM_EXEC)));
    SHOW(mprotect(room, PAGE, PROT_READ | PROT_EXEC));
    SAY("split: attached %ld", attached(id));
    SHOW(shmdt(room));
    SAY("attached %ld", attached(id));
    SHOW(shmdt(a));
    a = shmat(id, NULL, 0);
    SAY("kept: %s", a + PAGE);
    SHOW(shmctl(id, IPC_RMID, NULL));
    SHOW(shmdt(a));
}

static void processes(const char *self)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0600), ready[2], go[2], leave[2];
    volatile int *number = shmat(id, NULL, 0);
    char c;
    pipe(ready);
    pipe(go);
    pipe(leave);
    for (int n = 0; n < 2; n++)
        if (!fork()) {
            number[n] = n + 100;
            write(ready[1], "x", 1);
            read(go[0], &c, 1);
            if (n)
                execl(self, self, "new program", NULL);
            shmdt((void *)number);
            write(ready[1], "x", 1);
            read(leave[0], &c, 1);
            _exit(0);
        }
    read(ready[0], &c, 1);
    read(ready[0], &c, 1);
    SAY("%d %d, attached %ld", number[0], number[1], attached(id));
    write(go[1], "xx", 2);
    read(ready[0], &c, 1);
    wait(NULL);
    SAY("after exec and detach %ld", attached(id));
    write(leave[1], "x", 1);
    reap("child");
    pid_t child = fork();
    if (!child)
        pause();
    SAY("child %ld", attached(id));
    kill(child, SIGKILL);
    reap("killed");
    SAY("after it %ld", attached(id));
    /* removed while attached */
    struct shmid_ds d;
    SHOW(shmctl(id, IPC_RMID, NULL));
    d = status(id);
    SAY("removed: mode %o key %d attached %ld number %d", d.shm_perm.mode,
        d.shm_perm.__ipc_perm_key, (long)d.shm_nattch, number[1]);
    void *again = shmat(id, NULL, 0);
    SAY("attached again %d: %d", again != (void *)-1, ((int *)again)[1]);
    SHOW(shmdt(again));
    SHOW(shmctl(id, IPC_RMID, NULL));
    if (!fork()) {
        number[5] = 55;
        _exit(0);
    }
    wait(NULL);
    SAY("%d", number[5]);
    SHOW(shmdt((void *)number));
    SHOW(shmctl(id, IPC_STAT, &d));
    SHOW(good(shmat(id, NULL, 0)));
}

static void commands(void)
{
    int id = shmget(IPC_PRIVATE, 5000, 0600);
    struct shmid_ds d = status(id);
    struct shminfo i;
    struct shm_info used;
    d.shm_perm.mode = 0644;
    d.shm_perm.uid = USER;
    SHOW(shmctl(id, IPC_SET, &d));
    d = status(id);
    SAY("mode %o uid %d", d.shm_perm.mode, d.shm_perm.uid);
    SHOW(shmctl(id, SHM_LOCK, NULL));
    SAY("mode %o", status(id).shm_perm.mode);
    SHOW(shmctl(id, SHM_UNLOCK, NULL));
    SAY("mode %o", status(id).shm_perm.mode);
    SHOW(shmctl(id, IPC_SET, (void *)8));
    SHOW(shmctl(id, IPC_STAT, (void *)8));
    SHOW(shmctl(id, 99, &d));
    int top = shmctl(0, IPC_INFO, (void *)&i);
    SAY("info %d min %lu", top >= 0, i.shmmin);
    SHOW(shmctl(0, SHM_INFO, (void *)&used) == top);
    SAY("used %d pages %d", used.used_ids >= 1, used.shm_tot >= 2);
    SHOW(shmctl(id & 0x7fff, SHM_STAT, &d) == id);
    SAY("size %lu", (long)d.shm_segsz);
    SHOW(shmctl(id & 0x7fff, 15 /* SHM_STAT_ANY */, &d) == id);
    SHOW(shmctl(30000, SHM_STAT, &d));
    SHOW(shmctl(id, IPC_RMID, NULL));
}

static void as_user(int id, int key)
{
    struct shmid_ds d;
    setgroups(0, NULL);
    setresgid(USER, USER, USER);
    setresuid(USER, USER, USER);
    SHOW(shmget(key, 0, 0) == id);
    SHOW(shmget(key, 0, 0600));
    SHOW(shmget(key, 0, 0004) == id);
    SHOW(good(shmat(id, NULL, 0)));
    SHOW(good(shmat(id, NULL, SHM_RDONLY)));
    SHOW(good(shmat(id, NULL, SHM_RDONLY | SHM_EXEC)));
    SHOW(shmctl(id, IPC_STAT, &d));
    SHOW(shmctl(id, IPC_SET, &d));
    SHOW(shmctl(id, SHM_UNLOCK, NULL));
    SHOW(shmctl(id, IPC_RMID, NULL));
    int own = shmget(IPC_PRIVATE, 1, 0);
    SHOW(good(shmat(own, NULL, 0)));
    SHOW(shmctl(own, IPC_STAT, &d));
    SHOW(shmctl(own, IPC_RMID, NULL));
    _exit(0);
}

int main(int argc, char **argv)
{
    enum { KEY = 0x4d4e5722 };
    if (argc > 1)
        return 0;
    keys();
    attaching();
    processes(argv[0]);
    commands();
    int id = shmget(KEY, 100, IPC_CREAT | 0644);
    if (!fork())
        as_user(id, KEY);
    reap("user");
    SHOW(shmctl(id, IPC_RMID, NULL));
    return 0;
}
