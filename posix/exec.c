/* execve: another program in the same process.
 *
 * All that can fail is done first, in an order that leaves the old program as it was:
 *
 *   find_program   VFS finds the file; its head says ELF, or a script, whose interpreter is looked
 *                  for in its place. A set-id file is held against writers until PM has it mapped.
 *   ask_pm, TRY    only if others would notice the next step, which must not be for a call that
 *                  fails: PM collects the arguments and looks at the file, and changes nothing.
 *   threads_end_others, thread_leaves; the thread that remains takes the process's number.
 *   change_program PM replaces the space (PM_EXEC), or changes nothing, or has gone so far that
 *                  there is neither program: then the process ends.
 *   the rest       cannot fail: what must not survive is dropped (POSIX, exec, "Description"), ids
 *                  are set, the registers begin at the new program's entry.
 *
 * Hand-over after vfork: until PM_EXEC the child runs in its parent's space, and the parent waits.
 * PM_EXEC gives the child a space of its own and leaves the parent's alone, so the parent goes on
 * when all is done (process_vfork_end), and sees of a failure only what the child then does.
 *
 * The process is `busy` all the time: process_end() only leaves the status in `doomed` meanwhile.
 *
 * An exec keeps a thread of this server for as long as VFS, PM and the disk take, so one of each
 * user is at work at a time. A further one waits as a call, without a thread, in the queue of the
 * one at work (THREAD_WAITING); the thread that has done that one goes on with the next, and
 * answers each as soon as it is done:
 *
 *     a call of execve comes            none of its user's is at work   begins
 *                                       one is                          stands at the queue's end
 *     the one at work has ended         the queue has a first           that one begins
 *                                       it is empty                     none is at work any more
 *     a signal for, or the end of,      -                               leaves the queue; a signal
 *     one that waits                                                    has it made again */
#include "exec.h"

#include "capability.h"
#include "cred.h"
#include "delivery.h"
#include "exit.h"
#include "futex_queue.h"
#include "handlers.h"
#include "locks.h"
#include "mqueue.h"
#include "ptimer.h"
#include "ptrace.h"
#include "robust_list.h"
#include "syscalls.h"
#include "trace.h"
#include "user_memory.h"
#include <minnow/file.h>

/* of personality(2) */
enum { ADDR_NO_RANDOMIZE = 0x40000, PER_CLEAR_ON_SETID = ADDR_NO_RANDOMIZE | 0x700000 };
enum { SCRIPTS_MAX = 4, HEAD = 256, X_OK = 1, PATH_SIZE = 4096 };

struct program {
    char path[PATH_SIZE]; /* as programs see it: execveat's is that of a descriptor in /dev/fd */
    int32_t directory;    /* where VFS begins with the path, */
    unsigned skip;        /* without its first bytes, which stand for that */
    uint32_t at_flags;    /* AT_... */
    bool closes;          /* the descriptor in the path will be closed by the exec */
    endpoint_t service;
    uint64_t object, dir; /* dir: where the file was found; 0: nowhere */
    bool unreadable;      /* for the process, though it may run it */
    bool held;            /* the file is held: no process can write to it */
    uint32_t mode, uid, gid;
    bool gives_user, gives_group; /* the process gets these ids: decided when PM is asked */
    char head[HEAD + 1];
    size_t head_length;
};

/* One exec at work. The request to PM stands together: the strings follow its head. */
struct exec {
    struct exec *next; /* of those at work */
    uint32_t user;     /* whose one it is */
    /* calls that wait for it, oldest first, by wait_next */
    struct thread *first, *last;
    struct {
        struct pm_exec head;
        char strings[PM_EXEC_GIVEN_MAX];
    } image;
    struct program program;
};

static struct exec *at_work;

static struct exec *exec_of(uint32_t user)
{
    struct exec *e = at_work;
    while (e && e->user != user)
        e = e->next;
    return e;
}

static struct exec *exec_begin(uint32_t user)
{
    struct exec *e = memory_alloc(sizeof *e);
    if (!e)
        return NULL;
    e->user = user;
    e->first = e->last = NULL;
    e->next = at_work;
    at_work = e;
    return e;
}

