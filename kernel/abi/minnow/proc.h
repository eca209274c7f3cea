/* What the personality server publishes of its processes (SYS_PUBLISH), for procfs: a struct
 * posix_table, then from offset `first` on `count` places of `stride` bytes, each beginning with a
 * struct posix_proc; and from `threads` on a struct posix_thread for each of the kernel's indexes
 * of threads. A place whose pid is 0 is free. procfs reads it with SYS_INFO INFO_PUBLISHED (index =
 * published_at(slot of posix, offset)). What the kernel knows better (processor time, whether a
 * thread is running) is in INFO_TASK and INFO_THREADS of `task`. */
#ifndef MINNOW_PROC_H
#define MINNOW_PROC_H

#include <minnow/mqueue.h>
#include <minnow/syscall.h>
#include <minnow/types.h>

enum {
    PROC_GROUPS = 32,
    PROC_NAME = 65,
    PROC_CORE_PATTERN = 128,
    PROC_EXE = 256,
    PROC_LIMITS = 16,
    PROC_THREAD_NAME = 16,
    PROC_LOADS = 3
};
enum { LOAD_ONE = 2048 /* what a load average of 1 is */ };

/* Limits of the personality, which /proc/sys shows. */
enum {
    PROC_PID_MAX = 32768,
    PROC_CAPABILITIES = 41,
    PROC_PIPE_MAX = 1 << 20, /* bytes of a pipe, unless /proc/sys has another limit */
    PROC_LEASE_BREAK = 45,   /* seconds, unless /proc/sys says otherwise */
    PROC_MAPS = 65530,       /* regions of a space */
    PROC_LOWEST = 64 * 1024, /* where memory may begin */
    PROC_ROUND_MS = 10,      /* sched_rr_get_interval */
};

/* What the system calls itself (uname). */
#define SYSTEM_NAME    "Linux"
#define SYSTEM_RELEASE "6.1.0-minnow"
#define SYSTEM_VERSION "#1 Minnow"

struct posix_table {
    uint32_t count, stride, first;
    uint32_t last_pid; /* given out */
    uint64_t forks;    /* processes ever made */
    uint32_t sysv;     /* offset of the records of System V IPC (minnow/sysv.h) */
    uint32_t threads;
    uint64_t loads[PROC_LOADS]; /* averages over 1, 5, 15 minutes, in units of LOAD_ONE */
    uint32_t pending;     /* in a process's place: the offset of the signals that wait for it */
    uint32_t pipe_max;    /* bytes of a pipe, for whom has no CAP_SYS_RESOURCE */
    uint32_t lease_break; /* seconds that the holder of a lease has; 0: all the time */
    uint32_t inotify_instances; /* that a user may have */
    uint32_t signals;           /* offset of the struct share of signals that wait (share.h) */
    char node_name[PROC_NAME], domain_name[PROC_NAME]; /* sethostname, setdomainname */
    int32_t sysv_next[3];   /* by enum sysv_kind: the id that the next object gets; -1: any */
    uint32_t mq[MQ_LIMITS]; /* by enum mq_limit */
    bool core_uses_pid;     /* /proc/sys/kernel, likewise: */
    char core_pattern[PROC_CORE_PATTERN];
};

/* Who traces a thread by ptrace(2). */
struct posix_tracing {
    uint32_t tracer; /* that thread's number; 0: nobody */
    bool trapped;    /* the traced thread stands still for it */
};

/* How a thread is scheduled: SCHED_..., and its priority by SCHED_FIFO and SCHED_RR, else 0. */
struct posix_policy {
    uint8_t policy, priority;
};

struct posix_thread {
    uint32_t pid, tid;
    char name[PROC_THREAD_NAME]; /* NUL-terminated */
    struct posix_tracing tracing;
    struct posix_policy policy;
    uint64_t pending; /* signals that wait for it, unless it is the first thread */
};

/* What a write to a file of /proc changes: POSIX_SET. */
enum proc_setting {
    PROC_SET_THREAD_NAME,
    PROC_SET_HOST_NAME,
    PROC_SET_DOMAIN_NAME,
    PROC_SET_CORE_PATTERN,
    PROC_SET_CORE_USES_PID,
    PROC_SET_CORE_FILTER,
    PROC_SET_PIPE_MAX,
    PROC_SET_LEASE_BREAK,
    PROC_SET_INOTIFY_INSTANCES,
    PROC_SET_OOM_SCORE_ADJUST, /* -1000 .. 1000 */
    PROC_SET_OOM_ADJUST,       /* the same as -17 .. 15 */
    PROC_SET_SEM_NEXT,         /* what id the next object of System V IPC gets; */
    PROC_SET_MSG_NEXT,         /* in the order of enum sysv_kind */
    PROC_SET_SHM_NEXT,
    PROC_SET_MQ, /* the limits of message queues, in the order of enum mq_limit */
    PROC_SET_MQ_END = PROC_SET_MQ + MQ_LIMITS
};

