/* execve. All that can fail is done first: the arguments are collected, the file is found and looked at; then PM
 * replaces the space, and what must not survive is dropped (POSIX, exec, "Description"). */
#include "exec.h"

#include "cred.h"
#include "handlers.h"
#include "locks.h"
#include "ptimer.h"
#include "signal.h"
#include "syscalls.h"
#include "user.h"
#include <minnow/file.h>

enum { SCRIPTS_MAX = 4, HEAD = 256, POINTERS_AT_ONCE = 16, X_OK = 1, PATH_SIZE = 4096 };
enum { ARGUMENTS_MAX = 16384 };

/* The one exec in progress: its arguments are collected here. */
static struct { struct pm_exec head; char strings[PM_EXEC_STRINGS_MAX]; } image;
static struct lock exec_lock;

struct program {
    char path[PATH_SIZE];
    endpoint_t service;
    uint64_t object, dir;          /* dir: that it was found in; 0: none */
    bool unreadable;
    uint32_t mode, uid, gid;
    char head[HEAD + 1];
    size_t head_length;
};
static struct program program;

/* ---- arguments ---- */

static int64_t append(const char *s, size_t length)
{
    if (image.head.bytes + length + 1 > PM_EXEC_STRINGS_MAX)
        return -E2BIG;
    memcpy(image.strings + image.head.bytes, s, length);
    image.head.bytes += length;
    image.strings[image.head.bytes++] = 0;
    return 0;
}

/* The argument strings of a program lie side by side, so a piece of its memory is fetched at a time. */
static struct { caller_t at; size_t length; char bytes[512]; } piece;

/* Copies the string at `from` to `to`, which has room for size bytes, as user_string does. */
static int64_t fetch_string(struct thread *t, caller_t from, char *to, size_t size)
{
    if (from < piece.at || from >= piece.at + piece.length) {
        piece.at = from;
        piece.length = MIN(sizeof piece.bytes, PAGE_SIZE - (from & (PAGE_SIZE - 1)));
        if (user_peek(t, from, piece.bytes, piece.length)) {
            piece.length = 0;
            return user_throw(t, from, 1, WINDOW_IN);
        }
    }
    const char *start = piece.bytes + (from - piece.at);
    size_t have = piece.length - (from - piece.at);
    const char *end = memchr(start, 0, have);
    if (!end || (size_t)(end - start) >= size)
        return user_string(t, from, to, size);
    memcpy(to, start, end - start + 1);
    return end - start;
}

/* Adds the strings of a NULL-terminated array of pointers; their number, or an error. */
static int64_t collect(struct thread *t, caller_t array)
{
    uint64_t pointers[POINTERS_AT_ONCE];
    if (!array)
        return 0;
    for (unsigned n = 0;;) {
        size_t want = MIN(sizeof pointers, PAGE_SIZE - (array & (PAGE_SIZE - 1)) >= 8 ? (PAGE_SIZE - (array & (PAGE_SIZE - 1))) & ~7ul : 8);
        int64_t error = user_read(t, array, pointers, want);
        if (error)
            return error;
        array += want;
        for (size_t i = 0; i < want / 8; i++) {
            if (!pointers[i])
                return n;
            size_t room = PM_EXEC_STRINGS_MAX - image.head.bytes;
            int64_t length = room ? fetch_string(t, pointers[i], image.strings + image.head.bytes, room) : -ENAMETOOLONG;
            if (length == -ENAMETOOLONG || ++n > ARGUMENTS_MAX)
                return -E2BIG;
            if (length < 0)
                return length;
            image.head.bytes += length + 1;
        }
    }
}

/* ---- the file ---- */

static int64_t resolve(struct thread *t, bool from_root)
{
    struct call_result r;
    struct process *p = t->process;
    int64_t error = call_window(service_find("vfs"), &(struct call_args){ .op = VFS_RESOLVE, .w0 = from_root ? 0 : p->i.task,
                                .w3 = X_OK, .w4 = from_root }, WINDOW_IN, program.path, strlen(program.path) + 1, &r);
    if (error < 0)
        return error;
    program.service = resolved_service(r.r1);
    program.object = r.r2;
    program.dir = r.r3;
    program.unreadable = r.r1 & RESOLVED_UNREADABLE;
    program.mode = resolved_mode(r.r1);
    program.uid = resolved_uid(r.r1);
    program.gid = 0;
    if (!S_ISREG(program.mode))
        return -EACCES;
    if (program.mode & S_ISGID) {
        struct stat st;
        if (call_window(program.service, &(struct call_args){ .op = FS_STAT, .object = program.object }, WINDOW_OUT, &st, sizeof st, NULL) == 0)
            program.gid = st.gid;
    }
    int64_t n = call_window(program.service, &(struct call_args){ .op = FS_READ, .object = program.object }, WINDOW_OUT,
                            program.head, HEAD, NULL);
    if (n < 0)
        return n;
    program.head_length = n;
    program.head[n] = 0;
    return 0;
}