static void exec_end(struct exec *e)
{
    struct exec **at = &at_work;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    memory_free(e);
}

/* Adds a string to the request. 0, or -E2BIG. */
static int64_t append(struct exec *e, const char *s)
{
    size_t length = strlen(s) + 1;
    if (length > PM_EXEC_GIVEN_MAX - e->image.head.bytes)
        return -E2BIG;
    memcpy(e->image.strings + e->image.head.bytes, s, length);
    e->image.head.bytes += length;
    return 0;
}

/* ---- the file ---- */

/* An ordinary path, of `size` bytes with its NUL, from the working directory on. */
static void program_name(struct program *program, const char *path, size_t size)
{
    memcpy(program->path, path, size);
    program->directory = AT_FDCWD;
    program->skip = program->at_flags = 0;
    program->closes = false;
}

/* Keeps all processes from writing to the file (by 1), or ends that (by -1). 0; -ETXTBSY: the file
 * is open for writing; or the error of a server that cannot hold files. May wait. */
static int64_t program_hold(const struct program *program, int64_t by)
{
    return call_window(program->service,
                       &(struct call_args){ .op = FS_HOLD, .object = program->object }, WINDOW_NONE,
                       (void *)by, true, NULL);
}

static void program_let_go(struct program *program)
{
    if (program->held)
        program_hold(program, -1);
    program->held = false;
}

/* Reads mode and owner of a set-id program again, now that no process can write to the file until
 * PM runs it: else the rights could go to other bytes than those that they were meant for. A file
 * that cannot be held gives no rights. 0, -ETXTBSY. May wait. */
static int64_t settle_rights(struct program *program)
{
    struct stat st;
    uint32_t bits = program->mode & (S_ISUID | S_ISGID);
    if (!bits)
        return 0;
    int64_t error = program_hold(program, 1);
    if (error == -ETXTBSY)
        return error;
    program->held = !error;
    if (!error)
        error = call_window(program->service,
                            &(struct call_args){ .op = FS_STAT, .object = program->object },
                            WINDOW_OUT, &st, sizeof st, NULL);
    program->mode &= ~bits;
    if (error)
        return 0;
    program->mode |= bits & st.mode;
    program->uid = st.uid;
    program->gid = st.gid;
    return 0;
}

/* Finds the file of program->path, in the root of the system or as t's process sees it, and reads
 * its head. 0 or an error. May wait. */
static int64_t program_resolve(struct thread *t, struct program *program, bool from_root)
{
    program_let_go(program);
    struct call_result r;
    struct process *p = t->process;
    int64_t error = call_window(service_find("vfs"),
                                &(struct call_args){ .op = VFS_RESOLVE,
                                                     .w0 = from_root ? 0 : p->i.task,
                                                     .w3 = X_OK | program->at_flags,
                                                     .w4 = from_root,
                                                     .w5 = (uint64_t)(int64_t)program->directory },
                                WINDOW_IN, program->path + program->skip,
                                strlen(program->path + program->skip) + 1, &r);
    if (error < 0)
        return error;
    program->service = resolved_service(r.r1);
    program->object = r.r2;
    program->dir = r.r3;
    program->unreadable = r.r1 & RESOLVED_UNREADABLE;
    program->mode = resolved_mode(r.r1);
    program->uid = resolved_uid(r.r1);
    program->gid = 0;
    if (!S_ISREG(program->mode))
        return -EACCES;
    if ((error = settle_rights(program)))
        return error;
    int64_t n = call_window(program->service,
                            &(struct call_args){ .op = FS_READ, .object = program->object },
                            WINDOW_OUT, program->head, HEAD, NULL);
    if (n < 0)
        return n;
    program->head_length = n;
    program->head[n] = 0;
    return 0;
}

/* The head is "#! interpreter argument": puts these and the script's path in front of the
 * arguments, in place of argv[0], and makes the interpreter the program. 0, -ENOEXEC, -E2BIG. */
