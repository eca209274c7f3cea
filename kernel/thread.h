/* Threads, tasks and spaces: the objects that the kernel is about. */
#ifndef THREAD_H
#define THREAD_H

#include <minnow/file.h>
#include <minnow/message.h>
#include <minnow/route.h>
#include <minnow/syscall.h>

struct conn;
struct conn_table;

enum { DMA_RUNS = 12 };
/* How many descriptors the holder of a call may give its caller (SYS_CONNECT): a pipe has two. */
enum { GIVEN_MAX = 2 };

/* What a caller waits for, and so what the reply does to it: see ipc.c. */
enum call_kind {
    CALL_SYSCALL, /* the reply is the call's result */
    CALL_FAULT,   /* 0: the instruction that faulted runs again; else an exception */
    CALL_THROWN,  /* 0: the call, or the event, is made again; else it ends with -EFAULT */
    /* KERNEL_SIGNAL or KERNEL_EXCEPTION: the thread goes on with the registers that it then has */
    CALL_EVENT,
    /* KERNEL_ENTRY: 0: the thread goes on with the registers that it then has; else it makes the
     * system call that stands in them */
    CALL_ENTRY,
    /* SCHED_EXPIRED: the reply is the thread's new priority and quantum */
    CALL_EXPIRED,
};

/* thread.interrupted: what comes at the end of its call, if not sooner. */
enum {
    CALL_SIGNAL = 1, /* a signal waits for that end, or for the thread's turn (SYS_INTERRUPT) */
    CALL_TOLD = 2,   /* KERNEL_ENTRY has told of the call: KERNEL_SIGNAL tells of its end */
};

/* Whether a signal cancels a call that a service holds, and the call is then made again or not. */
enum slow { SLOW = 1, SLOW_LIMITED };

/* An entry of a mailbox: a caller that waits, or an open file whose last reference is gone. */
enum mail_kind { MAIL_CALL, MAIL_RELEASE };
struct mail {
    struct mail *next;
    enum mail_kind kind;
};

/* What share of a thread's or task's processor time is the user's: samples that found the program
 * itself at work (user), or the kernel or a service for it (system). Their ratio divides the exact
 * time. */
struct cpu_samples {
    uint16_t user, system;
};

