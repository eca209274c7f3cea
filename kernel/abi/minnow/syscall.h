/* The kernel's own calls, as a service makes them: number in rax, arguments in rdi rsi rdx r10 r8
 * r9, result in rax. Those that move messages use the registers of message.h. kcalls.def is the
 * catalogue of the calls; this header has their numbers, structures and constants. */
#ifndef MINNOW_SYSCALL_H
#define MINNOW_SYSCALL_H

#include <minnow/limits.h>
#include <minnow/types.h>

#define KCALL(NAME, name, number, ...)   SYS_##NAME = number,
#define MESSAGE(NAME, name, number, ...) SYS_##NAME = number,
enum sys {
#include <minnow/kcalls.def>
    SYS_COUNT_
};
#undef KCALL
#undef MESSAGE

enum {
    REPLY_POSITION = 1, /* r1 is the connection's new position */
    /* the result is not stored: the caller goes on with its registers as SYS_REGS_SET left them */
    REPLY_KEEP = 2,
    /* SYS_REPLY_RECEIVE only: the r3 bytes at r2 of the service's own memory go to the beginning of
     * the call's window first. If a page of it is missing the call is thrown back instead */
    REPLY_BYTES = 4,
    /* r1 becomes the program's thread's mask (SYS_MASK). Right POSIX */
    REPLY_MASK = 8,
    /* with REPLY_MASK: something waits for the thread that its mask may keep away. Who lets
     * anything through then makes KERNEL_SIGNAL */
    REPLY_WAITS = 16,
    REPLY_CONTEXT_UP =
        32,           /* with REPLY_MASK: its SYS_CONTEXT_RETURN is for the personality to do */
    REPLY_QUIET = 64, /* a result of -EPIPE comes without its signal */
};
/* how SYS_MASK changes a mask: as rt_sigprocmask(2) has the numbers */
enum { MASK_BLOCK, MASK_UNBLOCK, MASK_SET };
enum { COPY_FROM_CALLER, COPY_TO_CALLER };
enum { STEPS_MAX = 1 << 20 };
/* objects that one service may have been lent at a time */
enum { LOANS_MAX = 8 };
/* bit numbers; the others are the service's own */
enum { NOTIFY_ALARM = 63, NOTIFY_TASK_DIED = 62, NOTIFY_TRACE = 61 };
enum { GROW_CONTIGUOUS = 1, GROW_BELOW_4G = 2 };
/* a stack of a service ends at a multiple of the span; the pages below that are its memory */
enum { SERVICE_STACK_SPAN = 0x10000, SERVICE_STACK_PAGES = 8 };

/* Where services are linked, and where those data of a service begin that a successor with the same
 * version of its state may take over. A running service stands service_rights.slide bytes
 * higher. */
enum { SERVICE_LINKED = 0x400000, SERVICE_STATE = 0x10000000 };

/* A service that fails is frozen: nothing of it runs, and everything stands as it was. The manager
 * then rolls it back or starts it afresh. */
enum exit { EXIT_THREAD, EXIT_SERVICE, EXIT_UNRECOVERABLE /* it cannot be rolled back */ };
enum kill {
    KILL_FREEZE, /* as if it had died at the instruction that it has got to */
    KILL_HUNG,   /* likewise, and the service is to blame */
    /* its threads go, its memory stays for a successor; -EBUSY while one of them does not wait for
     * a message */
    KILL_HAND_OVER,
    /* its threads and its memory go; calls wait for a successor in the slot */
    KILL_STOP,
    KILL_REFUSE, /* likewise, and callers get -ENXIO: there will be no successor */
};
/* How a service that is rolled back goes on. RESUME_AGAIN: its thread takes the same way again.
 * RESUME_FAILING: what that way began with fails, see kernel/libservice/recover.c. */
