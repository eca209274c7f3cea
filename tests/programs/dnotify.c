/* F_NOTIFY: signals for what happens to the files of a directory. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/stat.h>

static int folder;

static void none(int sig) { (void)sig; }

/* What is told until nothing comes any more: how many signals, with what. */
static void told(const char *what)
{
    sigset_t set;
    siginfo_t info;
    struct timespec limit = { 0, 150000000 };
    int signals = 0, others = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    while (sigtimedwait(&set, &info, &limit) == SIGRTMIN) {
        signals++;
        others += info.si_fd != folder || info.si_code != 3;
    }
    SAY("%s: %d signals%s", what, signals, others ? ", of another kind" : "");
}

static void make(const char *name)
{
    int fd = open(name, O_CREAT | O_WRONLY, 0600);
    (void)!write(fd, "x", 1);
    close(fd);
}

static void each(void)
{
    static const struct {
        const char *name;
        unsigned what;
    } kinds[] = { { "access", DN_ACCESS }, { "modify", DN_MODIFY }, { "create", DN_CREATE },
                  { "delete", DN_DELETE }, { "rename", DN_RENAME }, { "attrib", DN_ATTRIB } };
    char c;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        folder = open("d", O_RDONLY);
        fcntl(folder, F_SETSIG, SIGRTMIN);
        SAY("%s: %d", kinds[i].name, fcntl(folder, F_NOTIFY, kinds[i].what | DN_MULTISHOT));
        make("d/a");
        told("make");
        int fd = open("d/a", O_RDONLY);
        (void)!read(fd, &c, 1);
        close(fd);
        told("read");
        chmod("d/a", 0644);
        told("chmod");
        rename("d/a", "d/b");
        told("rename");
        rename("d/b", "e/b");
        told("move out");
        rename("e/b", "d/b");
        told("move in");
        unlink("d/b");
        told("unlink");
        close(folder);
        make("d/a");
        unlink("d/a");
        told("after the close");
    }
}

static void once(void)
{
    folder = open("d", O_RDONLY);
    fcntl(folder, F_SETSIG, SIGRTMIN);
    SHOW(fcntl(folder, F_NOTIFY, DN_CREATE));
    SAY("the owner: %d", fcntl(folder, F_GETOWN) == getpid());
    mkdir("d/one", 0700);
    mkdir("d/two", 0700);
    told("two made");
    SHOW(fcntl(folder, F_NOTIFY, DN_DELETE | DN_MULTISHOT));
    rmdir("d/one");
    rmdir("d/two");
    told("two removed");
    SHOW(fcntl(folder, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
    mkdir("d/one", 0700);
    rmdir("d/one");
    told("made and removed");
    SHOW(fcntl(folder, F_NOTIFY, 0));
    mkdir("d/one", 0700);
    rmdir("d/one");
    told("no more");
    int file = open("file", O_CREAT | O_RDWR, 0600), p[2];
    (void)!pipe(p);
    SHOW(fcntl(file, F_NOTIFY, DN_CREATE));
    SHOW(fcntl(p[0], F_NOTIFY, DN_CREATE));
    SHOW(fcntl(99, F_NOTIFY, DN_CREATE));
    close(file);
    unlink("file");
    close(folder);
}

int main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGIO, none);
    mkdir("d", 0700);
    mkdir("e", 0700);
    each();
    once();
    rmdir("d");
    rmdir("e");
    return 0;
}
