/* Operation numbers of every protocol, made from protocol.def: FS_READ, VFS_OPEN ... An operation
 * number is the protocol's in the upper byte and its own below, so that one table lookup finds a
 * handler. */
#ifndef MINNOW_PROTOCOL_H
#define MINNOW_PROTOCOL_H

#include <minnow/syscall.h>
#include <minnow/sysv.h>
#include <minnow/types.h>

#define PROTOCOL(name, number, who) PROTOCOL_##name = number,
#define OP(protocol, name, number, words, result)
enum {
#include <minnow/protocol.def>
    PROTOCOL_COUNT
};
#undef PROTOCOL
#undef OP

#define PROTOCOL(name, number, who)
#define OP(protocol, name, number, words, result) \
    protocol##_##name = PROTOCOL_##protocol << 8 | (number),
enum {
#include <minnow/protocol.def>
};
#undef PROTOCOL
#undef OP

#define op_protocol(op) ((op) >> 8)
#define op_number(op) \
    ((op)&0xff) /* a constant for a constant, so that it can index a table of handlers */

/* Objects of the pipe service. Who has read an object's number and opens it later gets this pipe or
 * none: numbers are used again, never with the same generation (before 2^23 others). The topmost
 * byte is 0 but for some ends of a FIFO (pipe.h, `opened`). */
enum { PIPE_OPENED_SHIFT = 56, PIPE_GENERATIONS = 1 << 24 };
static inline uint64_t pipe_object(uint32_t number, uint32_t generation, unsigned end)
{
    return (uint64_t)(generation % PIPE_GENERATIONS) << 32 | number << 1 | end;
}
static inline uint32_t pipe_number(uint64_t object) { return (uint32_t)object >> 1; }
static inline uint64_t pipe_inode(uint64_t object) { return pipe_number(object) + 1; }

/* Objects of the service of sockets. */
static inline uint64_t socket_inode(uint64_t object) { return (uint32_t)object + 1; }

/* Objects of the personality server's own: files without a name, of one kind or another. */
enum anon_kind {
    ANON_EVENT = 1,
    ANON_TIMER,
    ANON_SIGNAL,
    ANON_EPOLL,
    ANON_MQUEUE,
    ANON_PID,
    ANON_INOTIFY,
    ANON_NETLINK
};
static inline uint64_t anon_object(uint32_t number, uint32_t generation, enum anon_kind kind)
{
    return (uint64_t)kind << 56 | (uint64_t)generation << 32 | number;
}
static inline uint32_t anon_number(uint64_t object) { return object; }
static inline enum anon_kind anon_kind(uint64_t object) { return object >> 56; }

/* KERNEL_NOTIFY bits that protocols use. */
enum {
    BIT_POLL = 0,
    BIT_TTY = 1,
    BIT_DUE = 2,   /* of POSIX to itself: polls are to look again */
    BIT_FILES = 3, /* there are events of watched files */
};

/* FS_POLL's third word: whether the asker is to be told. */
enum poll_arm {
    POLL_ARM_NONE,
    POLL_ARM_IDLE, /* if none of the events holds: when one may hold */
    POLL_ARM_EDGE, /* in any case: when one of them happens */
};

/* PM_FAULT's access bits. */
enum {
    PM_FAULT_WRITE = 1,
    PM_FAULT_EXEC = 2,
    PM_FAULT_PRESENT = 4,
    PM_FAULT_CALL = 8 /* thrown back by a server */
};

/* Who a process is for VFS_CRED. */
enum { CRED_GROUPS = 32 };
struct vfs_cred {
    uint32_t fsuid, fsgid, uid, gid, count, groups[CRED_GROUPS];
    uint64_t effective, permitted; /* capabilities */
};
/* As a directory argument: AT_FDCWD, and a link at the path's end is not followed. */
enum { VFS_HERE_NOFOLLOW = 0xffff };
/* What FS_XATTR does. */
enum { FS_XATTR_GET, FS_XATTR_SET, FS_XATTR_LIST, FS_XATTR_REMOVE };
/* In what form VFS_UTIMENS finds the times: struct timespec[2], timeval[2], struct utimbuf. */
enum { VFS_TIMES_TIMESPEC, VFS_TIMES_TIMEVAL, VFS_TIMES_UTIMBUF };
/* The forms of VFS_MOUNTS: /proc/mounts, mountinfo, mountstats. */
enum { VFS_MOUNTS_SHORT, VFS_MOUNTS_INFO, VFS_MOUNTS_STATISTICS };
enum { VFS_PATH_CWD, VFS_PATH_ROOT, VFS_PATH_OBJECT, VFS_PATH_PROGRAM, VFS_PATH_FILE };

