/* Processes and threads as POSIX sees them, and the life of a call in this server.
 *
 * Each thread of a program is in one of five places:
 *
 *   place      the thread                          its call (t->call)    leaves by
 *   AWAY       runs, or its call is with another   0                     calling us
 *              service
 *   HANDLED    has a handler at work for it        held                  the handler's result
 *   WAITING    is in a queue here                  held                  thread_finish()
 *   STOPPED    is kept from running; its result    held                  SIGCONT: thread_finish()
 *              stands in t->result
 *   TRAPPED    stands still for its tracer         held                  ptrace(2): see trace.h
 *
 * Every way back to the program leads through thread_attend() (delivery.h), where signals are
 * delivered: a handler just returns its result, or one of the restart codes of signal_abi.h.
 *
 * A handler may call other services, and while it waits for them other handlers run. Three fields
 * keep the ground from moving under it:
 *
 *   t->active  handlers at work for t: while there is one, the structure lives;
 *   t->dead    t's process has gone meanwhile. Handlers look at it after each wait, and then
 *              return LATER;
 *   p->busy    p is in the middle of fork, exec, a stop or a delivery, and must not end yet:
 *              process_end() leaves the status in p->doomed, and the handler that made p busy then
 *              ends p. */
#ifndef PROCESS_H
#define PROCESS_H

#include <minnow/proc.h>
#include <minnow/sysv.h>
#include "cputime.h"
#include "futex_queue.h"
#include "service.h"
#include "share.h"
#include "sigqueue.h"
#include "timer.h"

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
    LIMITS = PROC_LIMITS
};

/* What SCHED_DEADLINE is given, in nanoseconds (sched_setattr): kept and reported. */
struct sched_deadline {
    uint64_t runtime, deadline, period, flags;
};

/* What one user other than root may have of all threads, and what is left for root. THREADS_MAX
 * counts the threads of services as well. */
enum { THREADS_EACH = 1024, THREADS_RESERVE = 384 };

/* The words of a task with which the kernel answers getpid and its like (ROUTE_CONSTANT). */
enum { WORD_PID, WORD_PPID, WORD_UID, WORD_EUID, WORD_GID, WORD_EGID, WORDS };
_Static_assert((int)WORDS <= (int)TASK_WORDS, "the kernel has room for them");

/* A handler's result beside those of service.h: the thread's registers already stand as the program
 * is to see them. */
#define REGISTERS (INT64_MIN + 2)

/* In place of a system call's number: the thread is not in a system call. */
#define NO_SYSCALL UINT64_MAX

enum thread_place { THREAD_AWAY, THREAD_HANDLED, THREAD_WAITING, THREAD_STOPPED, THREAD_TRAPPED };

struct process;

struct thread {
    struct process *process;
    struct thread *next;      /* of the same process */
    struct thread *hash_next; /* by tid */
    call_t call;              /* the call that is held; 0 when the thread is AWAY */
    uint64_t number;          /* the call's system call, or NO_SYSCALL */
    uint64_t blocked;         /* see delivery.h */
    /* user_memory.c: all that the call has read, and that is not final, lies from read_from to
     * read_end; read_end is 0: there is nothing */
    caller_t read_end, read_from;
    struct trace *trace; /* NULL: nobody traces it */
    int64_t result;      /* STOPPED: what the call will be answered */
    int32_t tid;
    uint16_t index; /* the kernel's */
    uint8_t place;  /* enum thread_place */
    /* thread_attend must look at the thread before it goes back to its program */
    bool attention;
    bool interrupting; /* SYS_INTERRUPT was asked for, and KERNEL_SIGNAL has not come yet */
    bool dead;         /* in no table any more */
    bool looks;        /* wait.c: is to look at its children again */
    bool vforks;       /* is the vfork_parent of a child */
    bool restore_mask; /* saved_mask holds what sigsuspend, pselect or ppoll replaced */
    bool tell, waits;  /* see delivery.h */
    /* what is held is KERNEL_SIGNAL, KERNEL_EXCEPTION or KERNEL_ENTRY, and not a call */
    bool in_event;
    uint8_t throws;              /* signal frames in a row that found no page */
    uint8_t dies;                /* its process is to end by this signal; 0: by none */
    uint16_t active;             /* handlers at work for the thread */
    uint16_t ioprio;             /* as ioprio_set has it */
    uint8_t policy, rt_priority; /* SCHED_...; of SCHED_FIFO and SCHED_RR, else 0 */
    bool reset_on_fork; /* who is made by it does not get its policy (SCHED_RESET_ON_FORK) */
    struct sched_deadline deadline;

