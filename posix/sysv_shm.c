/* Shared memory of System V. The memory is PM's (PM_SEGMENT_...), which also counts how often it is
 * attached, over fork, exec and exit; here are ids, owners and times.
 *
 * Memory that is removed while it is attached keeps its id, without a key, until the last region
 * has gone. PM tells nobody of that, so each call here first looks which of the removed ones have
 * gone (collect). */
#include "capability.h"
#include "handlers.h"
#include "syscalls.h"
#include "sysv.h"
#include "user_memory.h"

enum { SHM_HUGETLB = 04000 };
enum { SHM_RDONLY = 010000, SHM_RND = 020000, SHM_REMAP = 040000, SHM_EXEC = 0100000 };
enum { SHM_DEST = 01000, SHM_LOCKED = 02000 }; /* in the mode */
enum { SYSV_EXEC = 0111 };

static unsigned place_of(const struct sysv *x) { return x->i - table->sysv[SYSV_SHM]; }

static uint32_t attached(const struct sysv *x)
{
    uint32_t n = 0;
    uint64_t at = offsetof(struct pm_published, attached) + place_of(x) * sizeof n;
    ask_info(INFO_PUBLISHED, published_at(service_find("pm"), at), &n, sizeof n);
    return n;
}

/* Forgets the removed ones that nobody has attached any more. */
static void collect(void)
{
    for (int n = 0; n < SYSV_PLACES; n++) {
        struct sysv *x = sysv_at(SYSV_SHM, n);
        if (x && x->i->mode & SHM_DEST && !attached(x)) {
            sysv_remove(SYSV_SHM, x);
            memory_free(x);
        }
    }
}

/* ---- shmget, shmat, shmdt ---- */

/* May wait. */
static int64_t make(struct thread *t, int32_t key, uint64_t size, uint32_t flags)
{
    struct sysv *x = memory_zalloc(sizeof *x);
    int64_t id = x ? sysv_add(SYSV_SHM, x, t->process, key, flags) : -ENOMEM;
    if (id < 0) {
        memory_free(x);
        return id;
    }
    x->i->bytes = size;
    x->i->pid[0] = t->process->i.pid;
    int64_t failed = call(service_find("pm"), PM_SEGMENT_MAKE, place_of(x), size, (uint32_t)key,
                          id);
    if (!failed)
        return id;
    if ((x = sysv_find(SYSV_SHM, id))) {
        sysv_remove(SYSV_SHM, x);
        memory_free(x);
    }
    return failed;
}

int64_t linux_shmget(struct thread *t, struct message *m)
{
    uint64_t size = m->w[1];
    uint32_t flags = m->w[2];
    struct sysv *x;
    collect();
    int64_t error = sysv_look(SYSV_SHM, m->w[0], flags, &x);
    if (error)
        return error;
    if (x)
        return x->i->bytes < size                  ? -EINVAL
               : sysv_allows(t->process, x, flags) ? x->i->id
                                                   : -EACCES;
    if (flags & SHM_HUGETLB) /* as Linux without CONFIG_HUGETLBFS */
        return -EINVAL;
    return size && size <= SHM_BYTES ? make(t, m->w[0], size, flags) : -EINVAL;
}

int64_t linux_shmat(struct thread *t, struct message *m)
{
    int32_t id = m->w[0];
    caller_t at = m->w[1];
    uint32_t flags = m->w[2], pid = t->process->i.pid;
    uint32_t asked = SYSV_READ | (flags & SHM_RDONLY ? 0 : SYSV_WRITE) |
                     (flags & SHM_EXEC ? SYSV_EXEC : 0);
    collect();
    if (flags & SHM_RND)
        at &= ~(caller_t)(PAGE_SIZE - 1);
    if (id < 0 || at % PAGE_SIZE || (!at && flags & SHM_REMAP))
        return -EINVAL;
    struct sysv *x = sysv_find(SYSV_SHM, id);
    if (!x)
        return -EINVAL;
    if (!sysv_allows(t->process, x, asked))
        return -EACCES;
    int64_t result = call(service_find("pm"), PM_SEGMENT_MAP, place_of(x), at,
                          (flags & SHM_RDONLY ? SEGMENT_READ_ONLY : 0) |
                              (flags & SHM_EXEC ? SEGMENT_EXEC : 0) |
                              (flags & SHM_REMAP ? SEGMENT_REPLACE : 0),
                          t->process->i.task);
    x = sysv_find(SYSV_SHM, id);
    if (result > 0 && x)
        x->i->pid[1] = pid, x->i->time[0] = seconds_now();
    return result;
}

