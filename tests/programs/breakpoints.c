/* ptrace as debuggers need it: breakpoints in text, memory that the program itself may not touch,
 * single steps, which thread may ask, and the stop before a death by a signal. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

enum { PAGE = 4096, INT3 = 0xcc };

static pid_t child;

static long request(int what, uintptr_t address, uintptr_t data)
{
    return syscall(SYS_ptrace, what, child, address, data);
}

static int next(void)
{
    int status = 0;
    if (waitpid(child, &status, __WALL) < 0)
        SAY("wait: %s", error_name(errno));
    else if (WIFSTOPPED(status))
        SAY("stopped by %d, event %d", WSTOPSIG(status), status >> 16);
    else if (WIFEXITED(status))
        SAY("exited %d", WEXITSTATUS(status));
    else
        SAY("killed by %d%s", WTERMSIG(status), WCOREDUMP(status) ? ", core" : "");
    return status;
}

/* Lets the tracee go on, with the signals that it gets, until it has ended. */
static void to_the_end(void)
{
    int status;
    do
        request(PTRACE_CONT, 0, 0);
    while (status = next(), WIFSTOPPED(status));
}

static long word_at(const volatile void *at)
{
    long word = 0;
    if (request(PTRACE_PEEKTEXT, (uintptr_t)at, (uintptr_t)&word))
        SAY("peek: %s", error_name(errno));
    return word;
}

static struct user_regs_struct registers(void)
{
    struct user_regs_struct r = { 0 };
    request(PTRACE_GETREGS, 0, (uintptr_t)&r);
    return r;
}

static void born(void (*work)(void))
{
    child = fork();
    if (child)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    work();
    _exit(7);
}

static volatile int count;
static __attribute__((noinline, noclone)) void target(void) { count++; }
static const volatile unsigned char *const code = (const volatile unsigned char *)(uintptr_t)target;

static void calls_target(void)
{
    target();
    target();
    target();
    _exit(count);
}

/* Stands at the breakpoint: takes it away, lets the instruction run, and puts it back. */
static void over_breakpoint(long word)
{
    struct user_regs_struct r = registers();
    SAY("at the breakpoint: %d", r.rip == (uintptr_t)code + 1);
    r.rip--;
    request(PTRACE_SETREGS, 0, (uintptr_t)&r);
    request(PTRACE_POKETEXT, (uintptr_t)code, word);
    SHOW(request(PTRACE_SINGLESTEP, 0, 0));
    next();
    r = registers();
    SAY("behind it: %d, flag %d", r.rip > (uintptr_t)code && r.rip < (uintptr_t)code + 16,
        (int)(r.eflags >> 8 & 1));
    SHOW(request(PTRACE_POKETEXT, (uintptr_t)code, (word & ~0xfful) | INT3));
}

static void breakpoint(void)
{
    born(calls_target);
    next();
    long word = word_at(code);
    SAY("the same text: %d", !memcmp(&word, (const void *)code, sizeof word));
    SHOW(request(PTRACE_POKETEXT, (uintptr_t)code, (word & ~0xfful) | INT3));
    SAY("set there %d, here %d", (word_at(code) & 0xff) == INT3, *code == INT3);
    target();
    for (int i = 0; i < 2; i++) {
        SHOW(request(PTRACE_CONT, 0, 0));
        next();
        over_breakpoint(word);
    }
    request(PTRACE_CONT, 0, 0);
    next();
    request(PTRACE_POKETEXT, (uintptr_t)code, word);
    struct user_regs_struct r = registers();
    r.rip--;
    request(PTRACE_SETREGS, 0, (uintptr_t)&r);
    SHOW(request(PTRACE_CONT, 0, 0));
    next();
    target();
    SAY("unharmed: %d, count %d", *code != INT3, count);
}

/* The same by /proc/N/mem, and a child of the child has its own text. */
static void forks(void)
{
    int status;
    pid_t other = fork();
    if (!other)
        _exit(*code == INT3 ? 1 : 2);
    waitpid(other, &status, 0);
    _exit(WEXITSTATUS(status) * 10 + (*code == INT3));
}