enum resume { RESUME_AGAIN, RESUME_FAILING };
enum crash {
    CRASH_NONE,
    CRASH_FAULT,
    CRASH_EXIT,
    CRASH_UNRECOVERABLE,
    CRASH_KILLED,
    CRASH_HUNG,
    CRASH_VIOLATION
};

/* A thread that was stopped between two kernel calls that commit goes on at `entry`, with rdi = its
 * index and rsi = enum resume, and takes back itself what it has done since the first. A thread
 * that was stopped between `from` (inclusive) and `to` has nothing to take back, and just goes
 * on. */
struct recovery {
    vaddr_t entry;
    struct {
        vaddr_t from, to;
    } settled[3];
};
/* What the manager tells a service's first thread (SERVICE_START): it is the first in its slot; it
 * takes over the memory of the one before it; or nothing is left of that one. */
enum start { START_FIRST, START_INHERITS, START_AFRESH };
enum { DUP_EXACT = 1, DUP_CLOEXEC = 2 };
enum { CONN_SET_FLAGS, CONN_SET_CLOEXEC, CONN_SET_POSITION, CONN_SET_WATCH, CONN_SET_WORD };
enum {
    HALT_POWEROFF,
    HALT_REBOOT,
    HALT_FAILED /* power off, and the end of the boot log says why */
};

/* Priorities: 0 is the highest. The upper half belongs to services, by their manifests; the lower
 * to programs, by the policy of scheduling. Threads of equal priority take turns. */
enum { PRIORITY_PROGRAM = 8, PRIORITY_NORMAL = 12, PRIORITY_LAST = 15, PRIORITIES };
#define SCHED_ALL (~0ul)
/* nanoseconds; QUANTUM_MAX is 2^40 */
enum { QUANTUM_MIN = 1000000, QUANTUM_DEFAULT = 10000000 };
#define QUANTUM_MAX (1ul << 40)

/* What a manifest grants beside the right to call certain services. */
enum rights {
    RIGHT_CALLER = 1, /* memory, registers and connections of callers: POSIX, PM, VFS */
    RIGHT_PM = 2,
    RIGHT_RS = 4,
    RIGHT_POSIX = 8, /* owns a personality: routes, interrupts of threads, the wall clock */
    RIGHT_INFO = 16,
    RIGHT_DMA = 32, /* contiguous memory and its physical address */
    /* the policy: decides which program runs and how long (SCHED_EXPIRED) */
    RIGHT_SCHED = 64,
    RIGHT_DUMP = 128,  /* TRACE_DUMP */
    RIGHT_CONNS = 256, /* has descriptors of its own, which it takes from callers and gives them */
};

/* A thread's registers, as SYS_REGS_GET and SYS_REGS_SET move them. In a system call rip stands
 * behind the `syscall` instruction (2 bytes) and rax still holds the number, so rip - 2 makes the
 * call again. */
struct regs {
    uint64_t rdi, rsi, rdx, r10, r8, r9; /* the words of a message, in order */
    uint64_t rax, rbx, rbp, r12, r13, r14, r15;
    uint64_t rip, rflags, rsp, rcx, r11;
    uint64_t fs_base, gs_base;
};
#define FPU_RESET ((uint64_t)-1)
/* the XSAVE area at most: x87, SSE, AVX, AVX-512; SYS_INFO INFO_FPU_SIZE tells how much is used */
enum { FPU_SIZE = 2696 };

