/* The run queues: pre-emptive round-robin by priority.
 *
 * cpu.current is the best thread that is ready, and stands in no queue; every other ready thread
 * stands in the queue of its priority. So a call to an idle server switches straight to the server:
 * the caller blocks (no thread is current), the server becomes ready, and is current at once.
 *
 * A program's thread has a quantum: an amount of processor time, used up in one go or in pieces.
 * The quantum is looked at only while other programs wait. A thread that has used up its quantum
 * does not come out of the run queue: it makes a call to the service that is the policy
 * (SCHED_EXPIRED, see pm/sched and turn.c), whose reply gives the thread a priority and a new
 * quantum and puts the thread at the end of its queue. Without a policy the thread goes there at
 * once. A thread that becomes ready with some of its quantum left goes to the front: it is still
 * its turn, and whoever has slept does not wait for another's work. A new thread goes to the end.
 * The invariant is: while programs wait and one runs, either the timer is set for no later than the
 * end of the running thread's quantum, or sched_limit is SLICE_OVER.
 *
 * A realtime thread has a rank, and PRIORITY_PROGRAM. In that queue threads stand by rank, those
 * without one last. Where others go by whether they have slept, a realtime thread goes by
 * POSIX (SCHED_FIFO): it comes to the end of its rank when it has waited, and to the front when it
 * was pre-empted, or made a call for which nobody else was charged meanwhile.
 *
 * The threads of a service form a monitor (Hoare 1974): one of them is active, until it waits. */
#include "sched.h"

#include "arch.h"
#include "clock.h"
#include "mailbox.h"
#include "queue.h"

static struct queue queues[PRIORITIES];
uint32_t sched_mask;
static unsigned ranked; /* realtime threads in the queue of PRIORITY_PROGRAM */
/* a new thread costs its creator one part in so many of what is left of its quantum */
enum { CREATION = 8 };

int sched_limit = PRIORITIES;
endpoint_t sched_policy;

static inline unsigned best_queue(void) { return __builtin_ctz(sched_mask | 1u << PRIORITIES); }

static inline void queued(int p)
{
    sched_mask |= 1u << p;
    if (p < sched_limit)
        sched_limit = p;
}

static inline void set_limit(void)
{
    unsigned best = best_queue();
    sched_limit = best - (best == PRIORITY_PROGRAM && ranked);
}

/* Puts t into the queue that is ordered by rank, as the first or the last of its own. */
static __attribute__((noinline)) void enqueue_ranked(struct thread *t, bool first)
{
    struct queue *q = &queues[PRIORITY_PROGRAM];
    struct thread *before = NULL;
    for (struct thread *x = q->first; x && x->rank >= t->rank + first; x = x->next)
        before = x;
    ranked += t->rank != 0;
    t->next = before ? before->next : q->first;
    *(before ? &before->next : &q->first) = t;
    if (!t->next)
        q->last = t;
    sched_mask |= 1u << PRIORITY_PROGRAM;
    if (sched_limit != SLICE_OVER)
        set_limit();
}

static inline bool by_rank(const struct thread *t)
{
    return __builtin_expect(ranked | t->rank, 0) && t->priority == PRIORITY_PROGRAM;
}

static inline void enqueue_first(struct thread *t)
{
    if (by_rank(t)) {
        enqueue_ranked(t, true);
        return;
    }
    queue_prepend(&queues[t->priority], t);
    queued(t->priority);
}

static inline void enqueue_last(struct thread *t)
{
    if (by_rank(t)) {
        enqueue_ranked(t, false);
        return;
    }
    queue_append(&queues[t->priority], t);
    queued(t->priority);
}

/* t is in the queue of its priority no more. */
static inline void unqueued(const struct thread *t)
{
    bool was_ranked = t->rank && t->priority == PRIORITY_PROGRAM;
    ranked -= was_ranked;
    if (queues[t->priority].first && !was_ranked)
        return;
    if (!queues[t->priority].first)
        sched_mask &= ~(1u << t->priority);
    if (sched_limit != SLICE_OVER)
        set_limit();
}

/* Whether t, which is ready, has to wait for a realtime thread. */
static inline bool outranked(const struct thread *t)
{
    if (__builtin_expect(!ranked, 1) || t->priority != PRIORITY_PROGRAM)
        return false;
    unsigned best = queues[PRIORITY_PROGRAM].first->rank;
    return best > t->rank || (best == t->rank && this_cpu()->charged != t);
}