static void by_file(void)
{
    char name[40];
    unsigned char trap = INT3, before = *code, now = 0;
    born(forks);
    next();
    snprintf(name, sizeof name, "/proc/%d/mem", child);
    int fd = open(name, O_RDWR);
    SHOW(pwrite(fd, &trap, 1, (off_t)(uintptr_t)code));
    SHOW(pread(fd, &now, 1, (off_t)(uintptr_t)code));
    SAY("there %d, here %d", now == INT3, *code == before);
    to_the_end();
    close(fd);
}

/* ---- memory that the child has, and may not touch so ---- */

static char *reads, *shows, *shared, *both, *nothing, *fresh;
static int file;

static void map_all(void)
{
    char name[] = "/tmp/breakpointsXXXXXX";
    char page[PAGE];
    memset(page, 'f', sizeof page);
    file = mkstemp(name);
    unlink(name);
    if (write(file, page, sizeof page) != sizeof page)
        SAY("write: %s", error_name(errno));
    reads = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(reads, 'a', PAGE);
    mprotect(reads, PAGE, PROT_READ);
    shows = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    both = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    nothing = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fresh = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void sees(void)
{
    SAY("child: %c %c %c %c %d", reads[0], shows[0], shared[0], both[0], fresh[0]);
    mprotect(reads, PAGE, PROT_READ | PROT_WRITE);
    reads[1] = 'w';
    SAY("child: %c%c", reads[0], reads[1]);
    mprotect(nothing, PAGE, PROT_READ);
    SAY("child: %d", nothing[0]);
}

static void tell(const char *what, long result)
{
    SAY("  %s %ld %s", what, result, result < 0 ? error_name(errno) : "");
}

static void one(const char *what, char *at, char value)
{
    char now = 0, name[40];
    long word = 0;
    struct iovec here = { &now, 1 }, there = { at, 1 };
    SAY("%s:", what);
    tell("peek", request(PTRACE_PEEKDATA, (uintptr_t)at, (uintptr_t)&word));
    tell("process_vm_readv", process_vm_readv(child, &here, 1, &there, 1, 0));
    now = value;
    tell("process_vm_writev", process_vm_writev(child, &here, 1, &there, 1, 0));
    tell("poke", request(PTRACE_POKEDATA, (uintptr_t)at, (word & ~0xffl) | (value + 1)));
    snprintf(name, sizeof name, "/proc/%d/mem", child);
    int fd = open(name, O_RDWR);
    now = value + 2;
    tell("written", pwrite(fd, &now, 1, (off_t)(uintptr_t)at + 2));
    tell("read", pread(fd, &now, 1, (off_t)(uintptr_t)at));
    close(fd);
    SAY("  now %d", now);
    if (pread(file, &now, 1, 0) == 1)
        SAY("  file %c", now);
}

static void memory(void)
{
    map_all();
    born(sees);
    next();
    one("read-only", reads, 'A');
    one("of a file", shows, 'D');
    one("shared", shared, 'G');
    one("shared, writable", both, 'J');
    one("inaccessible", nothing, 'M');
    one("untouched", fresh, 'P');
    SAY("here: %c %c %c %c %d", reads[0], shows[0], shared[0], both[0], fresh[0]);
    request(PTRACE_CONT, 0, 0);
    next();
    struct iovec here = { reads, 1 }, there = { (void *)(uintptr_t)code, 1 };
    born(forks);
    next();
    SHOW(process_vm_writev(child, &here, 1, &there, 1, 0));
    to_the_end();
}

/* A write over a page's end, behind which nothing is. */
static void over_the_end(void)
{
    char *two = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), name[40];
    munmap(two + PAGE, PAGE);
    born(forks);
    next();
    SHOW(request(PTRACE_POKEDATA, (uintptr_t)two + PAGE - 4, ~0ul));
    SHOW(request(PTRACE_POKEDATA, (uintptr_t)two + PAGE - 8, ~0ul));
    snprintf(name, sizeof name, "/proc/%d/mem", child);
    int fd = open(name, O_RDWR);
    SHOW(pwrite(fd, "12345678", 8, (off_t)(uintptr_t)two + PAGE - 3));
    SHOW(pread(fd, name, 8, (off_t)(uintptr_t)two + PAGE - 5));
    SHOW(pwrite(fd, "12345678", 8, (off_t)(uintptr_t)two + PAGE));
    close(fd);
    request(PTRACE_KILL, 0, 0);
    next();
}

