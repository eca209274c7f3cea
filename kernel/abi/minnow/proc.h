/* What the personality server publishes of its processes (SYS_PUBLISH), for procfs: a struct posix_table, then at
 * offset `first` `count` places of `stride` bytes, each beginning with a struct posix_proc. A place whose pid is 0 is
 * free. procfs reads it with SYS_INFO INFO_PUBLISHED (index = slot of posix | offset << 16). What the kernel knows
 * better (processor time, whether a thread is running) is in INFO_TASK and INFO_THREAD of `task`. */
#ifndef MINNOW_PROC_H
#define MINNOW_PROC_H

#include <minnow/types.h>

struct posix_table {
    uint32_t count, stride, first;
    uint32_t last_pid;      /* given out */
    uint64_t forks;         /* processes ever made */
    uint64_t pad;
};

enum { PROC_GROUPS = 32, PROC_EXE = 256, PROC_CMDLINE = 384 };

struct posix_proc {
    uint32_t   pid, ppid, pgid, sid;
    endpoint_t task;            /* 0 when it is a zombie */
    uint8_t    state;           /* 'S' alive (R or S: ask the kernel), 'T' stopped, 'Z' zombie */
    int8_t     nice;            /* -20 .. 19 */
    uint16_t   threads;
    uint32_t   exit_status;     /* as wait reports it */
    uint32_t   tty_pgrp;        /* foreground group of its terminal, or 0 */
    uint64_t   tty;             /* rdev of its controlling terminal, or 0 */
    uint32_t   uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    uint32_t   group_count, groups[PROC_GROUPS];
    uint64_t   start_ns;        /* since boot */
    uint64_t   cpu_ns;          /* of a zombie: all it used; otherwise ask the kernel */
    uint64_t   children_ns;     /* of children waited for */
    uint64_t   pending, blocked, ignored, caught;   /* signals; bit n-1 is signal n */
    uint64_t   limit_stack;     /* bytes */
    char       name[16];        /* NUL-terminated */
    char       exe[PROC_EXE];   /* path of the program, NUL-terminated; may be relative to what exec was given */
    uint32_t   cmdline_length;  /* bytes used of cmdline */
    char       cmdline[PROC_CMDLINE];   /* arguments, each NUL-terminated; cut when longer */
};

#endif