/* Capabilities, by Linux's numbers. */
enum {
    CAP_CHOWN,
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    CAP_FOWNER,
    CAP_FSETID,
    CAP_KILL,
    CAP_SETGID,
    CAP_SETUID,
    CAP_SETPCAP,
    CAP_LINUX_IMMUTABLE,
    CAP_NET_ADMIN = 12,
    CAP_IPC_LOCK = 14,
    CAP_IPC_OWNER,
    CAP_SYS_PTRACE = 19,
    CAP_SYS_ADMIN = 21,
    CAP_SYS_BOOT,
    CAP_SYS_NICE,
    CAP_SYS_RESOURCE,
    CAP_SYS_TIME,
    CAP_SYS_TTY_CONFIG,
    CAP_MKNOD,
    CAP_LEASE,
    CAP_MAC_OVERRIDE = 32,
    CAP_SYSLOG = 34,
    CAP_WAKE_ALARM,
    CAP_CHECKPOINT_RESTORE = 40,
};
#define PROC_CAPS_ALL ((1ull << PROC_CAPABILITIES) - 1)

/* The capabilities of a process: posix/capability.c. */
struct proc_caps {
    uint64_t effective, permitted, inheritable, bounding, ambient;
    uint32_t secure; /* SECURE_... */
};
enum {
    SECURE_NOROOT = 1,
    SECURE_NO_SETUID_FIXUP = 4,
    SECURE_KEEP_CAPS = 16,
    SECURE_NO_AMBIENT_RAISE = 64,
    SECURE_LOCKS = 0xaa, /* each locks the bit below it */
    SECURE_ALL = 0xff,
};

/* Policies of scheduling, by Linux's numbers. */
enum { SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5, SCHED_DEADLINE };

/* A resource limit, as Linux has it; all ones: none. */
struct proc_limit {
    uint64_t soft, hard;
};

struct posix_proc {
    uint32_t pid, ppid, pgid, sid;
    endpoint_t task; /* 0 when it is a zombie */
    uint8_t state;   /* 'S' alive (R or S: ask the kernel), 'T' stopped, 'Z' zombie */
    int8_t nice;     /* -20 .. 19 */
    uint16_t threads;
    uint32_t exit_status; /* as wait reports it */
    uint32_t tty_pgrp;    /* foreground group of its terminal, or 0 */
    uint64_t tty;         /* rdev of its controlling terminal, or 0 */
    uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    uint32_t group_count, groups[PROC_GROUPS];
    uint64_t start_ns;        /* since boot */
    struct cpu_time cpu;      /* of a zombie: all it used; otherwise ask the kernel */
    struct cpu_time children; /* of children waited for, */
    uint64_t children_faults, children_major; /* and their page faults, */
    struct io_count io[IO_KINDS]; /* and reads and writes; of a zombie, with its own ones */
    int32_t exit_signal;          /* sent to the parent at the end; 0: none */
    /* how likely it is to be chosen when memory runs out, -1000 .. 1000, and the least that it may
     * choose without CAP_SYS_RESOURCE: kept, and inherited; nothing here chooses */
    int16_t oom_adjust, oom_adjust_least;
    uint64_t ignored, caught; /* signals; bit n-1 is signal n */
    uint64_t thread_pending;  /* those that wait for the first thread */
    /* what its first thread blocks while it waits in sigsuspend or the like (masked); else ask the
     * kernel */
    uint64_t call_mask;
    uint8_t masked;
    struct proc_limit limits[PROC_LIMITS]; /* by the numbers of RLIMIT_... */
    uint32_t personality;                  /* personality(2) */
    struct posix_policy policy;            /* of the first thread */
    bool no_new_privs;                     /* PR_SET_NO_NEW_PRIVS */
    struct proc_caps caps;
    char name[PROC_THREAD_NAME];  /* of the first thread */
    struct posix_tracing tracing; /* likewise */
    /* 0: only root may look into it, whichever user it has */
    uint8_t dumpable;
    uint32_t core_filter;   /* what a core file keeps: coredump_filter */
    uint32_t memory_serial; /* another number for each memory that a process of this pid has had */
    endpoint_t exe_service; /* the program's file, */
    uint64_t exe_object, exe_dir; /* and its directory when it was started, or 0 */
    char exe_name[PROC_EXE];      /* its name there, NUL-terminated */
    /* where its arguments and its environment stand, each NUL-terminated: PR_SET_MM moves them */
    struct proc_strings {
        caller_t at, end;
    } arguments, environment;
};

/* The lower half of the object that a process's directory in /proc is; above it stands the pid. */
enum { PROC_DIRECTORY = 2, PROC_DIRECTORY_BITS = 40 };
/* The pid of the process whose directory the object is; 0: it is something else. */
static inline uint32_t proc_directory_pid(uint64_t object)
{
    bool is = (object & ((1ull << PROC_DIRECTORY_BITS) - 1)) == PROC_DIRECTORY;
    return is ? object >> PROC_DIRECTORY_BITS & 0xffff : 0;
}

#endif
