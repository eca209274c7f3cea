/* Processes and threads as POSIX sees them, and the life of a call in this server.
 *
 * A thread is AWAY while it runs or its call is with another service; when it calls us it is
 * HANDLED, and then either answered at once, WAITING (its wait ends by thread_finish) or STOPPED
 * (its result is kept until SIGCONT). Every way back to the program leads through thread_attend(),
 * where signals are delivered: a handler just returns its result, or one of the restart codes of
 * signal.h.
 *
 * A handler may call other services, and then other handlers run in between. `active` keeps its
 * thread's structure alive, `dead` tells it that its process has gone meanwhile; `busy` keeps a
 * process from being ended in the middle of fork and exec (who wants to end it leaves a status in
 * `doomed`). */
#ifndef PROCESS_H
#define PROCESS_H

#include <minnow/proc.h>
#include "cputime.h"
#include "service.h"
#include "share.h"
#include "sigqueue.h"
#include "timer.h"

enum { PROCESSES = 512 };

enum {
    RLIMIT_CPU,
    RLIMIT_FSIZE,
    RLIMIT_DATA,
    RLIMIT_STACK,
    RLIMIT_CORE,
    RLIMIT_NPROC = 6,
    RLIMIT_NOFILE,
    RLIMIT_MEMLOCK,
    RLIMIT_AS,
    RLIMIT_SIGPENDING = 11,
    RLIMIT_MSGQUEUE,
    RLIMIT_NICE,
    RLIMIT_RTPRIO,
    LIMITS = 16
};

/* What one user may have of these, root excepted, and what is left for root. THREADS_MAX counts
 * those of services as well. */
enum { PROCESSES_EACH = 384, PROCESSES_RESERVE = 32, THREADS_EACH = 1024, THREADS_RESERVE = 384 };

/* The words of a task that getpid and its like are answered from (ROUTE_CONSTANT). */
enum { WORD_PID, WORD_UID, WORD_EUID, WORD_GID, WORD_EGID };

/* Handlers' results beside those of service.h: the registers stand already as they should be. */
#define REGISTERS (INT64_MIN + 1)

/* In place of a system call's number: the thread is not in a system call. */
#define NO_SYSCALL UINT64_MAX

enum thread_place { THREAD_AWAY, THREAD_HANDLED, THREAD_WAITING, THREAD_STOPPED };

struct process;

struct thread {
    struct process *process;
    struct thread *next;      /* of the same process */
    struct thread *hash_next; /* by tid */
    call_t call;              /* HANDLED, WAITING, STOPPED: the call that we hold */
    uint64_t number;          /* its system call */
    int64_t result;           /* STOPPED: what it will be answered */
    int32_t tid;
    uint16_t index; /* the kernel's */
    uint8_t place;  /* enum thread_place */
    /* it must not go back to its program before thread_attend has looked at it */
    bool attention;
    bool interrupting; /* SYS_INTERRUPT was asked for and has not shown yet */
    bool dead;
    bool looks;        /* wait.c: has to look at its children again */
    bool restore_mask; /* saved_mask holds what sigsuspend and pselect replaced */
    uint8_t throws;    /* signal frames in a row that found no page */
    uint16_t active;   /* handlers at work for it */

    uint64_t blocked, saved_mask;
    struct sigqueue pending; /* sent to this thread */
    uint64_t alt_base, alt_size;
    uint32_t alt_flags;
    caller_t clear_tid; /* set_tid_address: zeroed and woken at its end */
    caller_t robust_list;
    /* CLONE_..._SETTID, while the page at `at` is brought; else 0. Then result */
    struct {
        caller_t at;
        int32_t tid;
        int32_t result;
    } birth;

    /* WAITING */
    /* leave the queue it waits in; NULL: signals do not end the wait */
    void (*cancel)(struct thread *);
    /* what the call ends with when a signal handler is to run */
    int64_t interrupt_result;
    struct timer timer;
    struct thread *wait_next, *wait_before;
    union {
        struct {
            uint64_t key1, key2;
            uint32_t bitset;
            bool shared;
        } futex;
        struct {
            uint64_t set;
            caller_t info;
        } signal;
        struct {
            uint64_t words[5];
            bool waitid;
        } child;
        struct poll *poll;
        struct lock_request *lock;
    } wait;
    struct cpu_time cpu_told; /* thread_cpu, last */
    struct {
        bool set;
        uint64_t until;
        caller_t remaining;
        bool futex;
        struct cpu_clock clock;
    } restart;                   /* for restart_syscall; clock.pid 0: by the time */
    struct cpu_sleep *cpu_sleep; /* while it sleeps by a clock of processor time */
};

