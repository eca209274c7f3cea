/* What a write to a file of /proc changes: procfs has checked that the caller may open the file,
 * and hands its write up (POSIX_SET). */
#include "setting.h"

#include "capability.h"
#include "user_memory.h"

/* Only a thread of the same process may name another one (as Linux's comm_write() has it). */
static int64_t set_thread_name(const struct thread *t, int tid, const char *text)
{
    struct thread *named = thread_find(tid);
    if (!named)
        return -ESRCH;
    if (named->process != t->process)
        return -EINVAL;
    thread_name(named, text);
    return 0;
}

/* A name of the system, up to the end of its first line. */
static int64_t set_system_name(const struct thread *t, char *to, char *text)
{
    if (!capable(t->process, CAP_SYS_ADMIN))
        return -EPERM;
    char *end = strchr(text, '\n');
    if (end)
        *end = 0;
    memcpy(to, text, PROC_NAME);
    return 0;
}

/* Where core files go. Programs that are to get them by a pipe are not begun here. */
static int64_t set_core_pattern(const struct thread *t, char *text)
{
    char *end = strchr(text, '\n');
    if (!capable(t->process, CAP_SYS_ADMIN))
        return -EPERM;
    if (*text == '|')
        return -EINVAL;
    if (end)
        *end = 0;
    memcpy(table->head.core_pattern, text, PROC_CORE_PATTERN);
    return 0;
}

/* Reads a number, as strtoul() does with base 0. 0, -EINVAL, -ERANGE. */
static int64_t read_number(const char *text, uint32_t *number)
{
    unsigned base = *text != '0' ? 10 : text[1] == 'x' || text[1] == 'X' ? 16 : 8;
    uint64_t n = 0;
    const char *at = text + (base == 16 ? 2 : 0), *from = at;
    for (;; at++) {
        unsigned digit = *at >= '0' && *at <= '9' ? *at - '0' : (*at | 32) - 'a' + 10;
        bool ends = !((*at >= '0' && *at <= '9') || ((*at | 32) >= 'a' && (*at | 32) <= 'f'));
        if (ends || digit >= base || n > UINT32_MAX)
            break;
        n = n * base + digit;
    }
    if (n > UINT32_MAX)
        return -ERANGE;
    if (at == from || (*at && *at != '\n'))
        return -EINVAL;
    *number = n;
    return 0;
}

/* Reads a number from `least` to `most`. 0, -EINVAL. */
static int64_t read_within(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
    return read_number(text, number) || *number < least || *number > most ? -EINVAL : 0;
}

static int64_t set_core_uses_pid(const struct thread *t, const char *text)
{
    uint32_t uses;
    if (!capable(t->process, CAP_SYS_ADMIN))
        return -EPERM;
    int64_t error = read_number(text, &uses);
    if (!error)
        table->head.core_uses_pid = uses != 0;
    return error ? -EINVAL : 0;
}

static int64_t set_core_filter(int pid, const char *text)
{
    enum { ALL = 0x1ff };
    struct process *p = process_find(pid);
    uint32_t filter;
    if (!p || p->zombie)
        return -ESRCH;
    int64_t error = read_number(text, &filter);
    if (!error)
        p->i.core_filter = filter & ALL;
    return error;
}

uint64_t pipe_size_for(uint64_t bytes)
{
    uint64_t size = PAGE_SIZE;
    while (size < bytes && size < PIPE_SIZE_MOST)
        size *= 2;
    return size < bytes ? 0 : size;
}

/* Limits that are root's alone, whatever descriptor another user has got hold of. 0, -EACCES,
 * -EINVAL. May wait. */
static int64_t set_limit(const struct thread *t, enum proc_setting which, const char *text)
{
    uint32_t n;
    if (t->process->i.euid)
        return -EACCES;
    if (read_within(text, 0, INT32_MAX, &n))
        return -EINVAL;
    switch (which) {
    case PROC_SET_LEASE_BREAK: table->head.lease_break = n; return 0;
    case PROC_SET_INOTIFY_INSTANCES: table->head.inotify_instances = n; return 0;
    default:
        table->head.pipe_max = pipe_size_for(n);
        call(service_find("pipe"), PIPE_LIMIT, 0, table->head.pipe_max, 0, 0);
        return t->dead ? LATER : 0;
    }
}

/* The id of the next object of System V IPC, once. */
static int64_t set_next_id(const struct thread *t, enum sysv_kind kind, const char *text)
{
    uint32_t n;
    if (!capable(t->process, CAP_CHECKPOINT_RESTORE) && !capable(t->process, CAP_SYS_ADMIN))
        return -EPERM;
    if (read_within(text, 0, INT32_MAX, &n))
        return -EINVAL;
    table->head.sysv_next[kind] = n;
    return 0;
}

