/* Processes that end while VFS looks for what they have named. With `make`: makes the files, in
 * /root. Without, after a new start, so that nothing of them is in memory and the disk is slow:
 * says how many of the processes that come next, one of which gets the place of the one that has
 * gone, have its rights or more: can read what is root's, or stand in its directory. */
#include "oracle.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
    LINKS = 12,
    DEPTH = 100,
    USER = 1000,
    PLACES = 2048, /* of tasks: they are taken in turn */
    SERVICES = 64, /* at most */
    KEPT = 250,    /* processes at a time */
    LOOKS_S = 6    /* so long at most VFS looks */
};

static volatile int *begins;

static void tree(const char *name)
{
    for (unsigned i = 0; i < DEPTH; i++) {
        mkdir(name, 0755);
        chdir(name);
    }
    close(open("end", O_CREAT | O_RDWR, 0666));
    chmod("end", 0666);
    chdir("/root");
}

static void make(void)
{
    char name[64];
    chmod(".", 0755);
    close(open("secret", O_CREAT | O_RDWR, 0600));
    for (unsigned i = 0; i < LINKS; i++) {
        snprintf(name, sizeof name, "l%u", i);
        mkdir(name, 0755);
        strcat(name, "/absolute");
        symlink("/etc/passwd", name);
    }
    tree("d");
    tree("e");
    tree("f");
    sync();
}

/* A process that is killed in the middle of what it does. */
static void vanish(void (*does)(void))
{
    *begins = 0;
    pid_t pid = fork();
    if (!pid) {
        *begins = 1;
        does();
        _exit(0);
    }
    while (!*begins)
        ;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static char path[2 * DEPTH + 64];

static void deep(const char *name)
{
    strcpy(path, "");
    for (unsigned i = 0; i < DEPTH; i++)
        strcat(path, name);
}

static void looks(void)
{
    struct stat s;
    stat(path, &s);
}
static void links(void) { link(path, "/tmp/vanished"); }
static void enters(void) { chdir(path); }

/* How many of those that come next can do what they must not. */
static unsigned next(void)
{
    unsigned wrong = 0, kept = 0;
    pid_t pids[KEPT];
    int go[2], status;
    pipe(go);
    for (unsigned n = 0; n < PLACES && kept < KEPT; n++) {
        pid_t pid = fork();
        if (!pid && n < PLACES - SERVICES - KEPT)
            _exit(0);
        if (!pid) {
            char byte, here[256];
            close(go[1]);
            read(go[0], &byte, 1);
            _exit(open("/root/secret", O_RDONLY) >= 0 || !getcwd(here, sizeof here) ||
                  strcmp(here, "/root"));
        }
        if (n < PLACES - SERVICES - KEPT)
            waitpid(pid, NULL, 0);
        else
            pids[kept++] = pid;
    }
    sleep(LOOKS_S);
    close(go[0]), close(go[1]);
    for (unsigned i = 0; i < kept; i++) {
        waitpid(pids[i], &status, 0);
        wrong += status != 0;
    }
    return wrong;
}

/* A new program after one of whose threads was about to enter the directory: whether it is moved.
 */
static int moved(void)
{
    char before[1024], after[1024];
    getcwd(before, sizeof before);
    sleep(LOOKS_S);
    getcwd(after, sizeof after);
    return strcmp(before, after) != 0;
}

static void *enters_too(void *unused)
{
    *begins = 1;
    enters();
    return unused;
}

static int another_program(void)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        pthread_t thread;
        *begins = 0;
        pthread_create(&thread, NULL, enters_too, NULL);
        while (!*begins)
            ;
        execl("/proc/self/exe", "_vanish", "moved", (char *)NULL);
        _exit(2);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

int main(int count, char **argument)
{
    if (count == 1 || !strcmp(argument[1], "make"))
        chdir("/root");
    if (count > 1 && !strcmp(argument[1], "make")) {
        make();
        return 0;
    }
    if (count > 1)
        return moved();
    begins = mmap(NULL, sizeof *begins, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    setgid(USER), setuid(USER);
    for (unsigned i = 0; i < LINKS; i++) {
        snprintf(path, sizeof path, "l%u/absolute", i);
        vanish(looks);
    }
    deep("f/");
    SAY("under a new program: %d", another_program());
    deep("d/");
    vanish(enters);
    SAY("in another's directory: %u", next());
    deep("e/");
    strcat(path, "end");
    vanish(links);
    SAY("with another's rights: %u", next());
    return 0;
}
