/* Priorities of input and output; the base of GS. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { PROCESS = 1, GROUP, USER };
enum { NONE, REALTIME, BEST_EFFORT, IDLE, SHIFT = 13 };

static long set(int which, int who, int value)
{
    return syscall(SYS_ioprio_set, which, who, value);
}
static long get(int which, int who) { return syscall(SYS_ioprio_get, which, who); }

static void values(void)
{
    for (int class = 0; class < 6; class ++)
        for (int level = 0; level < 8; level += 3) {
            long result = set(PROCESS, 0, class << SHIFT | level);
            SAY("class %d level %d: %ld %ld", class, level, result, get(PROCESS, 0));
        }
    SHOW(set(PROCESS, 0, -1));
    SHOW(set(PROCESS, 0, BEST_EFFORT << SHIFT | 4));
    SHOW(set(0, 0, 0));
    SHOW(set(4, 0, 0));
    SHOW(set(-1, 0, 0));
    SHOW(get(0, 0));
    SHOW(get(4, 0));
    SHOW(set(PROCESS, 99999999, 0));
    SHOW(get(PROCESS, 99999999));
    SHOW(set(GROUP, 99999999, 0));
    SHOW(get(GROUP, 99999999));
    SHOW(get(USER, 54321));
    SHOW(get(PROCESS, getpid()));
}

static void inherited(void)
{
    int status;
    SHOW(set(PROCESS, 0, IDLE << SHIFT | 5));
    if (!fork()) {
        SHOW(get(PROCESS, 0));
        SHOW(get(PROCESS, getppid()));
        SHOW(set(PROCESS, getppid(), NONE));
        _exit(0);
    }
    wait(&status);
    SHOW(get(PROCESS, 0));
}

/* A group of its own, so that nobody else is in it. */
static void groups(void)
{
    int status;
    pid_t child = fork();
    if (!child) {
        setpgid(0, 0);
        SHOW(get(GROUP, 0));
        setpriority(PRIO_PROCESS, 0, 7);
        SHOW(get(GROUP, 0));
        pid_t other = fork();
        if (!other)
            for (;;)
                pause();
        SHOW(set(PROCESS, other, BEST_EFFORT << SHIFT | 2));
        SHOW(get(GROUP, getpid()));
        SHOW(set(GROUP, 0, BEST_EFFORT << SHIFT | 6));
        SHOW(get(PROCESS, other));
        SHOW(get(GROUP, 0));
        SHOW(set(GROUP, 0, NONE));
        sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 });
        SHOW(get(GROUP, 0));
        SHOW(set(PROCESS, 0, IDLE << SHIFT));
        SHOW(get(GROUP, 0));
        kill(other, SIGKILL);
        _exit(0);
    }
    waitpid(child, &status, 0);
}

static void another_user(void)
{
    int status;
    pid_t victim = fork();
    if (!victim)
        for (;;)
            pause();
    if (!fork()) {
        SHOW(setgid(54321));
        SHOW(setuid(54321));
        SHOW(set(PROCESS, 0, REALTIME << SHIFT | 1));
        SHOW(set(PROCESS, victim, BEST_EFFORT << SHIFT));
        SHOW(get(PROCESS, victim));
        SHOW(set(USER, 54321, BEST_EFFORT << SHIFT | 1));
        SHOW(get(USER, 54321));
        _exit(0);
    }
    wait(&status);
    kill(victim, SIGKILL);
    wait(&status);
}

static void base_of_gs(void)
{
    enum { SET_GS = 0x1001, GET_GS = 0x1004 };
    static unsigned long words[] = { 11, 22 }, base = 1, word;
    SHOW(syscall(SYS_arch_prctl, GET_GS, &base));
    SAY("%lu", base);
    SHOW(syscall(SYS_arch_prctl, SET_GS, words));
    SHOW(syscall(SYS_arch_prctl, GET_GS, &base));
    SAY("%s", base == (unsigned long)words ? "as it was set" : "another");
    __asm__("mov %%gs:8, %0" : "=r"(word));
    SAY("%lu", word);
    sched_yield();
    pause_ms(2);
    if (!fork()) {
        __asm__("mov %%gs:0, %0" : "=r"(word));
        SAY("child: %lu", word);
        _exit(0);
    }
    wait(NULL);
    __asm__("mov %%gs:8, %0" : "=r"(word));
    SAY("%lu", word);
    SHOW(syscall(SYS_arch_prctl, SET_GS, 1ul << 47));
    SHOW(syscall(SYS_arch_prctl, GET_GS, 8));
    SHOW(syscall(SYS_arch_prctl, SET_GS, 0));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    values();
    inherited();
    groups();
    another_user();
    base_of_gs();
    return 0;
}
