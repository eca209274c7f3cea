/* ptrace: attach, stops, registers, memory, system calls, events, signals, detach, errors. */
#define _GNU_SOURCE
#include "oracle.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static pid_t child;

static long request(int what, pid_t pid, uintptr_t address, uintptr_t data)
{
    return syscall(SYS_ptrace, what, pid, address, data);
}

/* Waits for the tracee and says what has become of it. */
static int next(pid_t pid)
{
    int status = 0;
    pid_t got = waitpid(pid, &status, __WALL);
    if (got < 0)
        SAY("wait: %s", strerror(errno));
    else if (WIFSTOPPED(status))
        SAY("%s stopped %x event %d", got == child ? "child" : "other", WSTOPSIG(status),
            status >> 16);
    else if (WIFEXITED(status))
        SAY("exited %d", WEXITSTATUS(status));
    else
        SAY("killed %d", WTERMSIG(status));
    return status;
}

static struct user_regs_struct registers(void)
{
    struct user_regs_struct r = { 0 };
    if (request(PTRACE_GETREGS, child, 0, (uintptr_t)&r))
        SAY("GETREGS: %s", strerror(errno));
    return r;
}

/* A child that is traced from its start and stops itself. */
static void born(void (*work)(void))
{
    child = fork();
    if (child)
        return;
    request(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    work();
    _exit(7);
}

static volatile long variable = 0x1122334455667788;
static void nothing(void) {}

static void memory(void)
{
    long word = 0;
    born(nothing);
    next(child);
    SHOW(request(PTRACE_PEEKDATA, child, (uintptr_t)&variable, (uintptr_t)&word));
    SAY("word %lx", word);
    SHOW(request(PTRACE_POKEDATA, child, (uintptr_t)&variable, 99));
    SHOW(request(PTRACE_PEEKTEXT, child, (uintptr_t)&variable, (uintptr_t)&word));
    SAY("word %lx mine %lx", word, variable);
    SHOW(request(PTRACE_PEEKDATA, child, 16, (uintptr_t)&word));
    SHOW(request(PTRACE_POKEDATA, child, 16, 1));
    SHOW(request(PTRACE_PEEKDATA, child, ~0ul - 3, (uintptr_t)&word));
    SHOW(request(PTRACE_PEEKUSER, child, offsetof(struct user_regs_struct, orig_rax),
                 (uintptr_t)&word));
    SHOW(request(PTRACE_PEEKUSER, child, 3, (uintptr_t)&word));
    SHOW(request(PTRACE_PEEKUSER, child, sizeof(struct user) + 64, (uintptr_t)&word));
    SHOW(request(PTRACE_POKEUSER, child, sizeof(struct user_regs_struct) + 8, 1));
    SHOW(request(PTRACE_CONT, child, 0, 77));
    SHOW(request(PTRACE_CONT, child, 0, 0));
    next(child);
    SHOW(request(PTRACE_CONT, child, 0, 0));
}

/* /proc/PID/mem */
static void memory_file(void)
{
    char name[64];
    long word = 0;
    child = fork();
    if (!child)
        for (variable = 5;; usleep(1000))
            if (variable == 17)
                _exit(17);
    usleep(20000);
    snprintf(name, sizeof name, "/proc/%d/mem", child);
    int fd = open(name, O_RDWR);
    SHOW(pread(fd, &word, sizeof word, (off_t)&variable));
    SAY("word %ld", word);
    SHOW(pread(fd, &word, sizeof word, 0));
    SHOW(pwrite(fd, &word, sizeof word, 4096));
    word = 17;
    SHOW(pwrite(fd, &word, sizeof word, (off_t)&variable));
    next(child);
    close(fd);
}

/* Memory that the child has, and has not touched. */
static char *untouched;
static void touch_not(void) {}
static void bring(void)
{
    long word = 1;
    untouched = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    born(touch_not);
    next(child);
    SHOW(request(PTRACE_PEEKDATA, child, (uintptr_t)untouched, (uintptr_t)&word));
    SAY("word %lx", word);
    SHOW(request(PTRACE_POKEDATA, child, (uintptr_t)untouched + 4096, 5));
    SHOW(request(PTRACE_PEEKDATA, child, (uintptr_t)untouched + 4096, (uintptr_t)&word));
    SAY("word %lx mine %d", word, untouched[4096]);
    SHOW(request(PTRACE_CONT, child, 0, 0));
    next(child);
}

static void some_calls(void)
{
    syscall(SYS_getpid);
    syscall(SYS_write, -1, "x", 1);
    syscall(SYS_lseek, -1, 3, 0);
    syscall(SYS_sched_yield);
    syscall(SYS_getpgid, 12345678);
    int fd = open("/dev/null", O_WRONLY);
    syscall(SYS_write, fd, "xyz", 3);
    close(fd);
    syscall(SYS_rt_sigprocmask, 0, NULL, NULL, 7);
    syscall(SYS_nanosleep, &(struct timespec){ 0, 1000 }, NULL);
    syscall(999, 1, 2, 3, 4, 5, 6);
}

static void calls(int options)
{
    born(some_calls);
    next(child);
    SHOW(request(PTRACE_SETOPTIONS, child, 0, options));
    for (;;) {
        request(PTRACE_SYSCALL, child, 0, 0);
        int status = next(child);
        if (!WIFSTOPPED(status))
            return;
        struct user_regs_struct r = registers();
        struct __ptrace_syscall_info i = { 0 };
        long size = request(PTRACE_GET_SYSCALL_INFO, child, sizeof i, (uintptr_t)&i);
        if ((long)r.rax == child)
            r.rax = i.exit.rval = 1;
        SAY("call %ld rax %ld info %ld op %d", (long)r.orig_rax, (long)r.rax, size, i.op);
        if (i.op == 1)
            SAY("nr %ld ip %d sp %d", (long)i.entry.nr, i.instruction_pointer == r.rip,
                i.stack_pointer == r.rsp);
        if (i.op == 2)
            SAY("value %ld error %d", (long)i.exit.rval, i.exit.is_error);
    }
}

static void forge_calls(void)
{
    SAY("child: getpid %d", (int)syscall(SYS_getpid) == 4711);
    SAY("child: skipped %ld", (long)syscall(SYS_kill, getpid(), SIGKILL));
    SAY("child: other %ld", (long)syscall(SYS_close, 99));
}

/* The tracer changes numbers and results. */
static void forge(void)
{
    struct user_regs_struct r;
    born(forge_calls);
    next(child);
    request(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
    for (;;) {
        int status;
        request(PTRACE_SYSCALL, child, 0, 0);
        waitpid(child, &status, 0);
        if (!WIFSTOPPED(status))
            break;
        r = registers();
        int entry = (long)r.rax == -ENOSYS;
        long number = r.orig_rax;
        if (number == SYS_write)
            continue;
        if (!entry && number == SYS_getpid)
            r.rax = 4711;
        else if (entry && number == SYS_kill)
            r.orig_rax = -1;
        else if (entry && number == SYS_close)
            r.orig_rax = SYS_getppid;
        else if (!entry && number == SYS_getppid)
            r.rax = r.rax == (unsigned long)getpid() ? 42 : 0;
        else
            continue;
        request(PTRACE_SETREGS, child, 0, (uintptr_t)&r);
    }
    SAY("over");
}

static void caught(int sig) { SAY("child: caught %d", sig); }
static void raises(void)
{
    signal(SIGUSR1, caught);
    signal(SIGUSR2, caught);
    signal(SIGCHLD, SIG_IGN);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGCHLD);
    raise(SIGTERM);
    raise(SIGTERM);
}

static void info(void)
{
    siginfo_t i = { 0 };
    long result = request(PTRACE_GETSIGINFO, child, 0, (uintptr_t)&i);
    SAY("info %ld signo %d code %x", result, i.si_signo, i.si_code);
}

static void signals(void)
{
    born(raises);
    next(child);
    info();
    request(PTRACE_CONT, child, 0, 0);
    next(child);
    info();
    request(PTRACE_CONT, child, 0, SIGUSR1);
    next(child);
    request(PTRACE_CONT, child, 0, SIGUSR2);
    next(child);
    info();
    request(PTRACE_CONT, child, 0, SIGCHLD);
    next(child);
    request(PTRACE_CONT, child, 0, 0);
    next(child);
    request(PTRACE_CONT, child, 0, SIGTERM);
    next(child);
}

static void births(void)
{
    pid_t p = fork();
    if (!p)
        _exit(3);
    waitpid(p, NULL, 0);
    p = vfork();
    if (!p)
        _exit(4);
    waitpid(p, NULL, 0);
    execl("/bin/true", "true", NULL);
}

static void events(void)
{
    enum {
        ALL = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
              PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT
    };
    born(births);
    next(child);
    SHOW(request(PTRACE_SETOPTIONS, child, 0, ALL));
    request(PTRACE_CONT, child, 0, 0);
    for (;;) {
        int status = next(child);
        if (!WIFSTOPPED(status))
            break;
        unsigned long message = 0;
        int event = status >> 16;
        if (event)
            request(PTRACE_GETEVENTMSG, child, 0, (uintptr_t)&message);
        if (event == PTRACE_EVENT_EXIT)
            SAY("exit %lx", message);
        if (event == PTRACE_EVENT_EXEC)
            SAY("exec, former %d", message == (unsigned long)child);
        if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
            int other;
            waitpid(message, &other, __WALL);
            SAY("born %x", other);
            request(PTRACE_CONT, message, 0, 0);
            waitpid(message, &other, __WALL);
            SAY("then %x", other);
            request(PTRACE_CONT, message, 0, 0);
            waitpid(message, &other, __WALL);
            SAY("ended %x", other);
        }
        request(PTRACE_CONT, child, 0, event ? 0 : WSTOPSIG(status));
    }
}