    uint64_t saved_mask;
    struct sigqueue pending;     /* sent to this thread */
    uint64_t alt_base, alt_size; /* sigaltstack */
    uint32_t alt_flags;
    caller_t clear_tid;   /* set_tid_address: zeroed and woken at the thread's end */
    caller_t robust_list; /* set_robust_list */
    /* CLONE_..._SETTID and CLONE_PIDFD, while a page is being brought: the numbers that are to be
     * written at `at`, unless that is 0, and the result of clone after that. */
    struct {
        caller_t at[2];
        int32_t number[2];
        int32_t result;
    } birth;

    /* WAITING. cancel takes the thread out of its queue; NULL: signals do not end the wait */
    void (*cancel)(struct thread *);
    int64_t interrupt_result; /* of the call, when a signal ends the wait */
    bool stop_ends;           /* the wait does not outlast a stop either */
    struct timer timer;       /* the wait's time limit */
    struct thread *wait_next; /* in a queue of execs, or of leases */
    union {
        struct {
            struct sleeper sleeper;
            struct futex_key lock; /* SLEEPS_TO_MOVE: whose queue it may be moved to */
            caller_t lock_at;
        } futex;
        struct sleepers *sleepers; /* futex_waitv */
        struct {
            uint64_t set;
            caller_t info;
        } signal;
        struct child_wait {
            int which, id, options; /* as waitid has them */
            bool by_waitid;
            bool by_nonblocking;          /* WNOHANG because the pidfd has PIDFD_NONBLOCK */
            caller_t status, info, usage; /* where to write each; 0: nowhere */
        } child;
        struct poll *poll;
        struct sem_wait *sem;
        struct epoll_wait *epoll;
        struct msg_wait *message;
        struct mq_wait *mq;
        int32_t tracee; /* PTRACE_ATTACH */
        struct {
            uint64_t object;
            endpoint_t service;
            bool due; /* the call is about to be made again */
        } lease;
        struct {
            struct exec *behind;
            struct exec_call {
                caller_t path, argv, envp;
                int32_t directory; /* of a relative path: a descriptor, or AT_FDCWD */
                uint32_t flags;    /* AT_... of execveat */
            } call;
        } exec;
    } wait;
    uint64_t slack, slack_default; /* PR_SET_TIMERSLACK, ns: all timers here are exact */
    struct cpu_time cpu_told;      /* thread_cpu's last answer */
    /* A sleep, for restart_syscall. clock.pid 0: by the time */
    struct {
        bool set;
        uint64_t until;
        caller_t remaining;
        struct cpu_clock clock;
    } restart;
    struct cpu_sleep *cpu_sleep; /* while it sleeps by a clock of processor time */
};