enum thread_item {
    THREAD_TLS,
    /* 1: the next system call that it makes is told to its personality: by KERNEL_ENTRY before it
     * is made, and then its end by KERNEL_SIGNAL; 0: not, nor the end of one that is told */
    THREAD_REPORTS,
    /* its rank, 1 to REALTIME_RANKS, | REALTIME_ROUNDS: it runs before all programs of a lower rank
     * and those without one, until it waits; with REALTIME_ROUNDS, it takes turns with its equals.
     * 0: it is as others. A new thread is as its creator */
    THREAD_REALTIME,
    /* + n, n < 4: the address of breakpoint n of the processor; + 4: which of them are used for
     * what (Intel: DR7); 0: none, and the thread gives its set of them back. Of one that is met,
     * KERNEL_EXCEPTION of vector 1 has the bit n in its error */
    THREAD_BREAKPOINT,
};
/* of a thread; so many threads may have some at a time */
enum { BREAKPOINTS = 4, BREAKPOINT_SETS = 64 };
enum { REALTIME_RANKS = 99, REALTIME_ROUNDS = 256 };
enum task_item {
    TASK_WORD, /* + n: the word that ROUTE_CONSTANT n answers; n < TASK_WORDS */
    TASK_WORDS = 8,
    TASK_LABEL = TASK_WORDS, /* message.label */
    TASK_DESCRIPTORS,        /* limit of open descriptors (RLIMIT_NOFILE), at most 1024 */
    /* limit of the size of files (RLIMIT_FSIZE), which goes with calls by ROUTE_WRITES; -1: none */
    TASK_FILE_SIZE,
    /* the user charged for what the task takes, | 1 << 32: files that it writes keep their set-id
     * bits; children inherit both */
    TASK_USER,
    /* 1: its closes go by way of the personality server (which holds record locks for it) */
    TASK_WATCH,
    /* PRIORITY_PROGRAM.. (nice): where its threads begin, and what the policy goes by */
    TASK_PRIORITY,
    TASK_NAME, /* + n: eight bytes of its name, for traces; n < TASK_NAME_WORDS */
    TASK_NAME_WORDS = 2,
};
enum task_kill { KILL_ALL, KILL_THREADS };
enum { TASK_SHARE_SPACE = 1, TASK_SHARE_CONNECTIONS = 2 };

/* in one call */
enum { PAGE_CHANGES_MAX = 64 };

/* One change of page tables. A page is given by its frame (PM's own), or as a page of a service. */
struct page_change {
    vaddr_t address; /* in the task's space */
    uint64_t count;  /* pages; frames and service memory are contiguous then */
    uint64_t source; /* by the action: a physical address, or one in somebody's memory */
    endpoint_t task; /* whose space */
    union {
        endpoint_t service; /* PAGE_MAP_SERVICE: whose memory source is in */
        /* of the array (PAGE_UNMAP, PAGE_RELEASE, PAGE_QUERY); PAGE_PROTECT: pages at most */
        uint32_t places;
    };
    uint32_t protection; /* PAGE_READ... */
    uint32_t action;     /* enum page_action */
};
enum {
    PAGE_READ = 1,
    PAGE_WRITE = 2,
    PAGE_EXEC = 4,
    PAGE_OWNED = 8 /* kept in the entry: the frame is PM's, and free when no program maps it */
};
enum page_action {
    PAGE_MAP,         /* source: a frame */
    PAGE_MAP_ZERO,    /* likewise, and it is zeroed first */
    PAGE_MAP_COPY,    /* likewise, filled with a copy of what is mapped at address now */
    PAGE_MAP_SERVICE, /* source, service: a page of its memory */
    /* What is mapped gets this protection. places not 0: at most so many pages, and the result is
     * how many pages of the range it has got over. */
    PAGE_PROTECT,
    /* What was mapped is listed in the array of struct page_out at `source`, which has `places`,
     * and unmapped. The result is how many places it has filled. */
    PAGE_UNMAP,
    PAGE_QUERY, /* likewise, but nothing is unmapped */
    /* As PAGE_UNMAP, but only two kinds of pages are listed: of PAGE_OWNED, those that no program
     * maps any more; of the others, those that were written. Of the change itself, address becomes
     * where to go on, and count how many pages were unmapped. */
    PAGE_RELEASE,
    /* Many pages that lie anywhere: `source` is an array of `count` addresses (PAGES_FILL_MAX at
     * most), one for each page of the range; 0: none. The result is how many pages were filled; an
     * error, if none was and one could not be.
     * Frames, each of which is zeroed and mapped where nothing is. Those that have been used
     * become 0 in the array. */
    PAGE_FILL_ZERO,
    /* Likewise, for copies of what is mapped read-only: of pages that are PAGE_OWNED, and of the
     * first page of the range whatever it is. A page that is its frame's only one needs no copy and
     * becomes writable. */
    PAGE_FILL_COPY,
    PAGE_FILL_SERVICE, /* pages of a service, each mapped where nothing is */
    PAGE_QUERY_USES,   /* as PAGE_QUERY, and the entries tell page_out_uses() */
    PAGE_AGE,          /* as PAGE_QUERY, and PAGE_OUT_ACCESSED is cleared in what is mapped */
};
enum { PAGES_FILL_MAX = 64 };
/* entry: frame | PAGE_OUT_... of a page that was there. 0: nothing is there, and the pages behind
 * have not been looked at: ask again from there. */