/* The program is "#! interpreter argument": puts these and the script's path in front, in place of argv[0]. */
static int64_t script(void)
{
    char *p = program.head + 2, *end = program.head + program.head_length;
    char *line_end = memchr(p, '\n', end - p);
    if (!line_end) {
        if (program.head_length == HEAD && !memchr(p, ' ', end - p) && !memchr(p, '\t', end - p))
            return -ENOEXEC;
        line_end = end;
    }
    while (line_end > p && (line_end[-1] == ' ' || line_end[-1] == '\t'))
        line_end--;
    *line_end = 0;
    while (*p == ' ' || *p == '\t')
        p++;
    if (!*p)
        return -ENOEXEC;
    char *argument = p;
    while (*argument && *argument != ' ' && *argument != '\t')
        argument++;
    if (*argument) {
        *argument++ = 0;
        while (*argument == ' ' || *argument == '\t')
            argument++;
    }
    size_t first = image.head.argc ? strlen(image.strings) + 1 : 0;
    size_t name = strlen(p) + 1, extra = *argument ? strlen(argument) + 1 : 0, path = strlen(program.path) + 1;
    size_t front = name + extra + path;
    if (image.head.bytes - first + front > PM_EXEC_STRINGS_MAX)
        return -E2BIG;
    memmove(image.strings + front, image.strings + first, image.head.bytes - first);
    memcpy(image.strings, p, name);
    memcpy(image.strings + name, argument, extra);
    memcpy(image.strings + name + extra, program.path, path);
    image.head.bytes += front - first;
    image.head.argc += (image.head.argc ? 1 : 2) + (extra ? 1 : 0);
    memcpy(program.path, p, name);
    return 0;
}

/* What is no program of PM's, which asks itself, is not run either while somebody may write to it. 0, -ETXTBSY. */
static int64_t nobody_writes(void)
{
    struct call_args a = { .op = FS_HOLD, .object = program.object };
    int64_t error = call_window(program.service, &a, WINDOW_NONE, (void *)1, true, NULL);
    if (error == 0)
        call_window(program.service, &a, WINDOW_NONE, (void *)-1ul, true, NULL);
    return error == -ETXTBSY ? error : 0;
}

static int64_t find_program(struct thread *t, bool from_root)
{
    for (int depth = 0;; depth++) {
        int64_t error = resolve(t, from_root);
        if (error)
            return error;
        if (program.head_length >= 4 && !memcmp(program.head, "\177ELF", 4))
            return 0;
        if ((error = nobody_writes()))
            return error;
        if (program.head_length < 2 || memcmp(program.head, "#!", 2))
            return -ENOEXEC;
        if (depth == SCRIPTS_MAX)
            return -ELOOP;
        if ((error = script()))
            return error;
    }
}

/* ---- the change ---- */

/* What others see of the program that p runs now, whose strings stand at this address. */
static void name_process(struct process *p, caller_t strings_at)
{
    const char *base = image.head.name, *slash;
    while ((slash = strchr(base, '/')) && slash[1])
        base = slash + 1;
    size_t n = strnlen(base, sizeof p->i.name - 1);
    memcpy(p->i.name, base, n);
    p->i.name[n] = 0;
    base = program.path;
    while ((slash = strchr(base, '/')) && slash[1])
        base = slash + 1;
    n = strnlen(base, sizeof p->i.exe_name - 1);
    memcpy(p->i.exe_name, base, n);
    p->i.exe_name[n] = 0;
    p->i.exe_service = program.service;
    p->i.exe_object = program.object;
    p->i.exe_dir = program.dir;
    size_t arguments = 0;
    for (uint32_t i = 0; i < image.head.argc; i++)
        arguments += strlen(image.strings + arguments) + 1;
    p->i.strings_at = strings_at;
    p->i.argument_bytes = arguments;
    p->i.environment_bytes = image.head.bytes - arguments;
}

static void reset_signals(struct process *p, struct thread *t)
{
    for (int sig = 1; sig <= SIGNALS; sig++) {
        struct sigaction *a = &p->actions[sig - 1];
        *a = (struct sigaction){ .handler = a->handler == SIG_IGN ? SIG_IGN : SIG_DFL };
    }
    p->i.caught = 0;
    t->alt_base = t->alt_size = 0;
    t->alt_flags = SS_DISABLE;
    t->clear_tid = t->robust_list = 0;
    t->restart.set = false;
}

