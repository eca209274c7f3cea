/* Runs whole jobs and marks the beginning and the end of each: for tests/bench_jobs.py.
 *
 * Arguments, four for each job: its name and three shell scripts, which prepare it, do it and print
 * its result. Each job is done twice, in the empty folder /tmp/job, and the second time is
 * measured: the files are in the caches then, and the emulator has translated the programs. Two
 * marks stand around it: an instruction without effect that tests/jobs/count.c knows, and a line of
 * output with a moment of idleness behind it, in which whoever reads the line can look at a clock.
 *
 *     begin NAME           then the job
 *     end NAME STATUS      then the lines of its result */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { IDLE_MS = 300 };

static void mark(void) { __asm__ volatile("nopl 0x4d4e574a(%%rax)" : : : "memory"); }

/* Runs a script by the shell; its status as $? would be. */
static int shell(const char *script)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void say(const char *word, const char *name, int status)
{
    if (status < 0)
        printf("%s %s\n", word, name);
    else
        printf("%s %s %d\n", word, name, status);
    fflush(stdout);
    nanosleep(&(struct timespec){ .tv_nsec = IDLE_MS * 1000000 }, NULL);
}

static void empty_folder(const char *path)
{
    if (chdir("/") || shell("rm -rf /tmp/job") || mkdir(path, 0755) || chdir(path)) {
        perror(path);
        exit(1);
    }
}

static void run(const char *name, const char *prepare, const char *job, const char *result)
{
    for (int i = 0; i < 2; i++) {
        empty_folder("/tmp/job");
        if (shell(prepare) != 0)
            fprintf(stderr, "%s: could not be prepared\n", name);
        if (i == 0)
            shell(job);
    }
    say("begin", name, -1);
    mark();
    int status = shell(job);
    mark();
    say("end", name, status);
    shell(result);
}

int main(int argc, char **argv)
{
    for (; argc > 4; argc -= 4, argv += 4)
        run(argv[1], argv[2], argv[3], argv[4]);
    empty_folder("/tmp/job");
    return chdir("/") || rmdir("/tmp/job");
}
