/* Capabilities: capget and capset, prctl about them, and what becomes of them when ids or the
 * program change. Prints only sets of a few capabilities: hosts withhold others. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define BIT(n) (1ul << (n))
enum {
    CHOWN = 0,
    OVERRIDE,
    SEARCH,
    FOWNER,
    KILL = 5,
    SETGID,
    SETUID,
    SETPCAP,
    IPC_LOCK = 14,
    ADMIN = 21
};
#define SHOWN                                                                            \
    (BIT(CHOWN) | BIT(OVERRIDE) | BIT(FOWNER) | BIT(KILL) | BIT(SETUID) | BIT(SETPCAP) | \
     BIT(IPC_LOCK))

struct header {
    unsigned version;
    int pid;
} header = { 0x20080522, 0 };
struct data {
    unsigned effective, permitted, inheritable;
} data[2];

static long get(void) { return syscall(SYS_capget, &header, data); }
static long set(void) { return syscall(SYS_capset, &header, data); }

static unsigned long line(const char *name)
{
    static char text[8192];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    close(fd);
    char *at = strstr(text, name);
    return at ? strtoul(at + strlen(name), NULL, 16) & SHOWN : 0;
}

static void show(const char *when)
{
    header.version = 0x20080522;
    header.pid = 0;
    get();
    SAY("%s: eff %lx perm %lx inh %lx; %lx %lx %lx bnd %lx amb %lx", when,
        data[0].effective & SHOWN, data[0].permitted & SHOWN, data[0].inheritable & SHOWN,
        line("CapEff:"), line("CapPrm:"), line("CapInh:"), line("CapBnd:"), line("CapAmb:"));
    fflush(stdout);
}

static void calls(void)
{
    SHOW(get());
    header.version = 5;
    SHOW(get());
    SAY("version %x", header.version);
    header.version = 5;
    SHOW(syscall(SYS_capget, &header, NULL));
    header.version = 0x19980330;
    SHOW(get());
    header.version = 0x20080522;
    header.pid = -1;
    SHOW(get());
    header.pid = 32000000;
    SHOW(get());
    header.pid = 1;
    SHOW(set());
    header.pid = getpid();
    SHOW(get());
    SHOW(set());
    SHOW(syscall(SYS_capset, NULL, data));
    SHOW(syscall(SYS_capset, &header, NULL));
    header.version = 7;
    SHOW(set());
    show("start");
}

static void change(void)
{
    get();
    data[0].effective &= ~(BIT(CHOWN) | BIT(KILL));
    SHOW(set());
    show("less effective");
    data[0].permitted &= ~BIT(KILL);
    SHOW(set());
    data[0].effective |= BIT(KILL);
    SHOW(set());
    data[0].effective &= ~BIT(KILL);
    data[0].permitted |= BIT(KILL);
    SHOW(set());
    get();
    data[0].inheritable = BIT(CHOWN);
    SHOW(set());
    data[0].effective |= BIT(CHOWN);
    SHOW(set());
    show("chown again");
}

static void prctls(void)
{
    SHOW(prctl(PR_CAPBSET_READ, KILL));
    SHOW(prctl(PR_CAPBSET_READ, 64));
    SHOW(prctl(PR_CAPBSET_DROP, FOWNER));
    SHOW(prctl(PR_CAPBSET_READ, FOWNER));
    SHOW(prctl(PR_CAPBSET_DROP, 64));
    SHOW(prctl(PR_GET_SECUREBITS));
    SHOW(prctl(PR_GET_KEEPCAPS));
    SHOW(prctl(PR_SET_KEEPCAPS, 2));
    SHOW(prctl(PR_SET_KEEPCAPS, 1));
    SHOW(prctl(PR_GET_SECUREBITS));
    SHOW(prctl(PR_SET_SECUREBITS, 1 << 20));
    SHOW(prctl(PR_SET_SECUREBITS, 0x30));
    SHOW(prctl(PR_SET_SECUREBITS, 0));
    SHOW(prctl(PR_SET_KEEPCAPS, 0));
    SHOW(prctl(PR_GET_SECUREBITS));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CHOWN, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, KILL, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CHOWN, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CHOWN, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 64, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CHOWN, 1, 0));
    SHOW(prctl(PR_CAP_AMBIENT, 9, CHOWN, 0, 0));
    show("ambient");
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CHOWN, 0, 0));
    show("lowered");
}

/* Runs f in a child that is root with all capabilities. */
static void in_child(void (*f)(void))
{
    if (!fork()) {
        f();
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static char self[512];

static void exec_shows(const char *how)
{
    fflush(stdout);
    execl(self, "caps", how, (char *)NULL);
    _exit(1);
}

static void leaves_root(void)
{
    SHOW(setresuid(-1, 1000, -1));
    show("euid 1000");
    SHOW(setresuid(-1, 0, -1));
    show("euid 0");
    SHOW(setresuid(1000, 1000, 1000));
    show("uid 1000");
    exec_shows("exec of a user");
}

static void keeps(void)
{
    SHOW(prctl(PR_SET_KEEPCAPS, 1));
    SHOW(setuid(1000));
    show("kept");
    SHOW(prctl(PR_GET_KEEPCAPS));
    data[0].effective = BIT(SETUID) | BIT(CHOWN);
    data[0].inheritable = BIT(CHOWN);
    data[1].effective = 0;
    SHOW(set());
    SHOW(chown("file", 5, 5));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CHOWN, 0, 0));
    exec_shows("exec with ambient");
}