static void execs(void) { execl("/bin/true", "true", NULL); }
static void plain_exec(void)
{
    born(execs);
    next(child);
    request(PTRACE_CONT, child, 0, 0);
    next(child);
    info();
    request(PTRACE_CONT, child, 0, 0);
    next(child);
}

static void step(void)
{
    born(nothing);
    next(child);
    struct user_regs_struct before = registers();
    int steps = 0, status = 0;
    for (; steps < 20; steps++) {
        request(PTRACE_SINGLESTEP, child, 0, 0);
        waitpid(child, &status, 0);
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            break;
    }
    struct user_regs_struct after = registers();
    SAY("steps %d status %x moved %d flag %d", steps, status, before.rip != after.rip,
        (int)(after.eflags >> 8 & 1));
    info();
    request(PTRACE_CONT, child, 0, 0);
    next(child);
}

static void floating(void)
{
    struct user_fpregs_struct f;
    char area[1 << 14] = ""; /* (AMX alone has eight KiB of registers) */
    struct iovec v = { &f, sizeof f };
    born(nothing);
    next(child);
    SHOW(request(PTRACE_GETFPREGS, child, 0, (uintptr_t)&f));
    SAY("cwd %x mxcsr %x", f.cwd, f.mxcsr);
    f.st_space[0] = 0x12345;
    f.xmm_space[7] = 0x777;
    SHOW(request(PTRACE_SETFPREGS, child, 0, (uintptr_t)&f));
    memset(&f, 0, sizeof f);
    SHOW(request(PTRACE_GETREGSET, child, NT_PRFPREG, (uintptr_t)&v));
    SAY("%zu st %x xmm %x", v.iov_len, f.st_space[0], f.xmm_space[7]);
    f.mxcsr = -1;
    SHOW(request(PTRACE_SETFPREGS, child, 0, (uintptr_t)&f));
    struct user_regs_struct r;
    v = (struct iovec){ &r, sizeof r };
    SHOW(request(PTRACE_GETREGSET, child, NT_PRSTATUS, (uintptr_t)&v));
    SAY("%zu cs %lx ss %lx", v.iov_len, (long)r.cs, (long)r.ss);
    v.iov_len = 16;
    SHOW(request(PTRACE_GETREGSET, child, NT_PRSTATUS, (uintptr_t)&v));
    v.iov_len = 15;
    SHOW(request(PTRACE_GETREGSET, child, NT_PRSTATUS, (uintptr_t)&v));
    v = (struct iovec){ area, sizeof area };
    SHOW(request(PTRACE_GETREGSET, child, NT_X86_XSTATE, (uintptr_t)&v));
    SAY("xstate %d", v.iov_len >= 512);
    SHOW(request(PTRACE_SETREGSET, child, NT_X86_XSTATE, (uintptr_t)&v));
    SHOW(request(PTRACE_GETREGSET, child, 0x9999, (uintptr_t)&v));
    v.iov_len = 12;
    SHOW(request(PTRACE_GETREGSET, child, NT_PRFPREG, (uintptr_t)&v));
    enum { OLDSETOPTIONS = 21 };
    SHOW(request(OLDSETOPTIONS, child, 0, 1));
    SHOW(request(OLDSETOPTIONS, child, 0, 1 << 25));
    request(PTRACE_KILL, child, 0, 0);
    next(child);
}