struct page_out {
    vaddr_t address;
    uint64_t entry;
};
enum {
    PAGE_OUT_WRITABLE = 1,
    PAGE_OUT_DIRTY = 2,
    PAGE_OUT_ACCESSED = 4,
    PAGE_OUT_OWNED = 8,
    PAGE_OUT_EXEC = 16,
    PAGE_OUT_ALONE = 32, /* no other page of a program is the same frame of PM's */
    PAGE_OUT_USES = 64,  /* the lowest bit of page_out_uses() */
    PAGE_OUT_USES_MOST = 63
};
/* How many pages of programs are the frame, so many at most; 0: it is not PM's. */
static inline unsigned page_out_uses(uint64_t entry)
{
    return entry / PAGE_OUT_USES & PAGE_OUT_USES_MOST;
}

struct page_clone {
    endpoint_t from, to;
    vaddr_t start, end; /* out: start is where to go on */
    /* 1: both have the page as it is (MAP_SHARED); 0: both have it read-only (copy on write) */
    uint64_t share;
    uint64_t cloned; /* out: how many pages */
};

enum info {
    /* index -> struct task_info; -ENOENT for a free slot, 0 past the last */
    INFO_TASK,
    INFO_SYSTEM, /* struct system_info */
    /* index = service | offset << 16: the table that service published with SYS_PUBLISH */
    INFO_PUBLISHED,
    /* index = system call number: how often programs have made it while it is unsupported (8
     * bytes) */
    INFO_MISSED,
    INFO_FPU_SIZE,
    INFO_LOG, /* index = offset: the boot log */
    /* index = thread to begin with -> struct thread_info[], as many as fit */
    INFO_THREADS,
    INFO_CLOCK_PAGE, /* physical address of struct clock_page (8 bytes) */
    /* index = thread to begin with -> struct sched_info[] of programs' threads, as many as fit.
     * Right SCHED or INFO */
    INFO_SCHED,
    INFO_OPTIONS, /* the kernel's command line, without an end; less than BOOT_OPTIONS_MAX bytes */
    /* index = resident_at(task's index, page) -> struct resident_info, from that page on */
    INFO_RESIDENT,
    INFO_IRQ, /* index = line, 0..15 -> struct irq_info */
};
/* Processor time, nanoseconds: all of it, and the part that the kernel and services have spent.
 * Neither this part nor the rest ever falls. */