struct limit {
    uint64_t soft, hard;
};

struct process {
    struct posix_proc i;       /* first: what is published */
    struct process *hash_next; /* by pid */
    struct process *parent, *children, *sibling;
    struct thread *threads;
    struct thread *vfork_parent; /* waits until this one execs or ends */
    struct sigqueue pending;     /* sent to the process */
    struct sigaction actions[SIGNALS];
    struct limit limits[LIMITS];
    struct timer alarm; /* ITIMER_REAL */
    uint64_t alarm_interval;
    struct cpu_timer cpu_interval[2]; /* ITIMER_VIRTUAL, ITIMER_PROF */
    uint64_t cpu_interval_ns[2];
    struct cpu_timer cpu_limit; /* RLIMIT_CPU */
    struct pm_usage usage;      /* of a zombie: its last */
    uint64_t children_peak;     /* pages: the most that a child waited for has had */
    uint64_t children_faults, children_major;
    struct ptimer *timers; /* timer_create */
    int32_t exit_signal;   /* sent to the parent at the end; 0 none */
    uint32_t execs;        /* programs that it has become */
    /* of the parent, when it chose exit_signal: a later program of the parent's gets SIGCHLD */
    uint32_t parent_execs;
    int32_t doomed;                    /* wait status + 1: to be ended when no longer busy */
    int32_t death_signal;              /* PR_SET_PDEATHSIG */
    uint8_t stopped;                   /* by this signal */
    bool stop_report, continue_report; /* the parent has not waited for it yet */
    /* shares: its space is another one's (CLONE_VM) */
    bool exiting, zombie, locks, no_new_privs, subreaper, execed, vforked, shares;
    uint16_t busy;
    uint32_t personality;
    uint64_t sched;
};

struct process_table {
    struct posix_table head;
    struct process process[PROCESSES];
};
extern struct process_table table;
extern struct process *init_process;

/* Whose call this is; NULL for none of ours. Threads stand by the kernel's index. */
extern struct thread *threads[THREADS_MAX];
static inline struct thread *thread_of(const struct message *m)
{
    struct thread *t = threads[m->call & (THREADS_MAX - 1)];
    return t && t->process->i.task == m->from ? t : NULL;
}
struct process *process_find(int pid);
struct thread *thread_find(int tid);
struct process *process_of_task(endpoint_t task);
static inline uint64_t pending_limit(const struct process *p)
{
    return p->limits[RLIMIT_SIGPENDING].soft;
}
#define FOR_EACH_PROCESS(p)                                                     \
    for (struct process *p = table.process; p < table.process + PROCESSES; p++) \
        if (p->i.pid && !p->zombie && !p->exiting)

/* A place for a new process, child of parent (NULL: init). NULL when the table is full.
 * process_attach gives it its task. */
struct process *process_create(struct process *parent);
void process_attach(struct process *p, endpoint_t task);
void process_detach(struct process *p);
void process_free(struct process *p);
void process_words(struct process *p); /* tells the kernel ids, label, priority */
/* likewise of a child that has what its parent has now */
void process_words_born(struct process *p, const struct process *parent);
void process_label(struct process *p);
unsigned process_priority(const struct process *p); /* the kernel's, from the nice value */
/* What there is of a user (the real one) and of all. A zombie counts as a thread. */
struct process_count {
    unsigned processes, threads;
};
void process_count(unsigned uid, struct process_count *of_user, struct process_count *all);
void child_add(struct process *parent, struct process *p);
void child_remove(struct process *p);

/* A thread of p whose first call we hold. NULL when out of memory. */
struct thread *thread_create(struct process *p, call_t call, int tid);
void thread_free(struct thread *t); /* at once, or when its last handler is done */
int tid_new(void);
void thread_rename(struct thread *t, int tid);

/* Waits. thread_wait makes t WAITING in a queue that `cancel` takes it out of (NULL: signals do not
 * end the wait), and its handler returns what thread_wait returns: LATER, or interrupt_result at
 * once when a signal came while the handler was waiting for another service. */
int64_t thread_wait(struct thread *t, void (*cancel)(struct thread *), int64_t interrupt_result);
/* Takes t out of its queue and stops its timer, and no more: the call is HANDLED again. */
void thread_unwait(struct thread *t);
/* t's call is in other hands: it has been forwarded or thrown back. Returns LATER. */
int64_t thread_gone(struct thread *t);

/* Whether a process of the session, or its zombie, is in the group. */
bool group_exists(unsigned pgid, unsigned sid);
/* Whether no member has a parent in another group of the same session, which could continue it;
 * `without` is not counted, as member or parent (NULL: all are). */
bool group_orphaned(unsigned pgid, const struct process *without);

#endif