/* PTRACE_ARCH_PRCTL, of which the C libraries say nothing. */
static void bases(void)
{
    enum { ARCH_PRCTL = 30, ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };
    uint64_t word = 0;
    born(nothing);
    next(child);
    SHOW(request(ARCH_PRCTL, child, (uintptr_t)&word, ARCH_GET_FS));
    SAY("%d", word == registers().fs_base);
    SHOW(request(ARCH_PRCTL, child, 0x123456, ARCH_SET_GS));
    SHOW(request(ARCH_PRCTL, child, (uintptr_t)&word, ARCH_GET_GS));
    SAY("gs %lx %lx", (long)word, (long)registers().gs_base);
    SHOW(request(ARCH_PRCTL, child, (uintptr_t)&word, ARCH_GET_FS));
    SHOW(request(ARCH_PRCTL, child, word, ARCH_SET_FS));
    SHOW(request(ARCH_PRCTL, child, 0x7ffffffff000, ARCH_SET_FS));
    SHOW(request(ARCH_PRCTL, child, ~0ul, ARCH_SET_GS));
    SHOW(request(ARCH_PRCTL, child, 8, ARCH_GET_GS));
    SHOW(request(ARCH_PRCTL, child, (uintptr_t)&word, 7));
    SHOW(request(PTRACE_CONT, child, 0, 0));
    next(child);
    SHOW(request(ARCH_PRCTL, child, (uintptr_t)&word, ARCH_GET_FS));
}