int64_t linux_shmdt(struct thread *t, struct message *m)
{
    uint32_t pid = t->process->i.pid;
    int64_t place = call(service_find("pm"), PM_SEGMENT_UNMAP, m->w[0], t->process->i.task, 0, 0);
    if (place < 0)
        return place;
    struct sysv *x = sysv_at(SYSV_SHM, place);
    if (x)
        x->i->pid[1] = pid, x->i->time[1] = seconds_now();
    collect();
    return 0;
}

/* ---- shmctl ---- */

enum { SHM_LOCK = 11, SHM_UNLOCK, SHM_STAT, SHM_INFO, SHM_STAT_ANY };

struct shmid_ds {
    struct ipc_perm perm;
    uint64_t size;
    int64_t attach_time, detach_time, change_time;
    uint32_t maker, last;
    uint64_t attached, unused[2];
};

struct shminfo {
    uint64_t most, least, places, each, pages, unused[4];
};

struct shm_info {
    int32_t used, pad;
    uint64_t pages, resident, swapped, swap_attempts, swap_successes;
};

static int64_t limits(struct thread *t, caller_t to)
{
    struct shminfo i = { .most = SHM_BYTES,
                         .least = 1,
                         .places = SYSV_PLACES,
                         .each = SYSV_PLACES,
                         .pages = SHM_BYTES / PAGE_SIZE };
    int64_t error = user_write(t, to, &i, sizeof i);
    return error ? error : sysv_highest(SYSV_SHM);
}

static int64_t in_use(struct thread *t, caller_t to)
{
    struct shm_info i = { .used = sysv_used(SYSV_SHM) };
    for (int n = 0; n < SYSV_PLACES; n++)
        if (sysv_at(SYSV_SHM, n))
            i.pages += PAGE_UP(sysv_at(SYSV_SHM, n)->i->bytes) / PAGE_SIZE;
    int64_t error = user_write(t, to, &i, sizeof i);
    return error ? error : sysv_highest(SYSV_SHM);
}

static int64_t stat(struct thread *t, int32_t id, int cmd, caller_t to)
{
    int64_t error;
    const struct sysv *x = sysv_stat(t->process, SYSV_SHM, id, cmd != IPC_STAT, cmd == SHM_STAT_ANY,
                                     &error);
    if (!x)
        return error;
    const struct posix_sysv *i = x->i;
    struct shmid_ds d = { .perm = sysv_perm(x),
                          .size = i->bytes,
                          .attach_time = i->time[0],
                          .detach_time = i->time[1],
                          .change_time = i->changed,
                          .maker = i->pid[0],
                          .last = i->pid[1],
                          .attached = attached(x) };
    error = user_write(t, to, &d, sizeof d);
    return error ? error : cmd == IPC_STAT ? 0 : i->id;
}

static int64_t set_owner(struct thread *t, int32_t id, caller_t from)
{
    struct shmid_ds d;
    int64_t error = user_read(t, from, &d, sizeof d);
    if (error)
        return error;
    struct sysv *x = sysv_own(t->process, SYSV_SHM, id, &error);
    return x ? sysv_set(x, &d.perm) : error;
}

/* May wait. */
static int64_t remove(struct thread *t, int32_t id)
{
    int64_t error;
    struct sysv *x = sysv_own(t->process, SYSV_SHM, id, &error);
    if (!x)
        return error;
    if (x->i->mode & SHM_DEST)
        return 0;
    x->i->mode |= SHM_DEST;
    x->i->key = 0;
    call(service_find("pm"), PM_SEGMENT_DROP, place_of(x), 0, 0, 0);
    collect();
    return 0;
}

/* All memory is always there, so this is a mark. */
static int64_t lock(struct thread *t, int32_t id, bool on)
{
    const struct posix_proc *i = &t->process->i;
    struct sysv *x = sysv_find(SYSV_SHM, id);
    if (!x)
        return -EINVAL;
    bool own = i->euid == x->i->uid || i->euid == x->i->cuid;
    if (!capable(t->process, CAP_IPC_LOCK) && (!own || (on && !i->limits[RLIMIT_MEMLOCK].soft)))
        return -EPERM;
    x->i->mode = (x->i->mode & ~(uint32_t)SHM_LOCKED) | (on ? SHM_LOCKED : 0);
    return 0;
}

int64_t linux_shmctl(struct thread *t, struct message *m)
{
    int32_t id = m->w[0], cmd = m->w[1];
    if (id < 0 || cmd < 0)
        return -EINVAL;
    collect();
    switch (cmd) {
    case IPC_RMID: return remove(t, id);
    case IPC_SET: return set_owner(t, id, m->w[2]);
    case IPC_INFO: return limits(t, m->w[2]);
    case SHM_INFO: return in_use(t, m->w[2]);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY: return stat(t, id, cmd, m->w[2]);
    case SHM_LOCK:
    case SHM_UNLOCK: return lock(t, id, cmd == SHM_LOCK);
    default: return -EINVAL;
    }
}