static void set_ids(struct process *p)
{
    struct posix_proc *i = &p->i;
    if (!p->no_new_privs && (program.mode & S_ISUID))
        i->euid = program.uid;
    if (!p->no_new_privs && (program.mode & (S_ISGID | 010)) == (S_ISGID | 010))
        i->egid = program.gid;
    i->dumpable = i->uid == i->euid && i->gid == i->egid && !program.unreadable;
    bool changed = i->suid != i->euid || i->sgid != i->egid || i->fsuid != i->euid || i->fsgid != i->egid;
    i->suid = i->fsuid = i->euid;
    i->sgid = i->fsgid = i->egid;
    if (changed)
        cred_tell(p);
}

/* The arguments stand in `image`, the path in `program`. REGISTERS, an error, or LATER when the process has ended. */
static int64_t replace(struct thread *t, bool from_root)
{
    struct process *p = t->process;
    size_t n = strnlen(program.path, sizeof image.head.name - 1);
    memcpy(image.head.name, program.path, n);
    image.head.name[n] = 0;
    int64_t error = find_program(t, from_root);
    if (error)
        return error;
    if (t->dead)
        return LATER;
    threads_end_others(p, t);
    if (t->tid != (int)p->i.pid)
        thread_rename(t, p->i.pid);
    bool setuid = !p->no_new_privs && (program.mode & S_ISUID), setgid = !p->no_new_privs && (program.mode & (S_ISGID | 010)) == (S_ISGID | 010);
    image.head.service = program.service;
    image.head.object = program.object;
    image.head.uid = p->i.uid, image.head.gid = p->i.gid;
    image.head.euid = setuid ? program.uid : p->i.euid;
    image.head.egid = setgid ? program.gid : p->i.egid;
    image.head.secure = image.head.euid != image.head.uid || image.head.egid != image.head.gid;
    image.head.stack_limit = p->i.limit_stack;
    enum { ADDR_NO_RANDOMIZE = 0x40000 };
    image.head.flags = p->personality & ADDR_NO_RANDOMIZE ? PM_EXEC_NO_RANDOM : 0;
    struct call_result r;
    error = call_window(service_find("pm"), &(struct call_args){ .op = PM_EXEC, .w0 = p->i.task }, WINDOW_IN, &image,
                        sizeof image.head + image.head.bytes, &r);
    if (error < 0) {
        if (error == -EFAULT)
            p->doomed = SIGKILL + 1, t->attention = true;
        return error;
    }
    if (p->locks)
        locks_drop_at_exec(p);
    kernel_call(SYS_CONN_EXEC, p->i.task, 0, 0, 0, 0, 0);
    struct regs regs = { .rip = r.r1, .rsp = r.r2, .rflags = 0x202 };
    kernel_call(SYS_REGS_SET, t->index, (uint64_t)&regs, FPU_RESET, 0, 0, 0);
    reset_signals(p, t);
    ptimers_delete(p);
    name_process(p, r.r3);
    p->execed = true;
    p->shares = false;
    set_ids(p);
    process_vfork_end(p);
    thread_recheck(t);
    return REGISTERS;
}

/* Also keeps the process from being ended in the middle, and other execs out. */
static int64_t replace_alone(struct thread *t, bool from_root)
{
    struct process *p = t->process;
    p->busy++;
    int64_t result = replace(t, from_root);
    p->busy--;
    return result;
}

int64_t linux_execve(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    p->busy++;
    lock_take(&exec_lock);
    p->busy--;
    memset(&image.head, 0, sizeof image.head);
    piece.length = 0;
    int64_t result = user_string(t, m->w[0], program.path, sizeof program.path);
    if (result >= 0)
        result = result ? collect(t, m->w[1]) : -ENOENT;
    if (result >= 0) {
        image.head.argc = result;
        if (!result && !(result = append("", 0)))
            image.head.argc = 1;
    }
    if (result >= 0)
        result = collect(t, m->w[2]);
    if (result >= 0) {
        image.head.envc = result;
        result = replace_alone(t, false);
    }
    lock_give(&exec_lock);
    return result;
}

int64_t exec_init(struct thread *t)
{
    static const char *const environment[] = { "HOME=/root", "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "TERM=linux", "USER=root" };
    lock_take(&exec_lock);
    memset(&image.head, 0, sizeof image.head);
    memcpy(program.path, "/sbin/init", sizeof "/sbin/init");
    append("init", 4);
    image.head.argc = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(environment); i++)
        append(environment[i], strlen(environment[i]));
    image.head.envc = ARRAY_SIZE(environment);
    int64_t result = replace_alone(t, true);
    lock_give(&exec_lock);
    return result;
}