struct process {
    struct posix_proc i;       /* first: what is published */
    struct process *hash_next; /* by pid */
    struct process *parent, *children, *sibling;
    struct thread *threads;
    struct thread *vfork_parent; /* waits until this process runs another program or ends */
    struct sigqueue pending;     /* sent to the process */
    struct sigaction actions[SIGNALS];
    struct timer alarm; /* ITIMER_REAL */
    uint64_t alarm_interval;
    struct cpu_timer cpu_interval[2]; /* ITIMER_VIRTUAL, ITIMER_PROF */
    uint64_t cpu_interval_ns[2];
    struct cpu_timer cpu_limit; /* RLIMIT_CPU */
    struct pm_usage usage;      /* of a zombie: its last */
    uint64_t children_peak;     /* pages: the most that a child waited for has had */
    struct ptimer *timers;      /* timer_create */
    struct trace *tracees;      /* those that it traces */
    struct trace *ghost; /* of a zombie: its tracer is to wait for it before its parent does */
    struct process_watch *watches;
    struct sem_undo *sem_undos; /* SEM_UNDO */
    uint32_t notifies;          /* message queues that are to notify it (mq_notify) */
    int32_t made_by;            /* the thread that has made it, by its number */
    uint32_t execs;             /* programs that the process has become */
    /* execs of the parent when exit_signal was chosen: a later program of the parent's gets SIGCHLD
     */
    uint32_t parent_execs;
    struct core *core;    /* the core file that is being written (core.c); NULL: none */
    int32_t fatal;        /* and the wait status that the process has then */
    int32_t doomed;       /* a wait status + 1: the process is to end when it is not busy */
    int32_t death_signal; /* PR_SET_PDEATHSIG */
    /* of a session's leader: what was in the foreground of its terminal, which has hung up; or 0 */
    uint32_t hung_up_group;
    uint8_t stopped;      /* by this signal; 0: it runs */
    bool stop_report;     /* the parent has not waited yet for the stop, */
    bool continue_report; /* or for the end of the stop */
    bool exiting, zombie; /* process_exit() is at work for it; is done */
    bool locks;           /* holds record locks: TASK_WATCH */
    bool sem_service;     /* has had semaphores changed by a service (sysv_sem_service.c) */
    bool subreaper;       /* PR_SET_CHILD_SUBREAPER */
    bool no_huge_pages;   /* PR_SET_THP_DISABLE */
    bool barriers;        /* has registered for them (membarrier) */
    bool execed;          /* has become another program since fork */
    bool changes;         /* an exec is at work */
    bool vforked;         /* may be the vfork_parent of a child */
    bool shares;          /* runs in another process's space (CLONE_VM) */
    uint32_t space;       /* which: another number for each space (kcmp) */
    /* Processes with the same of these numbers, which is not 0, share the table of descriptors, the
     * directories and umask, or the actions for signals (clone); 0: it shares them with none. */
    uint32_t files, directories, sighand;
    uint16_t busy;
    uint64_t memlock_told; /* PM_LIMIT_MEMLOCK, as PM has it */
};

/* Wants to be told when a process ends. All 0: it watches none. */
struct process_watch {
    struct process_watch *next, **before;
    struct process *process; /* NULL: its place in the table has been given back */
    /* The process is a zombie now, or has gone. Does not wait. */
    void (*changed)(struct process_watch *w);
};
void process_watch_set(struct process_watch *w, struct process *p);
void process_watch_end(struct process_watch *w); /* harmless if w watches none */
/* p has become a zombie. */
void process_watches_tell(struct process *p);

struct process_table {
    struct posix_table head;
    struct posix_sysv sysv[SYSV_KINDS][SYSV_PLACES]; /* sysv.c */
    struct posix_thread threads[THREADS_MAX];        /* by the kernel's index */
    struct share signals;                            /* sigqueue.c */
    struct process process[];
};
extern struct process_table *table;
extern unsigned processes_max; /* places of the table */
extern struct process *processes_end;
/* Makes the table, as large as the machine's memory allows; to be called first. */
void processes_start(void);
extern struct process *init_process;

/* Threads by the kernel's index. */
extern struct thread *threads[THREADS_MAX];
/* What is published of a thread. */
static inline struct posix_thread *thread_record(const struct thread *t)
{
    return &table->threads[t->index];
}
/* The thread that made call m; NULL: it belongs to no process here. */
static inline struct thread *thread_of(const struct message *m)
{
    struct thread *t = threads[m->call & (THREADS_MAX - 1)];
    return t && t->process->i.task == m->from ? t : NULL;
}
struct process *process_find(int pid); /* a zombie too; NULL: there is none */
struct thread *thread_find(int tid);   /* NULL: there is none */
/* The process that a number means to calls that take a thread's for its process's; a zombie too.
 * NULL: there is none. */