/* A limit of message queues. (Linux: ipc/mq_sysctl.c) */
static int64_t set_mq(const struct thread *t, enum mq_limit which, const char *text)
{
    static const struct {
        uint32_t least, most;
    } range[] = { { 0, INT32_MAX },
                  { 1, MQ_MOST_ROOT },
                  { MQ_SIZE_LEAST_MOST, MQ_SIZE_MOST_ROOT },
                  { 1, MQ_MOST_ROOT },
                  { MQ_SIZE_LEAST_MOST, MQ_SIZE_MOST_ROOT } };
    uint32_t n;
    if (t->process->i.euid)
        return -EACCES;
    if (read_within(text, range[which].least, range[which].most, &n))
        return -EINVAL;
    table->head.mq[which] = n;
    return 0;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The same for a number with a sign, between spaces, which are cut off `text`. */
static int64_t read_signed(char *text, int64_t *number)
{
    size_t end = strlen(text);
    uint32_t n = 0;
    while (end && is_space(text[end - 1]))
        text[--end] = 0;
    while (is_space(*text))
        text++;
    bool negative = *text == '-';
    int64_t error = read_number(text + (negative || *text == '+'), &n);
    *number = negative ? -(int64_t)n : n;
    return error;
}

/* Who may write the file may raise the value. `old`: by the file oom_adj, which has another scale,
 * and no least value (Linux, __set_oom_adj()). */
static int64_t set_oom_adjust(const struct thread *t, int tid, char *text, bool old)
{
    enum { MOST = 1000, OLD_LEAST = -17, OLD_MOST = 15 };
    const struct thread *of = thread_find(tid);
    struct process *p = of ? of->process : process_find(tid);
    bool may = capable(t->process, CAP_SYS_RESOURCE);
    int64_t value, error = read_signed(text, &value);
    if (error)
        return error;
    if (old ? value < OLD_LEAST || value > OLD_MOST : value < -MOST || value > MOST)
        return -EINVAL;
    if (!p)
        return -ESRCH;
    if (old)
        value = value == OLD_MOST ? MOST : value * MOST / -OLD_LEAST;
    if (!may && value < (old ? p->i.oom_adjust : p->i.oom_adjust_least))
        return -EACCES;
    p->i.oom_adjust = value;
    if (!old && may)
        p->i.oom_adjust_least = value;
    return 0;
}

/* How many bytes of a write count. */
static size_t most_of(uint64_t setting)
{
    enum { NUMBER = 12 };
    switch (setting) {
    case PROC_SET_OOM_SCORE_ADJUST:
    case PROC_SET_OOM_ADJUST: return NUMBER;
    case PROC_SET_THREAD_NAME: return PROC_THREAD_NAME - 1;
    case PROC_SET_HOST_NAME:
    case PROC_SET_DOMAIN_NAME: return PROC_NAME - 1;
    default: return PROC_CORE_PATTERN - 1;
    }
}

int64_t setting_write(struct thread *t, struct message *m)
{
    char text[PROC_CORE_PATTERN] = { 0 };
    bool old = m->w[0] == PROC_SET_OOM_ADJUST, cut = old || m->w[0] == PROC_SET_OOM_SCORE_ADJUST;
    size_t n = MIN(m->w[2], most_of(m->w[0]));
    uint64_t length = cut ? n : m->w[2]; /* what of the write is done */
    int64_t error = n ? copy_in_call(m->call, 0, text, n) : 0;
    if (error == -EFAULT)
        return user_throw_window(t, n);
    if (error)
        return error;
    switch (m->w[0]) {
    case PROC_SET_THREAD_NAME: error = set_thread_name(t, (int)m->w[3], text); break;
    case PROC_SET_HOST_NAME: error = set_system_name(t, table->head.node_name, text); break;
    case PROC_SET_DOMAIN_NAME: error = set_system_name(t, table->head.domain_name, text); break;
    case PROC_SET_CORE_PATTERN: error = set_core_pattern(t, text); break;
    case PROC_SET_CORE_USES_PID: error = set_core_uses_pid(t, text); break;
    case PROC_SET_CORE_FILTER: error = set_core_filter((int)m->w[3], text); break;
    case PROC_SET_PIPE_MAX:
    case PROC_SET_INOTIFY_INSTANCES:
    case PROC_SET_LEASE_BREAK: error = set_limit(t, m->w[0], text); break;
    case PROC_SET_SEM_NEXT:
    case PROC_SET_MSG_NEXT:
    case PROC_SET_SHM_NEXT: error = set_next_id(t, m->w[0] - PROC_SET_SEM_NEXT, text); break;
    case PROC_SET_MQ ... PROC_SET_MQ_END - 1: error = set_mq(t, m->w[0] - PROC_SET_MQ, text); break;
    case PROC_SET_OOM_SCORE_ADJUST:
    case PROC_SET_OOM_ADJUST: error = set_oom_adjust(t, (int)m->w[3], text, old); break;
    default: return -EINVAL;
    }
    if (!error)
        reply_position(m, m->w[4] + length);
    return error ? error : (int64_t)length;
}
