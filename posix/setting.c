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

int64_t setting_write(struct thread *t, struct message *m)
{
    char text[PROC_NAME] = { 0 };
    uint64_t length = m->w[2];
    size_t most = m->w[0] == PROC_SET_THREAD_NAME ? PROC_THREAD_NAME - 1 : PROC_NAME - 1,
           n = MIN(length, most);
    int64_t error = n ? copy_in_call(m->call, 0, text, n) : 0;
    if (error == -EFAULT)
        return user_throw_window(t, n);
    if (error)
        return error;
    switch (m->w[0]) {
    case PROC_SET_THREAD_NAME: error = set_thread_name(t, (int)m->w[3], text); break;
    case PROC_SET_HOST_NAME: error = set_system_name(t, table->head.node_name, text); break;
    case PROC_SET_DOMAIN_NAME: error = set_system_name(t, table->head.domain_name, text); break;
    default: return -EINVAL;
    }
    if (!error)
        reply_position(m, m->w[4] + length);
    return error ? error : (int64_t)length;
}