static void exec_of_root(void)
{
    SHOW(prctl(PR_CAPBSET_DROP, KILL));
    get();
    data[0].effective = 0;
    SHOW(set());
    exec_shows("exec of root");
}

static void gives_up_kill(void)
{
    get();
    data[0].effective &= ~BIT(KILL);
    data[0].permitted &= ~BIT(KILL);
    SHOW(set());
}

static void fewer(void)
{
    gives_up_kill();
    exec_shows("exec of root with fewer");
}

static void no_new(void)
{
    gives_up_kill();
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    exec_shows("exec of root that gets none");
}

static void shared(void)
{
    fflush(stdout);
    pid_t child = syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
    if (!child) {
        gives_up_kill();
        exec_shows("exec of root in shared directories");
    }
    waitpid(child, NULL, 0);
}

static void no_root(void)
{
    SHOW(prctl(PR_SET_SECUREBITS, 1));
    exec_shows("exec without root's rights");
}

static void no_fixup(void)
{
    SHOW(prctl(PR_SET_SECUREBITS, 4));
    SHOW(setuid(1000));
    show("not fixed up");
}

static void files_of(void)
{
    setfsuid(1000);
    show("fsuid 1000");
    setfsuid(0);
    show("fsuid 0");
}

/* What root may not without the capabilities. */
static void powerless(void)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_MEMLOCK, &none);
    get();
    data[0].effective = data[1].effective = 0;
    SHOW(set());
    SHOW(open("secret", O_RDONLY));
    SHOW(chown("secret", 7, 7));
    SHOW(chmod("secret", 0644));
    SHOW(setuid(1000));
    SHOW(setgid(1000));
    SHOW(kill(getppid(), 0));
    SHOW(mlock(self, 1));
    SHOW(mknod("device", S_IFCHR | 0600, 0x103));
    SHOW(sethostname("x", 1));
    SHOW(prctl(PR_CAPBSET_DROP, KILL));
    SHOW(prctl(PR_SET_SECUREBITS, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, -1));
    data[0].effective = BIT(SEARCH);
    SHOW(set());
    SHOW(open("secret", O_RDONLY) >= 0);
    SHOW(open("secret", O_WRONLY));
    data[0].effective = BIT(OVERRIDE);
    SHOW(set());
    SHOW(open("secret", O_WRONLY) >= 0);
    data[0].effective = BIT(FOWNER);
    SHOW(set());
    SHOW(chmod("secret", 0640));
    SHOW(open("secret", O_WRONLY));
    data[0].effective = BIT(IPC_LOCK);
    SHOW(set());
    SHOW(mlock(self, 1));
}

int main(int count, char **argument)
{
    char folder[] = "/tmp/caps.XXXXXX", command[64];
    if (count > 1) {
        show(argument[1]);
        return 0;
    }
    self[readlink("/proc/self/exe", self, sizeof self - 1)] = 0;
    mkdtemp(folder);
    chmod(folder, 0777);
    chdir(folder);
    close(open("file", O_CREAT | O_RDWR, 0600));
    close(open("secret", O_CREAT | O_RDWR, 0600));
    chown("secret", 9, 9);
    in_child(calls);
    in_child(change);
    in_child(leaves_root);
    in_child(keeps);
    in_child(exec_of_root);
    in_child(fewer);
    in_child(no_new);
    in_child(shared);
    in_child(no_root);
    in_child(no_fixup);
    in_child(files_of);
    in_child(powerless);
    change();
    prctls();
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}