struct thread {
    struct regs regs; /* first: entry.S stores here */
    /* all registers must be restored, rcx and r11 too: it was interrupted, or has new registers */
    uint8_t iret;
    uint8_t state;    /* enum thread_state */
    uint8_t priority; /* 0 is the highest */
    /* a program's thread: has a personality and floating point state */
    uint8_t user;
    uint8_t kind;        /* enum call_kind; side by side with: */
    uint8_t interrupted; /* CALL_SIGNAL, CALL_TOLD */
    uint8_t slow;        /* enum slow: a signal may cancel its call (SYS_SLOW) */
    uint8_t event_due;   /* what was thrown is an event, not a system call */
    /* services only: unparked before it parked, so its next SYS_PARK returns at once */
    uint8_t unparked;
    /* services only: stands in a run queue outside its monitor, to let others go first
     * (sched_aside) */
    uint8_t aside;
    uint8_t again; /* programs only: has a thrown call to make again at its next turn */
    /* programs only: something waits for it that its mask may keep away (REPLY_WAITS), */
    uint8_t waits;
    uint8_t context_up;  /* or its SYS_CONTEXT_RETURN goes up (REPLY_CONTEXT_UP) */
    uint8_t breakpoints; /* programs only: its set of them + 1; 0: none (x86/cpu.c) */
    uint8_t rank;        /* programs only: THREAD_REALTIME, 1 to REALTIME_RANKS; 0: it is not */
    uint8_t rounds;      /* and takes turns with those of its rank */
    struct task *task;
    struct space *space; /* the task's */
    /* in a run queue, the queue of a monitor or of a position, or the list of receivers */
    struct thread *next;
    call_t call; /* sequence << 16 | index: the number of its call */
    union {
        uint64_t mask; /* programs only: what SYS_MASK changes; their personality knows why */
        /* services only: the call received last; 0: a kernel message, which `told` keeps */
        call_t serving;
    };
    union {
        struct personality *personality; /* programs only: by whose routes its calls go */
        struct {                         /* services only: */
            /* the user whose program's call it works on; 0: root, a service, or no call */
            uint32_t charged_to;
            uint32_t steps_left; /* told last, by SYS_ADVANCE */
        };
    };
    /* QUEUED: the service whose mailbox it is in; HELD: the service that owes the reply */
    struct task *holder;
    uint64_t *words; /* the request's six words: in the registers, or in `moved` */
    uint64_t op, object, position, flags;
    uint64_t moved[6];
    /* thrown calls only: bytes of the window before the first missing one */
    uint64_t reach;
    uint64_t progress; /* thrown calls only: bytes moved already (SYS_MOVED) */
    /* CALL_MOVED, CALL_CUT: set while a thrown call is being made again */
    uint64_t resumed;
    union {
        uint64_t event[6]; /* programs only: the last event, op and words */
        /* services only: the last kernel message */
        struct {
            uint64_t op, word, object, flags;
        } told;
    };
    struct {
        caller_t base;
        uint64_t length;
        uint32_t kind;
        uint32_t element; /* iovec only: the element that the last copy got to (struct cursor), */
        uint64_t begins;  /* and the offset in the window at which that begins */
    } window;
    struct conn *conn; /* the open file whose position it holds or waits for */
    struct mail mail;
    struct thread *siblings; /* other threads of the task */
    void *fpu;               /* XSAVE area, NULL until first used */
    uint64_t cpu_ns;         /* processor time, that of servers for it included */
    union {
        /* programs only: the quantum given last, ns; 0: it has not asked the policy yet */
        uint64_t quantum;
        /* services only: the stretch of work in which it told steps_left */
        uint64_t stretch;
    };
    int64_t quantum_end; /* the value of cpu_ns at which the quantum is used up */
    uint16_t index;
    /* while aside: the index + 1 of the program that it works for; 0: none */
    uint16_t works_for;
    call_t connected;          /* the call during which its holder gave it descriptors: */
    uint16_t given[GIVEN_MAX]; /* these + 1; 0: none */
};

/* Threads in order, see queue.h. */
struct queue {
    struct thread *first, *last;
};

enum { TABLES_NOTED = 24 /* most programs have no more */, LEAVES = 4 };
struct space {
    paddr_t root;                        /* of the page tables */
    uint32_t refs;                       /* tasks in it */
    uint32_t tables;                     /* below the root, and */
    uint64_t *table_entry[TABLES_NOTED]; /* what names the first of them */
    uint64_t pages;                      /* mapped, tables not counted */
    /* tables of entries that copies have found lately, for the span after `span` - 1 (space.c);
     * tables stay until the space goes */
    struct leaf {
        uint64_t span;
        uint64_t *table;
    } leaves[LEAVES];
};

struct personality {
    struct task *server;
    struct route routes[ROUTES_MAX];
    /* each of its routes is ROUTE_REPORTED: of threads whose next call is told */
    struct personality *reported;
    uint64_t never_masked;       /* bits that no mask has */
    uint32_t missed[ROUTES_MAX]; /* how often an unsupported call was made */
};

/* A byte for each access mode: the flags of routes that a descriptor opened so denies, or that a
 * limit of file sizes concerns. route_connection() tests both at once. */
enum {
    STOPS_DENIED = ROUTE_WRITES << 8 * O_RDONLY | ROUTE_READS << 8 * O_WRONLY,
    STOPS_LIMITED = ROUTE_WRITES << 8 * O_WRONLY | ROUTE_WRITES << 8 * O_RDWR,
};