static int64_t script_unfold(struct exec *e)
{
    char *p = e->program.head + 2, *end = e->program.head + e->program.head_length;
    char *line_end = memchr(p, '\n', end - p);
    if (!line_end) {
        if (e->program.head_length == HEAD && !memchr(p, ' ', end - p) && !memchr(p, '\t', end - p))
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
    struct pm_exec *head = &e->image.head;
    size_t first = head->argc ? strlen(e->image.strings) + 1 : 0;
    size_t name = strlen(p) + 1, extra = *argument ? strlen(argument) + 1 : 0,
           path = strlen(e->program.path) + 1;
    size_t front = name + extra + path;
    if (head->bytes - first + front > PM_EXEC_GIVEN_MAX)
        return -E2BIG;
    memmove(e->image.strings + front, e->image.strings + first, head->bytes - first);
    memcpy(e->image.strings, p, name);
    memcpy(e->image.strings + name, argument, extra);
    memcpy(e->image.strings + name + extra, e->program.path, path);
    head->bytes += front - first;
    head->argc += (head->argc ? 1 : 2) + (extra ? 1 : 0);
    head->flags |= PM_EXEC_SKIP_FIRST;
    program_name(&e->program, p, name);
    return 0;
}

/* Makes sure that a script is not open for writing while it is begun, as PM does for an ELF file.
 * 0, -ETXTBSY. May wait. */
static int64_t nobody_writes(const struct program *program)
{
    int64_t error = program_hold(program, 1);
    if (error == 0)
        program_hold(program, -1);
    return error == -ETXTBSY ? error : 0;
}

/* Finds what is to run: an ELF file, which is the program of the path or the interpreter of a
 * script. 0 or an error. May wait. */
static int64_t find_program(struct thread *t, struct exec *e, bool from_root)
{
    const struct program *program = &e->program;
    for (int depth = 0;; depth++) {
        int64_t error = program_resolve(t, &e->program, from_root);
        if (error)
            return error;
        if (program->head_length >= 4 && !memcmp(program->head, "\177ELF", 4))
            return 0;
        if ((error = nobody_writes(program)))
            return error;
        if (program->head_length < 2 || memcmp(program->head, "#!", 2))
            return -ENOEXEC;
        if (depth == SCRIPTS_MAX)
            return -ELOOP;
        if (program->closes) /* the interpreter could not open the script */
            return -ENOENT;
        if ((error = script_unfold(e)))
            return error;
    }
}

/* ---- the change ---- */

static void last_name(const char *path, char *to, size_t size)
{
    const char *slash;
    while ((slash = strchr(path, '/')) && slash[1])
        path = slash + 1;
    size_t n = strnlen(path, size - 1);
    memcpy(to, path, n);
    to[n] = 0;
}

/* Publishes what others see of the program that t's process runs now. PM has said where its strings
 * are. */
static void name_process(struct thread *t, const struct exec *e, const struct call_result *r)
{
    struct process *p = t->process;
    char name[PROC_THREAD_NAME];
    last_name(e->image.head.name, name, sizeof name);
    thread_name(t, name);
    last_name(e->program.path, p->i.exe_name, sizeof p->i.exe_name);
    p->i.exe_service = e->program.service;
    p->i.exe_object = e->program.object;
    p->i.exe_dir = e->program.dir;
    caller_t middle = r->r3 + pm_exec_arguments(r->result);
    p->i.arguments = (struct proc_strings){ r->r3, middle };
    p->i.environment = (struct proc_strings){ middle, middle + pm_exec_environment(r->result) };
}

static void reset_signals(struct process *p, struct thread *t)
{
    p->sighand = 0; /* its actions are its own from now on */
    for (int sig = 1; sig <= SIGNALS; sig++) {
        struct sigaction *a = &p->actions[sig - 1];
        if (a->handler != SIG_DFL || a->flags || a->mask)
            *a = (struct sigaction){ .handler = a->handler == SIG_IGN ? SIG_IGN : SIG_DFL };
    }
    p->i.caught = 0;
    t->alt_base = t->alt_size = 0;
    t->alt_flags = SS_DISABLE;
    t->clear_tid = t->robust_list = 0;
    t->restart.set = false;
    if (t->trace)
        trace_breakpoints_drop(t->trace);
}

/* Whether another process has p's directories and umask as well (CLONE_FS). */
static bool shares_directories(const struct process *p)
{
    if (!p->directories)
        return false;
    FOR_EACH_PROCESS(other)
    if (other != p && other->directories == p->directories && !other->zombie)
        return true;
    return false;
}

/* Whether programs may give p rights that it has not. A tracer without them would have them too;
 * who shares p's directories could have the program work in others. */
static bool may_gain(const struct process *p)
{
    return !ptrace_bounds(p) && !shares_directories(p);
}

/* Whether the program is to have its owner's user id (set-user-id), and its group. */
static bool is_set_user(const struct process *p, const struct program *program)
{
    return !p->i.no_new_privs && program->mode & S_ISUID;
}

static bool is_set_group(const struct process *p, const struct program *program)
{
    return !p->i.no_new_privs && (program->mode & (S_ISGID | 010)) == (S_ISGID | 010);
}

/* secure: the program has been told to be careful (AT_SECURE), since it is another user's. */
static void set_ids(struct process *p, const struct program *program, bool secure)
{
    struct posix_proc *i = &p->i;
    struct proc_caps caps = i->caps;
    uint32_t euid = i->euid, egid = i->egid;
    bool gains = may_gain(p);
    if (gains && program->gives_user)
        i->euid = program->uid;
    if (gains && program->gives_group)
        i->egid = program->gid;
    i->dumpable = !program->unreadable;
    if (i->uid != i->euid || i->gid != i->egid || euid != i->euid || egid != i->egid)
        cred_changed(p);
    if (secure)
        p->death_signal = 0;
    if (is_set_user(p, program) || is_set_group(p, program))
        p->i.personality &= ~PER_CLEAR_ON_SETID;
    bool changed = i->suid != i->euid || i->sgid != i->egid || i->fsuid != i->euid ||
                   i->fsgid != i->egid;
    i->suid = i->fsuid = i->euid;
    i->sgid = i->fsgid = i->egid;
    capability_exec(p, i->euid != i->uid || i->egid != i->gid, gains && !i->no_new_privs);
    if (changed || caps.effective != i->caps.effective || caps.permitted != i->caps.permitted)
        cred_tell(p);
}

/* Completes the request to PM. */
static void fill_head(const struct process *p, struct exec *e)
{
    struct pm_exec *head = &e->image.head;
    struct program *program = &e->program;
    bool user = is_set_user(p, program), group = is_set_group(p, program), gains = may_gain(p);
    uint32_t personality = p->i.personality & ~(user || group ? PER_CLEAR_ON_SETID : 0);
    program->gives_user = user && gains;
    program->gives_group = group && gains;
    head->service = program->service;
    head->object = program->object;
    head->uid = p->i.uid, head->gid = p->i.gid;
    head->euid = program->gives_user ? program->uid : p->i.euid;
    head->egid = program->gives_group ? program->gid : p->i.egid;
    /* as on Linux even if the program is not given these ids */
    head->secure = (user ? program->uid : p->i.euid) != head->uid ||
                   (group ? program->gid : p->i.egid) != head->gid;
    head->stack_limit = p->i.limits[RLIMIT_STACK].soft;
    head->flags |= personality & ADDR_NO_RANDOMIZE ? PM_EXEC_NO_RANDOM : 0;
}

/* Sends the request to PM, with further flags (PM_EXEC_TRY). 0 or more, or an error. May wait. */
static int64_t ask_pm(const struct process *p, struct exec *e, uint32_t flags,
                      struct call_result *r)
{
    e->image.head.flags |= flags;
    int64_t result = call_window(service_find("pm"),
                                 &(struct call_args){ .op = PM_EXEC, .w0 = p->i.task }, WINDOW_IN,
                                 &e->image, sizeof e->image.head + e->image.head.bytes, r);
    e->image.head.flags &= ~flags;
    return result;
}

/* Has PM change the program. Until PM has answered, p's ids and what is published of p are still
 * those of the program before; so if other users may not look into the new one, they may not look
 * meanwhile, either. 0 or more, or an error. May wait. */
static int64_t change_program(struct process *p, struct exec *e, struct call_result *r)
{
    const struct posix_proc before = p->i;
    if (e->image.head.secure || e->program.unreadable) {
        p->i.dumpable = 0;
        p->i.arguments = p->i.environment = (struct proc_strings){ 0 };
    }
    int64_t error = ask_pm(p, e, 0, r);
    if (error < 0) {
        p->i.dumpable = before.dumpable;
        p->i.arguments = before.arguments;
        p->i.environment = before.environment;
    }
    return error;
}

/* Changes t's process to the program whose path stands in e->program. REGISTERS, an error, or LATER
 * when the process has ended. May wait. */
static int64_t replace(struct thread *t, struct exec *e, bool from_root)
{
    struct process *p = t->process;
    struct call_result r;
    size_t n = strnlen(e->program.path, sizeof e->image.head.name - 1);
    memcpy(e->image.head.name, e->program.path, n);
    e->image.head.name[n] = 0;
    int64_t error = find_program(t, e, from_root);
    if (error)
        return error;
    fill_head(p, e);
    bool told = p->threads->next || t->robust_list || sleeper_behind(t) ||
                (p->shares && t->clear_tid);
    if (!t->dead && told && (error = ask_pm(p, e, PM_EXEC_TRY, &r)) < 0)
        return t->dead ? LATER : error;
    if (t->dead)
        return LATER;
    int former = t->tid;
    threads_end_others(p, t);
    thread_leaves(t, &(unsigned){ ROBUST_MAX });
    if (t->tid != (int)p->i.pid)
        thread_rename(t, p->i.pid);
    /* Until its ids are set nobody but root may look into it: the new memory may be another user's.
     */
    uint8_t dumpable = p->i.dumpable;
    p->i.dumpable = false;
    error = change_program(p, e, &r);
    if (error < 0) {
        p->i.dumpable = dumpable;
        if (error == -EOWNERDEAD || error == -EBADMSG)
            process_end(p, error == -EBADMSG ? SIGSEGV : SIGKILL);
        return error;
    }
    locks_drop_range(p, 0, DESCRIPTORS_MAX - 1, O_CLOEXEC);
    mqueue_forget(p);                         /* their descriptors are closed by exec */
    if (sys_conn_exec(p->i.task, true) < 0) { /* they are another process's as well, and stay so */
        process_end(p, SIGKILL);
        return -ENOMEM;
    }
    p->files = 0;
    struct regs regs = { .rip = r.r1, .rsp = r.r2, .rflags = 0x202 };
    sys_regs_set(t->index, &regs, FPU_RESET);
    reset_signals(p, t);
    ptimers_delete(p);
    name_process(t, e, &r);
    p->execed = true;
    p->barriers = false;
    p->execs++;
    /* the new program may have other rights than the one that chose the signal */
    p->i.exit_signal = SIGCHLD;
    p->shares = false;
    set_ids(p, &e->program, e->image.head.secure);
    process_memory_changes(p);
    process_vfork_end(p);
    ptrace_exec(t, former);
    thread_recheck(t);
    return REGISTERS;
}

/* replace(), with the process `busy`, so that it is not ended in the middle. */
static int64_t replace_alone(struct thread *t, struct exec *e, bool from_root)
{
    struct process *p = t->process;
    if (p->core) /* it ends */
        return -ERESTARTNOINTR;
    p->busy++;
    p->changes = true;
    int64_t result = replace(t, e, from_root);
    program_let_go(&e->program);
    p->changes = false;
    p->busy--;
    return result;
}

/* Makes e ready for a program of which nothing is known yet. */
static void exec_clear(struct exec *e)
{
    memset(&e->image.head, 0, sizeof e->image.head);
    e->program.held = false;
}

/* Reads the path of a call, and where it begins. 0, or an error, or as user_string(). */
static int64_t read_path(struct thread *t, struct program *program, const struct exec_call *c)
{
    char prefix[32], *path = program->path;
    struct conn_info info;
    int64_t length = user_string(t, c->path, path, sizeof program->path);
    if (length < 0)
        return length;
    if (!length && !(c->flags & AT_EMPTY_PATH))
        return -ENOENT;
    program->directory = c->directory;
    program->at_flags = c->flags;
    program->skip = 0;
    program->closes = false;
    if (c->directory == AT_FDCWD || *path == '/')
        return 0;
    if (ask_conn_get(t->call, c->directory, &info) < 0)
        return -EBADF;
    program->closes = info.flags & O_CLOEXEC;
    program->skip = format(prefix, sizeof prefix, length ? "/dev/fd/%d/" : "/dev/fd/%d",
                           c->directory);
    if (program->skip + (size_t)length >= sizeof program->path)
        return -ENAMETOOLONG;
    memmove(path + program->skip, path, length + 1);
    memcpy(path, prefix, program->skip);
    return 0;
}

/* Does what t has called. As replace(). */
static int64_t execute(struct thread *t, struct exec *e, const struct exec_call *c)
{
    exec_clear(e);
    int64_t error = read_path(t, &e->program, c);
    if (error)
        return error;
    e->image.head.argv = c->argv;
    e->image.head.envp = c->envp;
    return replace_alone(t, e, false);
}

/* ---- the queue ---- */

/* Takes t out of the queue that it stands in. */
static void queue_leave(struct thread *t)
{
    struct exec *e = t->wait.exec.behind;
    struct thread *before = NULL;
    for (struct thread *x = e->first; x != t; x = x->wait_next)
        before = x;
    *(before ? &before->wait_next : &e->first) = t->wait_next;
    if (e->last == t)
        e->last = before;
}

static int64_t queue_wait(struct thread *t, struct exec *e, const struct exec_call *c)
{
    t->wait.exec.behind = e;
    t->wait.exec.call = *c;
    t->wait_next = NULL;
    *(e->last ? &e->last->wait_next : &e->first) = t;
    e->last = t;
    return thread_wait(t, queue_leave, -ERESTARTNOINTR);
}

/* Begins what t calls, or has it wait for its user's other one. */
static int64_t exec_start(struct thread *t, struct exec_call c)
{
    struct exec *e = exec_of(t->process->i.uid);
    if (e)
        return queue_wait(t, e, &c);
    if (!(e = exec_begin(t->process->i.uid)))
        return -ENOMEM;
    int64_t result = execute(t, e, &c);
    for (struct thread *next; (next = e->first); result = LATER) {
        thread_result(t, result);
        c = next->wait.exec.call;
        thread_work_begin(next);
        thread_work_end(next, execute(next, e, &c));
    }
    exec_end(e);
    return result;
}

int64_t linux_execve(struct thread *t, struct message *m)
{
    return exec_start(t, (struct exec_call){ m->w[0], m->w[1], m->w[2], .directory = AT_FDCWD });
}

int64_t linux_execveat(struct thread *t, struct message *m)
{
    uint32_t flags = m->w[4];
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return exec_start(t, (struct exec_call){ m->w[1], m->w[2], m->w[3], m->w[0], flags });
}

int64_t exec_init(struct thread *t)
{
    static const char *const environment[] = { "HOME=/root", "PATH=/bin:/sbin:/usr/bin:/usr/sbin",
                                               "TERM=linux", "USER=root" };
    struct exec *e = exec_begin(0);
    if (!e)
        return -ENOMEM;
    exec_clear(e);
    program_name(&e->program, "/sbin/init", sizeof "/sbin/init");
    append(e, "init");
    e->image.head.argc = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(environment); i++)
        append(e, environment[i]);
    e->image.head.envc = ARRAY_SIZE(environment);
    int64_t result = replace_alone(t, e, true);
    exec_end(e);
    return result;
}
