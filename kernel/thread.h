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

/* What a caller is waiting for, that is: what the reply does to it. */
enum call_kind {
    CALL_SYSCALL, /* the reply is the call's result */
    CALL_FAULT,   /* 0: go on at the instruction that faulted; else an exception */
    CALL_THROWN,  /* 0: make the call, or the event, again; else it ends with -EFAULT */
    /* KERNEL_SIGNAL or KERNEL_EXCEPTION: go on with the registers as they are then */
    CALL_EVENT,
    /* SCHED_EXPIRED: its new priority and quantum; it goes on, behind the others of that priority
     */
    CALL_EXPIRED,
};

/* A place in a mailbox: a caller that waits, or an object whose last connection has gone. */
enum mail_kind { MAIL_CALL, MAIL_RELEASE };
struct mail {
    struct mail *next;
    enum mail_kind kind;
};

/* How much of a thread's or task's processor time is the user's: interrupts of the clock that found
 * the program itself at work (user), or the kernel or a service for it (system). Their ratio
 * divides the exact sum. */
struct cpu_samples {
    uint16_t user, system; /* so many interrupts */
};

struct thread {
    struct regs regs; /* first: the entry code stores here */
    /* all registers must be restored, rcx and r11 too (it was interrupted) */
    uint8_t iret;
    uint8_t state;       /* enum thread_state */
    uint8_t priority;    /* 0 is the highest */
    uint8_t kind;        /* enum call_kind */
    uint8_t slow;        /* its call may be cancelled by a signal (SYS_SLOW) */
    uint8_t interrupted; /* SYS_INTERRUPT waits for the end of its call, or for its turn */
    /* belongs to a personality: has floating point state and a system call table */
    uint8_t user;
    uint8_t event_due; /* a thrown event is to be made again, not a system call */
    uint8_t unparked;  /* a service's: another one has unparked it, but it was not parked */
    /* a service's: stands in a run queue outside its monitor, to let others go first (sched_aside)
     */
    uint8_t aside;
    uint8_t again; /* a program's: has a thrown call to make again when its turn comes */
    struct task *task;
    struct space *space; /* of the task */
    struct thread *next; /* in a run queue, a list of receivers, a wait for a position */
    call_t call;         /* sequence << 16 | index: names the call that is being made */
    /* a service's: the call that it received last; 0: what the kernel said then stands in `told` */
    call_t serving;
    /* a service's: the user of the program whose message it works on; 0: root, a service, or no
     * message */
    uint32_t charged_to;
    struct task *holder; /* QUEUED: the service of the mailbox; HELD: the one that owes the reply */
    uint64_t *words;     /* of the request: in the registers, or in `moved` */
    uint64_t op, object, position, flags;
    uint64_t moved[6];
    /* a thrown call's: bytes of the window before the first that was missing */
    uint64_t reach;
    uint64_t progress; /* a thrown call's: bytes of it that are done (SYS_MOVED) */
    /* CALL_MOVED, CALL_CUT, while a thrown call is being made again; else 0 */
    uint64_t resumed;
    union {
        uint64_t event[6]; /* a program's: the last event: op, then its words */
        /* a service's: what the kernel said last */
        struct {
            uint64_t op, word, object, flags;
        } told;
    };
    struct {
        caller_t base;
        uint64_t length;
        uint32_t kind;
        uint32_t element; /* of an iovec: where the last copy got to (struct cursor), */
        uint64_t begins;  /* and at which offset in the window that begins */
    } window;
    struct conn *conn; /* whose position it holds */
    struct mail mail;
    struct thread *siblings; /* other threads of the task */
    void *fpu;               /* XSAVE area, NULL until first used */
    uint64_t cpu_ns;         /* processor time, that of servers on its behalf included */
    union {
        /* nanoseconds of it that it was given last; 0: it has not asked yet */
        uint64_t quantum;
        /* a service's: in which stretch of work it has told last how many steps are left */
        uint64_t stretch;
    };
    int64_t quantum_end; /* the quantum is used up when cpu_ns has got there */
    uint16_t index;
    /* aside: the index of the program whose time it was, + 1; 0: of none */
    uint16_t works_for;
    uint32_t steps_left; /* told by SYS_ADVANCE in that stretch */
    call_t connected;    /* the call, if its holder has given the caller a descriptor, */
    uint32_t descriptor; /* this one */
};

/* Threads in order, see queue.h. */
struct queue {
    struct thread *first, *last;
};

struct space {
    paddr_t root;   /* of the page tables */
    uint32_t refs;  /* tasks in it */
    uint64_t pages; /* mapped, tables not counted */
};

struct personality {
    struct task *server;
    struct route routes[ROUTES_MAX];
    uint32_t missed[ROUTES_MAX]; /* calls of what is not supported */
};

/* A byte for each access mode: the route flags with which a call does not go by a descriptor of
 * that mode just so. */
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
    /* a service that will not come up (again): calls end with -ENXIO */
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
    uint32_t stops;                  /* STOPS_..., STOPS_LIMITED when there is such a limit */
    uint64_t words[TASK_WORDS];

    /* Mailbox. */
    struct mail *mail_first, *mail_last;
    uint64_t pending; /* notification bits */
    /* threads that wait in receive; the last to come is the first to go */
    struct queue receivers;
    /* how many more receivers there are than when it matters who gets one (admits, mailbox.c) */
    int8_t spare;
    uint8_t servers; /* how many threads receive messages (SYS_READY) */

    /* Monitor: of a service's threads one runs at a time. */
    struct thread *active; /* the one */
    struct queue entry;

    struct service_rights rights; /* from the manifest; may_call stands in it */
    /* SYS_LEND; slot 0: free. Loans outlive the service: the lender takes them back */
    struct object_right loans[LOANS_MAX];
    uint64_t committed; /* pages */
    vaddr_t heap_next, device_next, device_start, stack_next;
    vaddr_t recovery; /* its struct recovery; 0: it has not come up yet */
    uint32_t protocols, violations;
    /* stay when it dies: a device may still write there */
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
    uint64_t advances;          /* steps that its threads have got further in long work */
    uint64_t cpu_ns;            /* of threads that have ended */
    struct cpu_samples samples; /* of all its threads, those that have ended included */
    struct cpu_time told;       /* INFO_TASK, last */
    char name[16];
};

extern struct thread *threads[THREADS_MAX];
extern struct cpu_samples samples[THREADS_MAX]; /* of threads, by index */
extern struct task *tasks[TASKS_MAX];
extern unsigned threads_count, tasks_count, spaces_count, conns_count;
extern struct task *process_manager;    /* where page faults go */
extern struct personality *personality; /* that of new programs; NULL: there is none yet */

/* What a processor is doing. One now; everything that is per processor stands in it. The entry code
 * knows the offsets of the first four. */
struct cpu {
    struct thread *current;
    uint64_t stack_top;
    uint64_t scratch;
    uint64_t pad;
    struct space *space;    /* whose tables are loaded */
    struct thread *charged; /* the program whose time is running */
    uint64_t charged_at;
    struct thread *fpu_owner; /* whose state the FPU registers hold */
    bool fpu_off;             /* CR0.TS is set */
    uint64_t switches, space_switches, interrupts, messages, idle_ns;
};
extern struct cpu cpu0;
static inline struct cpu *this_cpu(void) { return &cpu0; }

/* Tasks by endpoint; NULL when there is none (any more). */
struct task *task_find(endpoint_t e);

#endif