/* VFS_RESOLVE's r1. */
#define RESOLVED_UNREADABLE (1ul << 15) /* its user may not read it */
static inline uint64_t resolved(endpoint_t service, uint32_t mode, uint32_t uid)
{
    return service | mode << 16 | (uint64_t)uid << 32;
}
static inline endpoint_t resolved_service(uint64_t r) { return r & 0xff; }
static inline uint32_t resolved_mode(uint64_t r) { return r >> 16 & 0xffff; }
static inline uint32_t resolved_uid(uint64_t r) { return r >> 32; }

/* PM_EXEC: the program, its arguments, and what goes into the auxiliary vector. Strings that are
 * given come first, then those that the old program's arrays of pointers name. */
struct pm_exec {
    endpoint_t service;  /* the program's file, from VFS_RESOLVE */
    uint32_t argc, envc; /* of the given strings */
    /* of the given strings, which follow this structure: argc and then envc of them, each NUL-
     * terminated */
    uint32_t bytes;
    uint64_t object;
    uint64_t argv, envp; /* in the old program's memory, ended by NULL; 0: none */
    uint32_t uid, euid, gid, egid, secure;
    uint32_t flags; /* PM_EXEC_... */
    uint64_t stack_limit;
    char name[256]; /* AT_EXECFN */
};
enum {
    PM_EXEC_NO_RANDOM = 1,
    PM_EXEC_SKIP_FIRST = 2, /* argv[0] is left out: a script's name is given in its place */
    PM_EXEC_TRY = 4,        /* says whether it could be done, and changes nothing */
};
enum { PM_EXEC_GIVEN_MAX = 8192 };
/* Its result: so many bytes of arguments stand at r3, followed by so many of the environment. */
static inline uint32_t pm_exec_arguments(uint64_t result) { return result >> 32; }
static inline uint32_t pm_exec_environment(uint64_t result) { return result; }

/* PM_MEMORY. FORCE: also what the task itself may not read, and of private memory what it may not
 * write. */
enum { MEMORY_WRITE = 1, MEMORY_FORCE = 2 };

/* What PM_REGIONS tells of each. CHANGED: private and of a file, and a page at least is a copy. */
struct pm_region {
    vaddr_t start, end;
    uint64_t offset, object; /* of its file */
    endpoint_t service;      /* 0: it shows no file */
    uint16_t protection;     /* PAGE_READ... */
    uint16_t flags;          /* PM_REGION_... */
};
enum {
    PM_REGION_SHARED = 1,
    PM_REGION_CHANGED = 2,
    PM_REGION_FIXED = 4,
    PM_REGION_NOT_DUMPED = 8 /* MADV_DONTDUMP */
};

/* PM_FORK: what parent and child share. */
enum { PM_SHARE_SPACE = 1, PM_SHARE_CONNECTIONS = 2, PM_SHARE_DIRECTORIES = 4 };

/* MEMLOCK: all ones, if the process may lock all. */
enum { PM_LIMIT_AS, PM_LIMIT_DATA, PM_LIMIT_MEMLOCK, PM_LIMIT_STACK, PM_LIMITS };

/* What RS_STATUS tells. */
struct rs_status {
    char name[16];
    /* 0 absent, 1 created, 2 running, 3 stopped, 4 waiting, 5 given up, 6 refused */
    uint32_t state;
    uint32_t starts, deaths, pad;
    struct service_rights rights;
};

/* What PM_MAPS tells: the texts of /proc/N/maps, smaps, smaps_rollup, or a struct pm_usage. */
enum pm_maps { PM_MAPS_LINES, PM_MAPS_USAGE, PM_MAPS_SMAPS, PM_MAPS_ROLLUP };

/* What there is to tell of a process's memory, in pages. PM publishes a table of them by task index
 * (SYS_PUBLISH), in which place 0 is the whole: virtual_pages the frames that PM has, resident
 * those in use, data those of the others that only root gets. */
struct pm_usage {
    uint64_t virtual_pages, resident, peak /* resident before it last fell, at most */, data, stack,
        text, faults, major, locked;
    uint64_t virtual_peak; /* the most that virtual_pages has been */
    uint64_t space;        /* no pages: the space's number, which no other one has had; 0: none */
    /* addresses: of the program's file, as far as it says so, what runs and what does not; where
     * brk begins; the first stack pointer; where the auxiliary vector stands */
    struct pm_layout {
        caller_t code, code_end, data, data_end, brk, stack, auxv;
    } at;
};

/* What PM publishes. attached: how many regions show each segment (PM_SEGMENT_...). */
struct pm_published {
    struct pm_usage usage[TASKS_MAX];
    uint32_t attached[SYSV_PLACES];
};

/* PM_SEGMENT_MAP's flags. */
enum { SEGMENT_READ_ONLY = 1, SEGMENT_EXEC = 2, SEGMENT_REPLACE = 4 };

#endif