struct process *process_of_thread(int tid);
/* How many signals may wait for a process of p's user (RLIMIT_SIGPENDING), as sigqueue_add takes
 * it. */
static inline uint64_t pending_limit(const struct process *p)
{
    return p->i.limits[RLIMIT_SIGPENDING].soft;
}
#define FOR_EACH_PROCESS(p)                                          \
    for (struct process *p = table->process; p < processes_end; p++) \
        if (p->i.pid && !p->zombie && !p->exiting)

/* A new process with an id of its own, child of parent (NULL: init, with defaults). Its other ids,
 * actions and limits are the parent's. NULL when the table is full. It has neither task nor thread
 * yet. */
struct process *process_create(struct process *parent);
/* Makes *a the action of p, and of those that share p's actions, for sig. */
void process_action_set(struct process *p, int sig, const struct sigaction *a);
/* From now on p has other memory, or another process has p's number: who has opened the former
 * one's (/proc/N/mem) has nothing any more. */
void process_memory_changes(struct process *p);
/* Gives p's place in the table back. It has no threads any more. */
void process_free(struct process *p);
/* Tells the kernel p's ids, label and priority. */
void process_words(struct process *p);
/* Likewise for a child that has just been made. The kernel has given it a copy of what its parent
 * has, so only what differs is told. */
void process_words_born(struct process *p, const struct process *parent);
/* Tells the kernel p's group and session, which terminals go by. */
void process_label(struct process *p);
/* The kernel's priority for p's nice value. */
unsigned process_priority(const struct process *p);
/* Counts the processes and threads of a (real) user, and of all. A zombie counts as one thread. */
struct process_count {
    unsigned processes, threads;
};
void process_count(unsigned uid, struct process_count *of_user, struct process_count *all);
/* Makes p a child of parent (NULL: of none). child_remove takes p out of its parent's list, if it
 * is in one. */
void child_add(struct process *parent, struct process *p);
void child_remove(struct process *p);
/* The thread that is the parent of p: which has made it, or if that has gone the oldest one of the
 * parent process. NULL: none. */
struct thread *parent_thread(const struct process *p);

/* A thread of p whose first call is held: HANDLED. It inherits from its creator (NULL: it has
 * none). NULL when out of memory. */
struct thread *thread_create(struct process *p, call_t call, int tid, const struct thread *creator);
/* Publishes t's policy and priority. */
void thread_policy(struct thread *t);
/* Gives t a name, which is cut where it is too long. */
void thread_name(struct thread *t, const char *name);
/* Takes t out of all tables and queues. Its structure goes too, or, while handlers are at work for
 * t, is freed by the handler that takes `active` to 0. */
void thread_free(struct thread *t);
/* A number that no process, thread, group or session has. */
int tid_new(void);
/* Gives t another number, which no other thread has. */
void thread_rename(struct thread *t, int tid);

/* Waits. thread_wait makes t WAITING in a queue that `cancel` takes it out of (NULL: signals do not
 * end the wait), and its handler returns what thread_wait returns: LATER, or interrupt_result at
 * once when a signal came while the handler was waiting for another service. */
int64_t thread_wait(struct thread *t, void (*cancel)(struct thread *), int64_t interrupt_result);
/* Takes t out of its queue and stops its timer, and no more: the call is HANDLED again. */
void thread_unwait(struct thread *t);
/* The same for calls that are never made again: a signal ends the wait with -EINTR, and so does a
 * stop, when it is over. */
int64_t thread_wait_once(struct thread *t, void (*cancel)(struct thread *));
/* t's call is in other hands: it has been forwarded or thrown back. Returns LATER. */
int64_t thread_gone(struct thread *t);

/* Whether a process of the session, or its zombie, is in the group. */
bool group_exists(unsigned pgid, unsigned sid);
/* Whether no member has a parent in another group of the same session, which could continue it;
 * `without` is not counted, as member or parent (NULL: all are). */
bool group_orphaned(unsigned pgid, const struct process *without);

#endif