/* ---- steps ---- */

extern const char step_first[], step_call[], step_last[];
__asm__(".text\nsteps:\npush %rbx\nstep_first:\nnop\nnop\nxor %ebx, %ebx\n1: inc %ebx\n"
        "cmp $3, %ebx\njne 1b\nmov $186, %eax\nstep_call:\nsyscall\npushf\npop %rax\n"
        "step_last:\npop %rbx\nret\n");
void steps(void);

static void stepping(void)
{
    int n = 0, flags = 0;
    born(steps);
    next();
    long word = word_at(step_first);
    request(PTRACE_POKETEXT, (uintptr_t)step_first, (word & ~0xfful) | INT3);
    request(PTRACE_CONT, 0, 0);
    next();
    request(PTRACE_POKETEXT, (uintptr_t)step_first, word);
    struct user_regs_struct r = registers();
    r.rip--;
    request(PTRACE_SETREGS, 0, (uintptr_t)&r);
    for (; n < 100 && r.rip != (uintptr_t)step_last; n++) {
        int status;
        request(PTRACE_SINGLESTEP, 0, 0);
        waitpid(child, &status, 0);
        r = registers();
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            break;
        if (r.rip == (uintptr_t)step_call + 2)
            SAY("the call's result: %d", (pid_t)r.rax == child);
        flags += r.eflags >> 8 & 1;
    }
    SAY("%d steps, flag seen %d times", n, flags);
    request(PTRACE_CONT, 0, 0);
    next();
}

/* ---- who may ask ---- */

static void waits(void)
{
    for (;;)
        pause();
}

static void *other_thread(void *unused)
{
    long word;
    SHOW(request(PTRACE_PEEKDATA, (uintptr_t)&count, (uintptr_t)&word));
    SHOW(request(PTRACE_CONT, 0, 0));
    SHOW(request(PTRACE_ATTACH, 0, 0));
    SHOW(request(PTRACE_KILL, 0, 0));
    return unused;
}

static int tracer_of(void)
{
    char name[40], line[128];
    int tracer = -1;
    snprintf(name, sizeof name, "/proc/%d/status", child);
    FILE *f = fopen(name, "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "TracerPid: %d", &tracer);
    if (f)
        fclose(f);
    return tracer != 0;
}

static void *attaches(void *unused)
{
    SHOW(request(PTRACE_SEIZE, 0, 0));
    SAY("traced %d", tracer_of());
    return unused;
}

static void in_thread(void *(*work)(void *))
{
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
}

/* A child that a thread makes, which waits for the stop and ends. */
static void *makes(void *unused)
{
    born(waits);
    next();
    return unused;
}

static void askers(void)
{
    born(waits);
    next();
    in_thread(other_thread);
    SHOW(request(PTRACE_CONT, 0, 0));
    kill(child, SIGKILL);
    next();
    child = fork();
    if (!child)
        waits();
    in_thread(attaches);
    for (int i = 0; i < 1000 && tracer_of(); i++)
        usleep(1000); /* a thread has gone for its process a little before its tracees know */
    SAY("traced %d", tracer_of());
    SHOW(request(PTRACE_SEIZE, 0, 0));
    kill(child, SIGKILL);
    next();
    in_thread(makes);
    SHOW(request(PTRACE_CONT, 0, 0));
    kill(child, SIGKILL);
    next();
}

/* ---- the stop before the end ---- */

static void terminates(void) { raise(SIGTERM); }
static void faults(void) { *(volatile int *)nothing = 1; }
static void exits(void) { _exit(5); }

static void at_end(void (*work)(void))
{
    unsigned long message = 0;
    born(work);
    next();
    SHOW(request(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACEEXIT));
    for (int sig = 0;;) {
        request(PTRACE_CONT, 0, sig);
        int status = next();
        if (!WIFSTOPPED(status))
            return;
        sig = status >> 16 ? 0 : WSTOPSIG(status);
        if (!sig && !request(PTRACE_GETEVENTMSG, 0, (uintptr_t)&message))
            SAY("message %lx, count %d", message, (int)word_at(&count));
    }
}

int main(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    breakpoint();
    by_file();
    memory();
    over_the_end();
    stepping();
    askers();
    at_end(terminates);
    at_end(faults);
    at_end(exits);
    return 0;
}