static void sleeps(void)
{
    for (;;)
        pause();
}

static char state_of(pid_t pid, int *tracer)
{
    char name[64], line[256], state = '?';
    snprintf(name, sizeof name, "/proc/%d/status", pid);
    FILE *f = fopen(name, "r");
    while (f && fgets(line, sizeof line, f)) {
        sscanf(line, "State: %c", &state);
        sscanf(line, "TracerPid: %d", tracer);
    }
    if (f)
        fclose(f);
    return state;
}

static void show_state(void)
{
    int tracer = -1;
    char state = state_of(child, &tracer);
    SAY("state %c tracer %s", state, tracer == getpid() ? "me" : tracer ? "other" : "none");
}

static void attach(void)
{
    child = fork();
    if (!child)
        sleeps();
    usleep(20000);
    SHOW(request(PTRACE_PEEKUSER, child, 0, (uintptr_t)&variable));
    SHOW(request(PTRACE_CONT, child, 0, 0));
    SHOW(request(PTRACE_ATTACH, child, 0, 0));
    next(child);
    show_state();
    struct user_regs_struct r = registers();
    SAY("call %ld rax %ld", (long)r.orig_rax, (long)r.rax);
    SHOW(request(PTRACE_ATTACH, child, 0, 0));
    SHOW(request(PTRACE_SETOPTIONS, child, 0, 1 << 15));
    SHOW(request(PTRACE_LISTEN, child, 0, 0));
    SHOW(request(PTRACE_INTERRUPT, child, 0, 0));
    SHOW(request(0x5000, child, 0, 0));
    SHOW(request(PTRACE_DETACH, child, 0, 0));
    usleep(20000);
    show_state();
    SHOW(request(PTRACE_DETACH, child, 0, 0));
    SHOW(request(PTRACE_ATTACH, getpid(), 0, 0));
    SHOW(request(PTRACE_ATTACH, 99999999, 0, 0));
    kill(child, SIGKILL);
    next(child);
}

/* Who is stopped already is trapped when the call is over. */
static void attach_stopped(int what)
{
    child = fork();
    if (!child)
        sleeps();
    kill(child, SIGSTOP);
    waitpid(child, NULL, WUNTRACED);
    SHOW(request(what, child, 0, 0));
    SHOW(request(PTRACE_PEEKUSER, child, 0, (uintptr_t)&variable));
    SHOW(request(PTRACE_POKEDATA, child, (uintptr_t)&variable, 4));
    next(child);
    SHOW(request(PTRACE_DETACH, child, 0, 0));
    kill(child, SIGKILL);
    next(child);
}

static void seize(void)
{
    child = fork();
    if (!child)
        sleeps();
    usleep(20000);
    SHOW(request(PTRACE_SEIZE, child, 1, 0));
    SHOW(request(PTRACE_SEIZE, child, 0, 1 << 15));
    SHOW(request(PTRACE_SEIZE, child, 0, PTRACE_O_TRACESYSGOOD));
    SHOW(request(PTRACE_CONT, child, 0, 0));
    SHOW(request(PTRACE_INTERRUPT, child, 0, 0));
    next(child);
    info();
    request(PTRACE_CONT, child, 0, 0);
    kill(child, SIGSTOP);
    next(child);
    SHOW(request(PTRACE_LISTEN, child, 0, 0));
    request(PTRACE_CONT, child, 0, SIGSTOP);
    next(child);
    info();
    SHOW(request(PTRACE_LISTEN, child, 0, 0));
    SHOW(request(PTRACE_CONT, child, 0, 0));
    kill(child, SIGCONT);
    next(child);
    request(PTRACE_CONT, child, 0, 0);
    next(child);
    SHOW(request(PTRACE_DETACH, child, 0, SIGTERM));
    next(child);
}

