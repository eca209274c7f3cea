/* The system as a whole: its name, how much memory and how many processes it has, its log, its
 * random numbers, its end. */
#include "handlers.h"
#include "capability.h"

#include "syscalls.h"
#include "user_memory.h"

/* ---- names ---- */

enum { NAME_SIZE = PROC_NAME };

int64_t linux_uname(struct thread *t, struct message *m)
{
    char name[6][NAME_SIZE] = { SYSTEM_NAME, "", SYSTEM_RELEASE, SYSTEM_VERSION, "x86_64", "" };
    memcpy(name[1], table->head.node_name, NAME_SIZE);
    memcpy(name[5], table->head.domain_name, NAME_SIZE);
    return user_write(t, m->w[0], name, sizeof name);
}

/* sethostname and setdomainname: reads a name into `to`, which has NAME_SIZE bytes. */
static int64_t rename_system(struct thread *t, struct message *m, char *to)
{
    char name[NAME_SIZE] = { 0 };
    if (!capable(t->process, CAP_SYS_ADMIN))
        return -EPERM;
    if (m->w[1] >= NAME_SIZE)
        return -EINVAL;
    int64_t error = m->w[1] ? user_read(t, m->w[0], name, m->w[1]) : 0;
    if (!error)
        memcpy(to, name, NAME_SIZE);
    return error;
}

int64_t linux_sethostname(struct thread *t, struct message *m)
{
    return rename_system(t, m, table->head.node_name);
}
int64_t linux_setdomainname(struct thread *t, struct message *m)
{
    return rename_system(t, m, table->head.domain_name);
}

/* ---- the whole machine ---- */

int64_t linux_sysinfo(struct thread *t, struct message *m)
{
    struct {
        int64_t uptime;
        uint64_t loads[3], total, free, shared, buffers, swap, free_swap;
        uint16_t processes, pad[3];
        uint64_t high, free_high;
        uint32_t unit, end;
    } info = { 0 };
    _Static_assert(sizeof info == 112, "struct sysinfo is Linux's");
    struct system_info s = { 0 };
    ask_info(INFO_SYSTEM, 0, &s, sizeof s);
    info.uptime = time_now() / SECOND;
    info.total = s.frames_all * PAGE_SIZE;
    struct pm_usage programs = { 0 }; /* place 0 of PM's table: its own */
    ask_info(INFO_PUBLISHED, published_at(service_find("pm"), 0), &programs, sizeof programs);
    info.free = (s.frames_for_programs + programs.virtual_pages - programs.resident) * PAGE_SIZE;
    FOR_EACH_PROCESS(p)
    info.processes += p->i.threads;
    enum { UNIT = 65536 / LOAD_ONE /* Linux's fixed point here has 16 bits */ };
    for (unsigned i = 0; i < PROC_LOADS; i++)
        info.loads[i] = table->head.loads[i] * UNIT;
    info.unit = 1;
    return user_write(t, m->w[0], &info, sizeof info);
}

int64_t linux_reboot(struct thread *t, struct message *m)
{
    enum {
        MAGIC1 = 0xfee1dead,
        MAGIC2 = 672274793,
        MAGIC2A = 85072278,
        MAGIC2B = 369367448,
        MAGIC2C = 537993216
    };
    uint32_t magic2 = m->w[1], command = m->w[2];
    if (!capable(t->process, CAP_SYS_BOOT))
        return -EPERM;
    if ((uint32_t)m->w[0] != MAGIC1 ||
        (magic2 != MAGIC2 && magic2 != MAGIC2A && magic2 != MAGIC2B && magic2 != MAGIC2C))
        return -EINVAL;
    switch (command) {
    case 0x4321fedc:
    case 0xcdef0123: return call(service_find("rs"), RS_HALT, HALT_POWEROFF, 0, 0, 0);
    case 0x01234567: return call(service_find("rs"), RS_HALT, HALT_REBOOT, 0, 0, 0);
    case 0x89abcdef:
    case 0: return 0;
    default: return -EINVAL;
    }
}

/* Ports belong to services: no program gets any, as on Linux in lockdown. */
int64_t linux_iopl(struct thread *t, struct message *m)
{
    enum { LEVELS = 4 };
    (void)t;
    if ((uint32_t)m->w[0] >= LEVELS)
        return -EINVAL;
    return (uint32_t)m->w[0] ? -EPERM : 0;
}

int64_t linux_ioperm(struct thread *t, struct message *m)
{
    enum { PORTS = 65536 };
    uint64_t from = m->w[0], end = from + m->w[1];
    (void)t;
    if (end <= from || end > PORTS)
        return -EINVAL;
    return (int)m->w[2] ? -EPERM : 0;
}

/* The boot log is for root alone, because it shows addresses of services. */
int64_t linux_syslog(struct thread *t, struct message *m)
{
    enum { READ = 2, READ_ALL, READ_CLEAR, LEVEL = 8, SIZE_UNREAD, SIZE_BUFFER };
    enum { LOG_SIZE = 65536, LEVEL_MOST = 8 };
    static char piece[1024];
    int action = m->w[0], length = m->w[2];
    if (!capable(t->process, CAP_SYSLOG))
        return -EPERM;
    if (action >= READ && action <= READ_CLEAR && (!m->w[1] || length < 0))
        return -EINVAL;
    switch (action) {
    case SIZE_BUFFER: return LOG_SIZE;
    case LEVEL: return length < 1 || length > LEVEL_MOST ? -EINVAL : 0;
    case READ_ALL:
    case READ_CLEAR: {
        size_t done = 0, want = length;
        while (done < want) {
            int64_t n = ask_info(INFO_LOG, done, piece, MIN(sizeof piece, want - done));
            if (n <= 0)
                break;
            int64_t error = user_write(t, m->w[1] + done, piece, n);
            if (error)
                return error;
            done += n;
        }
        return done;
    }
    default: return action >= 0 && action <= SIZE_BUFFER ? 0 : -EINVAL;
    }
}

int64_t linux_getrandom(struct thread *t, struct message *m)
{
    enum { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4, URANDOM = 9 };
    if (m->w[2] & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
        (m->w[2] & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    uint64_t length = MIN(m->w[1], 33554431ul);
    if (sys_aim(m->call, m->w[0], length, WINDOW_OUT) < 0)
        return -EFAULT;
    m->op = FS_READ;
    m->object = URANDOM;
    m->position = m->flags = 0;
    m->w[1] = m->w[0];
    m->w[2] = length;
    return forward(m, service_find("mem")) < 0 ? -ENOSYS : thread_gone(t);
}