/* A program's thread goes to the end of its queue. */
static void turn_over(struct thread *t)
{
    enqueue_last(t);
    clock_slice(this_cpu()->charged);
}

/* Likewise to the beginning, or to that of its rank. */
static void turn_kept(struct thread *t)
{
    enqueue_first(t);
    clock_slice(this_cpu()->charged);
}

/* t is ready, but another thread runs: t goes into its queue. */
static void wait_turn(struct thread *t)
{
    if (t->priority < PRIORITY_PROGRAM) {
        enqueue_last(t);
        return;
    }
    if (t->rank ? this_cpu()->charged == t : t->cpu_ns != 0)
        enqueue_first(t);
    else
        enqueue_last(t); /* if it is new: those that were made before it run before it */
    set_limit();         /* turn_next() looks at t's quantum when t comes out */
    clock_slice(this_cpu()->charged);
}

struct thread *sched_take(void)
{
    unsigned p = best_queue();
    if (p == PRIORITIES)
        return NULL;
    struct thread *t = queue_take(&queues[p]);
    unqueued(t);
    return t;
}

void sched_again(struct thread *t)
{
    t->again = 1;
    t->state = THREAD_READY;
    wait_turn(t);
}

/* t is ready and is in its monitor, if it has one: t runs, or goes into its queue. */
static void dispatch(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    t->state = THREAD_READY;
    if (__builtin_expect(!cpu->current, 1)) {
        if (__builtin_expect(best_queue() < t->priority ||
                                 (sched_limit == SLICE_OVER && t->priority >= PRIORITY_PROGRAM) ||
                                 outranked(t),
                             0))
            wait_turn(t);
        else
            cpu->current = t;
    } else if (t->priority < cpu->current->priority ||
               (t->priority == cpu->current->priority && t->rank > cpu->current->rank)) {
        enqueue_first(cpu->current);
        cpu->current = t;
    } else {
        wait_turn(t);
    }
}

void sched_ready_slow(struct thread *t)
{
    struct task *task = t->task;
    if (task->service) {
        if (task->active && task->active != t) {
            t->state = THREAD_MONITOR;
            queue_append(&task->entry, t);
            task->wanted = true;
            return;
        }
        task->active = t;
    }
    dispatch(t);
}

bool sched_wanted(const struct task *task)
{
    return task->entry.first || task->pending || task->mail_first;
}

/* The monitor of a service is free: the next thread that waits for it, or the next message,
 * enters. */
static void monitor_next(struct task *task)
{
    task->active = NULL;
    if (task->entry.first)
        task->active = queue_take(&task->entry);
    else if (task->pending || task->mail_first)
        task->active = mail_enter(task);
    task->wanted = sched_wanted(task);
    if (task->active)
        dispatch(task->active);
}

struct thread *sched_first(void)
{
    unsigned p = best_queue();
    return p == PRIORITIES ? NULL : queues[p].first;
}

static void unqueue(struct thread *t)
{
    queue_remove(&queues[t->priority], t);
    unqueued(t);
}

void sched_block_slow(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    if (__builtin_expect(cpu->current == t, 1))
        cpu->current = NULL;
    else if (t->state == THREAD_READY)
        unqueue(t);
    if (t->task->service && t->task->active == t) {
        t->task->active = NULL;
        if (t->task->wanted)
            monitor_next(t->task);
    }
}

void sched_remove(struct thread *t)
{
    if (t->state == THREAD_MONITOR)
        queue_remove(&t->task->entry, t);
    else if (t->state == THREAD_READY)
        sched_block(t);
}

/* In task->active of a frozen service in which no thread was running. */
static struct thread nobody;

void sched_freeze(struct task *task)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = task->active;
    if (!t)
        task->active = &nobody;
    else if (cpu->current == t)
        cpu->current = NULL;
    else if (t->state == THREAD_READY)
        unqueue(t);
}

struct thread *sched_active(const struct task *task)
{
    return task->active == &nobody ? NULL : task->active;
}

void sched_thaw(struct task *task)
{
    if (task->active == &nobody)
        monitor_next(task);
    else if (task->active)
        dispatch(task->active);
}

void sched_yield(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    if (cpu->current == t && best_queue() <= t->priority) {
        turn_over(t);
        cpu->current = NULL;
    }
}

static void quantum_give(struct thread *t, uint64_t quantum)
{
    t->quantum = quantum;
    t->quantum_end = clock_used(t) + quantum;
}

