/* The files of a process's directory, in Linux's formats (proc(5)). Fields that Minnow has nothing
 * for are 0, or what Linux prints for a system without the feature. */
#include "procfs.h"

enum { HZ = 100, KIB = PAGE_SIZE / 1024 };
#define TICKS(ns) ((uint64_t)(ns) / (SECOND / HZ))

/* The letter of a process's state. POSIX knows no more than that a process is not stopped and not a
 * zombie ('S'); the kernel knows whether it runs. */
static char state_of(const struct posix_proc *p)
{
    return p->state == 'S' && p->task && (p->task == fact_reader || fact_runs(p->task)) ? 'R'
                                                                                        : p->state;
}

/* What the kernel knows of a process. false: its task is gone. */
static bool task_of(const struct posix_proc *p, struct task_info *t)
{
    return p->task && fact_task(endpoint_index(p->task), t) && t->endpoint == p->task;
}

/* The processor time of a process: from the kernel while its task lives, then what POSIX kept. */
static struct cpu_time cpu(const struct posix_proc *p)
{
    struct task_info t;
    return task_of(p, &t) ? t.cpu : p->cpu;
}

/* The signals that a process' first thread blocks. */
static uint64_t blocked(const struct posix_proc *p)
{
    struct task_info t;
    return p->masked ? p->call_mask : task_of(p, &t) ? t.mask : 0;
}

void make_process_stat(struct text *t, const struct posix_proc *p)
{
    enum { NORMAL_PRIORITY = 20, SIGCHLD = 17 };
    struct pm_usage u;
    fact_usage(p->task, &u);
    text_add(t, "%u (%s) %c %u %u %u %lu %d 0 ", p->pid, p->name, state_of(p), p->ppid, p->pgid,
             p->sid, p->tty, p->tty ? (int)p->tty_pgrp : -1);
    struct cpu_time own = cpu(p);
    const struct cpu_time *of[] = { &own, &p->children };
    text_add(t, "%lu 0 %lu 0 ", u.faults, u.major);
    for (unsigned i = 0; i < sizeof of / sizeof of[0]; i++)
        text_add(t, "%lu %lu ", TICKS(of[i]->ns - of[i]->system_ns), TICKS(of[i]->system_ns));
    text_add(t, "%d %d %u 0 %lu %lu %lu ", NORMAL_PRIORITY + p->nice, p->nice, p->threads,
             TICKS(p->start_ns), u.virtual_pages * PAGE_SIZE, u.resident);
    text_add(t, "18446744073709551615 0 0 0 0 0 %lu %lu %lu %lu ", p->pending & 0x7fffffff,
             blocked(p) & 0x7fffffff, p->ignored & 0x7fffffff, p->caught & 0x7fffffff);
    text_add(t, "0 0 0 %d 0 0 0 0 0 0 0 0 0 0 0 0 0 %u\n", SIGCHLD, p->exit_status);
}

static const char *state_name(char state)
{
    switch (state) {
    case 'R': return "running";
    case 'T': return "stopped";
    case 'Z': return "zombie";
    default: return "sleeping";
    }
}

void make_process_status(struct text *t, const struct posix_proc *p)
{
    struct pm_usage u;
    struct task_info k;
    char state = state_of(p);
    fact_usage(p->task, &u);
    if (!task_of(p, &k))
        k.descriptors = 0;
    text_add(
        t, "Name:\t%s\nState:\t%c (%s)\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n",
        p->name, state, state_name(state), p->pid, p->pid, p->ppid);
    text_add(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", p->uid,
             p->euid, p->suid, p->fsuid, p->gid, p->egid, p->sgid, p->fsgid,
             MAX(64u, k.descriptors));
    for (unsigned i = 0; i < MIN(p->group_count, (uint32_t)PROC_GROUPS); i++)
        text_add(t, "%u ", p->groups[i]);
    text_add(t, "\nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n", p->pid, p->pid, p->pgid,
             p->sid);
    if (p->task) {
        text_add(t, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n",
                 u.virtual_pages * KIB, u.virtual_pages * KIB, u.resident * KIB, u.resident * KIB);
        text_add(t,
                 "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t       0 "
                 "kB\nVmSwap:\t       0 kB\n",
                 u.data * KIB, u.stack * KIB, u.text * KIB);
    }
    text_add(t,
             "Threads:\t%u\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%"
             "016lx\nSigCgt:\t%016lx\n",
             p->threads, p->pending, (uint64_t)0, blocked(p), p->ignored, p->caught);
    uint64_t capabilities = p->euid ? 0 : 0x1ffffffffffu;
    text_add(t, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", (uint64_t)0, capabilities,
             capabilities);
    text_add(t, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\n");
}

void make_process_statm(struct text *t, const struct posix_proc *p)
{
    struct pm_usage u;
    fact_usage(p->task, &u);
    text_add(t, "%lu %lu 0 %lu 0 %lu 0\n", u.virtual_pages, u.resident, u.text, u.data + u.stack);
}

void make_process_comm(struct text *t, const struct posix_proc *p) { text_add(t, "%s\n", p->name); }