struct task {
    endpoint_t endpoint;
    uint8_t service; /* a service: native calls, monitor */
    uint8_t dead;
    uint8_t priority;
    uint8_t watch; /* TASK_WATCH */
    /* a service that will not come up any more: calls end with -ENXIO */
    uint8_t refuses;
    uint8_t crash; /* enum crash: frozen, until the manager has decided */
    struct space *space;
    struct conn_table *conns;
    struct personality *personality; /* NULL for services */
    struct thread *threads;          /* all, by siblings */
    uint64_t label;                  /* message.label */
    uint8_t privileged;              /* TASK_USER's upper half */
    uint32_t user;                   /* TASK_USER; 0 for services */
    uint64_t file_size;              /* TASK_FILE_SIZE */
    struct io_count io[IO_KINDS];    /* of a program */
    uint32_t stops;                  /* STOPS_..., STOPS_LIMITED when there is such a limit */
    uint64_t words[TASK_WORDS];

    /* Mailbox. */
    struct mail *mail_first, *mail_last;
    uint64_t pending; /* notification bits */
    /* threads that wait in receive, linked by `next`; the last to come is the first to be taken */
    struct thread *receivers;
    /* how many threads wait in receive, less those that must wait before anyone is refused: idle()
     * and admits() in mailbox.c */
    int8_t spare;
    uint8_t servers; /* how many threads receive messages (SYS_READY) */

    /* Monitor: of a service's threads one runs at a time. */
    struct thread *active; /* the thread in it */
    struct queue entry;
    /* set while anything is in `entry`, the mailbox or `pending`; may stay set until somebody looks
     * in vain (sched_wanted) */
    bool wanted;

    struct service_rights rights; /* from the manifest */
    /* SYS_LEND; slot 0: free. A loan outlives the service: the lender takes it back */
    struct object_right loans[LOANS_MAX];
    uint64_t committed; /* pages */
    vaddr_t heap_next, device_next, device_start, stack_next;
    vaddr_t recovery; /* address of its struct recovery; 0: it has not come up yet */
    uint32_t protocols, violations;
    /* contiguous runs of frames that stay when the service dies: a device may still write there */
    struct {
        paddr_t first;
        uint64_t pages;
        bool taken;
    } dma[DMA_RUNS];
    uint64_t alarm; /* nanoseconds since boot; 0: none */
    struct task *alarm_next;
    vaddr_t published; /* SYS_PUBLISH */
    uint64_t published_length;
    uint64_t messages;          /* received */
    uint64_t advances;          /* progress that its threads have told in long work (SYS_ADVANCE) */
    uint64_t cpu_ns;            /* of threads that have ended */
    struct cpu_samples samples; /* of all its threads, those that have ended included */
    struct cpu_time told;       /* what INFO_TASK told last */
    char name[16];
};

extern struct thread *threads[THREADS_MAX];
extern struct cpu_samples samples[THREADS_MAX]; /* of threads, by index */
extern struct task *tasks[TASKS_MAX];
extern unsigned threads_count, tasks_count, spaces_count, conns_count;
extern struct task *process_manager;    /* where page faults go */
extern struct personality *personality; /* that of new programs; NULL: there is none yet */

/* What a processor is doing. There is one now; everything that is per processor stands in here.
 * entry.S knows the offsets of the first three. */
struct cpu {
    struct thread *current;
    uint64_t stack_top;
    uint64_t scratch;
    struct space *space;    /* whose tables are loaded */
    struct thread *charged; /* the program whose time is running */
    uint64_t charged_at;
    struct thread *fpu_owner; /* whose state the FPU registers hold */
    bool fpu_off;             /* CR0.TS is set */
    bool breaks;              /* breakpoints are loaded, of the program charged or one before */
    uint64_t switches, space_switches, interrupts, idle_ns;
};
extern struct cpu cpu0;
static inline struct cpu *this_cpu(void) { return &cpu0; }

/* The task with this endpoint; NULL: there is none (any more). */
struct task *task_find(endpoint_t e);

#endif