/* t, a service's thread outside its monitor, waits in the queue of this priority. */
static void stand_aside(struct thread *t, unsigned priority)
{
    const struct thread *program = this_cpu()->charged;
    t->aside = 1;
    t->works_for = program ? program->index + 1 : 0;
    t->priority = priority;
    t->state = THREAD_READY;
    turn_over(t);
}

/* Whether other programs should run before t does more for `program`, which is charged; if so,
 * program's next quantum begins. program is NULL when it has died: t then has a quantum of its own,
 * QUANTUM_MIN from when it stepped in (turn.c). */
static bool quantum_over(const struct thread *t, struct thread *program)
{
    uint32_t waiting = sched_mask >> PRIORITY_PROGRAM << PRIORITY_PROGRAM;
    if (!waiting)
        return false;
    if (!program)
        return (int64_t)arch_time() >= t->quantum_end;
    bool better = waiting & ((1u << program->priority) - 1) ||
                  (ranked && queues[PRIORITY_PROGRAM].first->rank > program->rank);
    if (!better && (int64_t)clock_used(program) < program->quantum_end)
        return false;
    quantum_give(program, program->quantum ? program->quantum : QUANTUM_DEFAULT);
    return true;
}

void sched_aside(struct thread *t)
{
    struct thread *program = this_cpu()->charged;
    bool services = sched_mask & ((1u << PRIORITY_PROGRAM) - 1),
         programs = quantum_over(t, program);
    if (!services && !programs && !t->task->wanted)
        return;
    unsigned best = PRIORITY_PROGRAM + __builtin_ctz(sched_mask >> PRIORITY_PROGRAM |
                                                     1u << (PRIORITIES - PRIORITY_PROGRAM));
    sched_block(t);
    /* the policy has not judged this work, so it ranks no better than the programs that wait */
    if (programs)
        stand_aside(t, program && program->priority > best ? program->priority : best);
    else if (services)
        stand_aside(t, PRIORITY_PROGRAM - 1);
    else
        sched_ready(t);
}

void sched_tick(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = cpu->current;
    if (!t)
        return;
    if (t->priority < PRIORITY_PROGRAM) {
        sched_limit = SLICE_OVER;
    } else if (sched_mask) {
        enqueue_first(t);
        cpu->current = NULL;
    }
}

/* ---- quanta ---- */

static bool in_queue(const struct thread *t)
{
    return t->state == THREAD_READY && this_cpu()->current != t;
}

void sched_set(struct thread *t, unsigned priority, uint64_t quantum)
{
    bool moves = t->priority != priority, queued = moves && in_queue(t);
    if (queued)
        unqueue(t);
    t->priority = priority;
    if (quantum && (moves || !t->rank))
        quantum_give(t, quantum);
    if (queued)
        turn_over(t);
}

void sched_realtime(struct thread *t, unsigned rank, bool rounds)
{
    bool queued = in_queue(t), sinks = rank && rank < t->rank;
    if (queued)
        unqueue(t);
    t->rank = rank;
    t->rounds = rounds;
    t->priority = sched_base(t);
    t->quantum = 0;
    t->quantum_end = clock_used(t);
    if (queued && sinks)
        turn_kept(t);
    else if (queued)
        turn_over(t);
}

void sched_decide(struct thread *t, int64_t answer)
{
    uint64_t priority = answer & 0xff, quantum = (uint64_t)answer >> 8;
    if (answer > 0 && priority >= PRIORITY_PROGRAM && priority <= PRIORITY_LAST &&
        quantum >= QUANTUM_MIN && quantum <= QUANTUM_MAX) {
        t->priority = priority;
        quantum_give(t, quantum);
    } else {
        t->priority = t->rank ? PRIORITY_PROGRAM : PRIORITY_NORMAL;
        quantum_give(t, QUANTUM_DEFAULT);
    }
    t->state = THREAD_READY;
    if (t->rank && !t->rounds && t->priority == PRIORITY_PROGRAM)
        turn_kept(t);
    else
        turn_over(t);
}

void sched_inherit(struct thread *n, struct thread *creator)
{
    n->priority = creator->priority;
    n->rank = creator->rank;
    n->rounds = creator->rounds;
    n->quantum = creator->quantum;
    n->quantum_end = creator->quantum_end - (int64_t)clock_used(creator);
    if (n->quantum_end > 0)
        creator->quantum_end -= n->quantum_end / CREATION;
}
