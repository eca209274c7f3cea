/* User and group ids, permissions that follow from them. Started as root. */
#define _GNU_SOURCE
#include "oracle.h"
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

static void ids(void)
{
    uid_t r, e, s;
    gid_t a, b, c;
    getresuid(&r, &e, &s);
    getresgid(&a, &b, &c);
    SAY("ids %d %d %d, %d %d %d", r, e, s, a, b, c);
}

static void in_child(void (*run)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        run();
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static void drop(void)
{
    gid_t groups[3] = { 7, 8, 9 }, got[8];
    SHOW(setgroups(3, groups));
    SHOW(getgroups(0, NULL));
    SHOW(getgroups(8, got));
    SAY("groups %d %d %d", got[0], got[1], got[2]);
    SHOW(getgroups(1, got));
    SHOW(setgid(1000));
    SHOW(setuid(1000));
    ids();
    SHOW(setuid(0));
    SHOW(seteuid(0));
    SHOW(setgid(0));
    SHOW(setgroups(0, NULL));
    SHOW(open("/tmp/oracle-secret", O_RDONLY));
    SHOW(open("/tmp/oracle-group", O_RDONLY) >= 0);
    SHOW(access("/tmp/oracle-secret", R_OK));
    SHOW(chown("/tmp/oracle-secret", 1000, 1000));
    SHOW(kill(1, 0));
    SHOW(chroot("/"));
    SHOW(mkdir("/oracle-dir", 0755));
}

static void for_a_while(void)
{
    SHOW(seteuid(1000));
    ids();
    SHOW(open("/tmp/oracle-secret", O_RDONLY));
    SHOW(access("/tmp/oracle-secret", R_OK));
    SHOW(seteuid(0));
    SHOW(open("/tmp/oracle-secret", O_RDONLY) >= 0);
    SHOW(setresuid(1, 2, 3));
    ids();
    SHOW(setresuid(-1, 3, -1));
    SHOW(setresuid(9, -1, -1));
    ids();
}

static void fs_ids(void)
{
    SHOW(setfsuid(1000));
    SHOW(setfsuid(-1));
    SHOW(open("/tmp/oracle-secret", O_RDONLY));
    SHOW(setfsuid(0));
}

int main(void)
{
    umask(0);
    close(open("/tmp/oracle-secret", O_CREAT | O_WRONLY, 0600));
    close(open("/tmp/oracle-group", O_CREAT | O_WRONLY, 0040));
    if (chown("/tmp/oracle-group", 0, 8) < 0)
        SAY("not root");
    in_child(drop);
    in_child(for_a_while);
    in_child(fs_ids);
    unlink("/tmp/oracle-secret");
    unlink("/tmp/oracle-group");
    return 0;
}