/* A tracer that ends lets its tracee go on, or takes it along. */
static void orphans(int options)
{
    int go[2];
    SHOW(pipe(go));
    child = fork();
    if (!child) {
        char c;
        close(go[1]);
        _exit(read(go[0], &c, 1) ? 1 : 6);
    }
    pid_t tracer = fork();
    if (!tracer) {
        close(go[1]);
        request(PTRACE_SEIZE, child, 0, options);
        _exit(0);
    }
    waitpid(tracer, NULL, 0);
    close(go[1]);
    close(go[0]);
    next(child);
}

static void masks(void)
{
    uint64_t mask = 0;
    born(nothing);
    next(child);
    SHOW(request(PTRACE_GETSIGMASK, child, 8, (uintptr_t)&mask));
    SAY("mask %lx", (long)mask);
    mask = 1ul << (SIGUSR1 - 1) | 1ul << (SIGKILL - 1);
    SHOW(request(PTRACE_SETSIGMASK, child, 8, (uintptr_t)&mask));
    SHOW(request(PTRACE_GETSIGMASK, child, 8, (uintptr_t)&mask));
    SAY("mask %lx", (long)mask);
    SHOW(request(PTRACE_GETSIGMASK, child, 4, (uintptr_t)&mask));
    kill(child, SIGUSR1);
    struct __ptrace_peeksiginfo_args a = { 0, PTRACE_PEEKSIGINFO_SHARED, 4 };
    siginfo_t i[4] = { 0 };
    SHOW(request(PTRACE_PEEKSIGINFO, child, (uintptr_t)&a, (uintptr_t)i));
    SAY("signal %d", i[0].si_signo);
    a.flags = 0;
    SHOW(request(PTRACE_PEEKSIGINFO, child, (uintptr_t)&a, (uintptr_t)i));
    a.flags = 2;
    SHOW(request(PTRACE_PEEKSIGINFO, child, (uintptr_t)&a, (uintptr_t)i));
    request(PTRACE_CONT, child, 0, 0);
    next(child);
}

static void *thread(void *unused)
{
    (void)unused;
    syscall(SYS_getppid);
    return NULL;
}
static void makes_thread(void)
{
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
}
static void threads(void)
{
    unsigned long tid = 0;
    int status;
    born(makes_thread);
    next(child);
    request(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE);
    request(PTRACE_CONT, child, 0, 0);
    next(child);
    request(PTRACE_GETEVENTMSG, child, 0, (uintptr_t)&tid);
    waitpid(tid, &status, __WALL);
    SAY("thread %x", status);
    request(PTRACE_CONT, child, 0, 0);
    request(PTRACE_CONT, tid, 0, 0);
    waitpid(tid, &status, __WALL);
    SAY("thread ended %d", WIFEXITED(status));
    next(child);
}

static void rights(void)
{
    child = fork();
    if (!child)
        sleeps();
    usleep(10000);
    pid_t p = fork();
    if (!p) {
        SHOW(setuid(12345));
        SHOW(request(PTRACE_ATTACH, child, 0, 0));
        SHOW(request(PTRACE_SEIZE, child, 0, 0));
        _exit(0);
    }
    waitpid(p, NULL, 0);
    kill(child, SIGKILL);
    next(child);
}

int main(void)
{
    memory();
    next(child);
    memory_file();
    bring();
    calls(0);
    calls(PTRACE_O_TRACESYSGOOD);
    forge();
    signals();
    events();
    plain_exec();
    step();
    floating();
    bases();
    attach();
    attach_stopped(PTRACE_ATTACH);
    attach_stopped(PTRACE_SEIZE);
    seize();
    orphans(0);
    orphans(PTRACE_O_EXITKILL);
    masks();
    threads();
    rights();
    SHOW(request(PTRACE_TRACEME, 0, 0, 0));
    SHOW(request(PTRACE_TRACEME, 0, 0, 0));
    return 0;
}