struct cpu_time {
    uint64_t ns, system_ns;
};
/* Corrects an estimated division so that neither part falls behind what was told before. */
static inline struct cpu_time cpu_time_onward(const struct cpu_time *told, struct cpu_time now)
{
    uint64_t user = told->ns - told->system_ns;
    if (now.system_ns < told->system_ns)
        now.system_ns = told->system_ns;
    if (now.ns - now.system_ns < user)
        now.system_ns = now.ns - user;
    return now;
}
/* Calls of one kind, by a program, and the bytes that they have moved. */
enum { IO_READ, IO_WRITE, IO_KINDS };
struct io_count {
    uint64_t calls, bytes;
};
struct task_info {
    endpoint_t endpoint;
    uint32_t threads, descriptors, priority;
    uint64_t words[8], label, pages, messages;
    struct cpu_time cpu;
    uint32_t crash;      /* of services: enum crash; other than CRASH_NONE it is frozen */
    uint32_t ready;      /* it has come up, */
    uint32_t protocols;  /* with these protocols */
    uint32_t violations; /* calls that it was refused, as its manifest does not allow them */
    uint32_t pad;
    /* of services: 0 while nothing runs in it; else a number that changes whenever it receives or
     * sends something. In a frozen service it stays as it was */
    uint64_t stretch;
    uint64_t mask;  /* of a program's first thread: SYS_MASK */
    call_t serving; /* of a frozen service: the call that its running thread was serving; 0: none */
    struct io_count io[IO_KINDS]; /* of programs: FS_READ and FS_WRITE that they have made */
    char name[16];
};
enum thread_state {
    THREAD_READY,     /* in a run queue, or running */
    THREAD_RECEIVING, /* in its task's list of receivers */
    THREAD_QUEUED,    /* its call stands in the mailbox of `holder` */
    THREAD_HELD,      /* its call was received by `holder`, which owes the reply */
    THREAD_POSITION,  /* its call waits until the open file's position is free */
    THREAD_PARKED,    /* until another thread of its service unparks it */
    THREAD_MONITOR,   /* ready, but another thread of its service is running */
};
enum thread_is {
    THREAD_IS_NEXT = 1,  /* it runs as soon as the kernel and the asking service have finished */
    THREAD_IS_SLOW = 2,  /* its call has been declared slow (SYS_SLOW), */
    THREAD_IS_EVENT = 4, /* or is an event, which may wait as well */
    THREAD_IS_ASIDE = 8, /* a service's: lets others go first (SYS_ADVANCE) */
};
struct thread_info {
    uint32_t index;
    endpoint_t task;
    uint32_t state; /* enum thread_state */
    uint32_t is;    /* enum thread_is */
    uint64_t rip;
    struct cpu_time cpu; /* its parts may fall, see cpu_time_onward() */
    /* QUEUED, HELD: the service that is to answer; below: what it was asked */
    endpoint_t waits_for;
    uint32_t pad;
    call_t call;
    uint64_t op, object, position, word;
};
struct sched_info {
    uint32_t thread;
    endpoint_t task;
    /* 1: it would run if no other thread did; a thread that waits for the policy's answer counts
     * too */
    uint8_t ready;
    uint8_t priority; /* its own now */
    uint8_t base;     /* TASK_PRIORITY */
    uint8_t rank;     /* THREAD_REALTIME, without REALTIME_ROUNDS */
    uint8_t pad[4];
    uint64_t cpu_ns;  /* processor time so far */
    uint64_t quantum; /* that it was given last, ns */
};
/* A line of interrupts. */
struct irq_info {
    uint64_t count;  /* how often it has interrupted */
    endpoint_t task; /* the driver that is told; 0: none */
    uint32_t pad;
};
/* What the pages of a program's space are. */
struct resident_info {
    uint64_t next;      /* the page to go on with; 0: there are no more */
    uint64_t anonymous; /* PAGE_OWNED */
    uint64_t shared;    /* PM's frames too, but for several spaces */
    uint64_t file;      /* of services, and the clock page */
    uint64_t tables;    /* page tables of the whole space, below the first */
};
enum { RESIDENT_PAGE_SHIFT = 16 };
static inline uint64_t resident_at(unsigned task, uint64_t page)
{
    return task | page << RESIDENT_PAGE_SHIFT;
}
struct system_info {
    uint64_t frames_all, frames_free; /* pages */
    /* of the free ones: those that PM may still have, neither promised to services nor kept by the
     * kernel */
    uint64_t frames_for_programs;
    uint64_t frames_kept; /* how many the kernel keeps free for itself */
    uint64_t tasks, threads, connections, spaces;
    uint64_t switches, space_switches, interrupts, messages, idle_ns, uptime_ns, boot_wall_ns,
        tsc_hz;
    struct cpu_time busy; /* uptime_ns without idle_ns */
};

