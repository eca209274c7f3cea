/* Names of core files: /proc/sys/kernel/core_pattern (core(5)). */
#include "core_name.h"

#include "service.h"

/* Adds a word without a path: '/' becomes '!', and a name of dots gets one too, as on Linux. */
static size_t add_name(char *to, size_t room, const char *name)
{
    size_t n = format(to, room, "%s", name);
    for (size_t i = 0; i < n; i++)
        if (to[i] == '/')
            to[i] = '!';
    if (n && to[0] == '.' && (n == 1 || (n == 2 && to[1] == '.')))
        to[0] = '!';
    return n;
}

/* Adds what a letter behind '%' stands for; another letter stands for nothing. */
static size_t add(char letter, char *to, size_t room, const struct process *p,
                  const struct thread *t, int sig)
{
    const struct posix_proc *i = &p->i;
    int64_t sec, nsec;
    switch (letter) {
    case '%': return format(to, room, "%%");
    case 'p':
    case 'P': return format(to, room, "%u", i->pid);
    case 'i':
    case 'I': return format(to, room, "%d", t->tid);
    case 'u': return format(to, room, "%u", i->uid);
    case 'g': return format(to, room, "%u", i->gid);
    case 'd': return format(to, room, "%u", i->dumpable);
    case 's': return format(to, room, "%d", sig);
    case 'c': return format(to, room, "%lu", i->limits[RLIMIT_CORE].soft);
    case 't': time_wall(&sec, &nsec); return format(to, room, "%ld", sec);
    case 'h': return add_name(to, room, table->head.node_name);
    case 'e': return add_name(to, room, thread_record(t)->name);
    case 'f': return add_name(to, room, i->exe_name);
    default: return 0;
    }
}

size_t core_name(char *to, const struct process *p, const struct thread *t, int sig)
{
    enum { WORD = PROC_EXE };
    const char *pattern = table->head.core_pattern;
    bool has_pid = false;
    size_t n = 0;
    for (; *pattern && n + WORD < CORE_NAME; pattern++) {
        if (*pattern != '%') {
            to[n++] = *pattern;
            continue;
        }
        if (!*++pattern)
            break;
        has_pid |= *pattern == 'p';
        n += add(*pattern, to + n, WORD, p, t, sig);
    }
    to[n] = 0;
    if (n + WORD >= CORE_NAME)
        return 0;
    if (!has_pid && table->head.core_uses_pid)
        n += format(to + n, WORD, ".%u", p->i.pid);
    return n;
}