enum trace_operation {
    TRACE_DUMP = 1, /* who waits for whom, to the boot log and the serial line */
    TRACE_ON,       /* `index`: only calls of, or to, this service, and events; 0: all */
    TRACE_OFF,
    TRACE_CLEAR,
    /* records from number `index` on, into `to`; the result is bytes, 0 at the end. Lost ones are
     * skipped */
    TRACE_READ,
    /* NOTIFY_TRACE to the caller when more than `index` records have been made, once */
    TRACE_TELL,
};
/* What the kernel itself does, in the place of a call's number. */
enum trace_event {
    TRACE_ASKED = 1 << 16, /* a call that it makes for the thread: a fault, a signal */
    TRACE_NOTIFIED,        /* w[0]: bits of an interrupt or an alarm, for the service `from` */
    TRACE_FROZEN,          /* the service has failed; w[0]: enum crash */
    TRACE_ENDED,           /* the program is gone */
};
/* One system call or kernel call, as it was made, or an event. */
struct trace_record {
    uint64_t time;   /* nanoseconds since boot */
    uint64_t number; /* of the record, from 0 */
    uint64_t rax;    /* system call, or kernel call of a service, or enum trace_event */
    uint64_t w[4];   /* rdi, rsi, rdx, r10 */
    uint64_t op;     /* of a message */
    endpoint_t from;
    endpoint_t to;               /* the task that it goes to; 0: none but the kernel */
    uint32_t from_word, to_word; /* their first TASK_WORDs: POSIX' numbers of processes */
    char name[16];               /* of `from` */
};

struct conn_info {
    uint64_t object, position;
    endpoint_t service;
    uint32_t flags; /* O_..., CONN_... ; O_CLOEXEC is the descriptor's */
    uint32_t refs;  /* how many descriptors share it */
    uint32_t id;    /* of the open file: no two have the same at a time */
};

/* One descriptor of SYS_CONN_WORDS, and the word that CONN_SET_WORD has put on its open file: 0 if
 * none was; CONN_CLOSED if the descriptor is not open. */
struct conn_word {
    _Alignas(16) int32_t descriptor;
    uint32_t rest; /* what stands behind the descriptor where it was copied from */
    uint64_t word;
};
#define CONN_CLOSED (~0ul)

struct port_range {
    uint16_t first, last;
};
struct memory_range {
    paddr_t first, last;
};
struct object_right {
    uint32_t slot, object;
};

struct service_rights {
    uint64_t may_call; /* bit per service slot */
    /* bit per service slot: these it may call with objects that it has been lent (SYS_LEND) */
    uint64_t may_borrow;
    uint64_t may_notify;           /* bit per service slot */
    uint32_t rights;               /* enum rights */
    uint32_t irqs;                 /* bit per line 0..15 */
    uint64_t budget;               /* pages it may commit, its program included */
    struct port_range ports[8];    /* first > last ends the list */
    struct memory_range memory[4]; /* device memory; first > last ends the list */
    /* these it may call too, but with this object only; slot 0 ends the list */
    struct object_right objects[4];
    uint32_t priority; /* 0 (highest) .. PRIORITY_PROGRAM - 1 */
    /* 1: it has no state worth keeping, and is started anew when it has died */
    uint32_t afresh;
    /* 1: a call that its manifest does not allow is only refused; 0: the service is frozen for
     * it */
    uint32_t tolerated;
    uint32_t pad;
    vaddr_t slide; /* how far behind SERVICE_LINKED its program stands */
};

struct module_info {
    char name[64];   /* the module's command line in the boot loader */
    vaddr_t address; /* where the caller can read it */
    size_t size;
};

#endif
