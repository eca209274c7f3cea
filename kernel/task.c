/* Birth and death of threads, tasks and spaces. No number is used again: a task in an old place has
 * another generation, and the sequence of a dead thread's calls goes on in the next thread with its
 * index. */
#include "task.h"

#include "arch.h"
#include "clock.h"
#include "conn.h"
#include "ipc.h"
#include "memory.h"
#include "space.h"
#include "trace.h"
#include <minnow/errno.h>

#define CALL_FIRST (1ul << 32) /* so that no call's number fits into an endpoint */
static call_t last_call[THREADS_MAX];
static uint16_t generation[TASKS_MAX];
static unsigned thread_hint, task_hint = MAX_SERVICE;

struct space *space_create(void)
{
    struct space *s = kmalloc(sizeof *s);
    if (s && arch_space_init(s) < 0) {
        kfree(s, sizeof *s);
        return NULL;
    }
    if (s) {
        s->refs = 1;
        spaces_count++;
    }
    return s;
}

void space_drop(struct space *s)
{
    if (--s->refs)
        return;
    struct cpu *cpu = this_cpu();
    if (cpu->space == s)
        cpu->space = NULL;
    space_unmap_rest(s);
    arch_space_free(s);
    kfree(s, sizeof *s);
    spaces_count--;
}

static int task_index(endpoint_t wanted)
{
    if (wanted)
        return tasks[wanted] ? -1 : (int)wanted;
    for (unsigned n = 0; n < TASKS_MAX - MAX_SERVICE; n++) {
        unsigned i = task_hint;
        task_hint = task_hint + 1 < TASKS_MAX ? task_hint + 1 : MAX_SERVICE;
        if (!tasks[i])
            return i;
    }
    return -1;
}

static void copy_name(char *to, const char *from)
{
    size_t n = strlen(from);
    memcpy(to, from, n < 15 ? n : 15);
}

void task_rename(struct task *t, unsigned word, uint64_t bytes)
{
    memcpy(t->name + word * sizeof bytes, &bytes, sizeof bytes);
    t->name[sizeof t->name - 1] = 0;
}

struct task *task_create(endpoint_t wanted, const char *name)
{
    int i = task_index(wanted);
    struct task *t = i < 0 ? NULL : kmalloc(sizeof *t);
    if (!t)
        return NULL;
    t->service = wanted != 0;
    t->endpoint = wanted ? wanted : endpoint_of(i, generation[i]++);
    t->priority = PRIORITY_NORMAL;
    t->file_size = ~0ul;
    t->stops = STOPS_DENIED;
    copy_name(t->name, name);
    tasks[i] = t;
    tasks_count++;
    return t;
}

int task_new_space(struct task *t)
{
    struct space *s = space_create();
    if (!s)
        return -ENOMEM;
    if (t->space)
        space_drop(t->space);
    t->space = s;
    for (struct thread *x = t->threads; x; x = x->siblings)
        x->space = s;
    return 0;
}

void task_kill_threads(struct task *t)
{
    while (t->threads)
        thread_kill(t->threads);
}

void task_kill(struct task *t)
{
    t->dead = 1;
    if (!t->service)
        trace_event(TRACE_ENDED, t, 0);
    task_kill_threads(t);
    if (t->conns)
        conn_table_drop(t->conns);
    if (t->space)
        space_drop(t->space);
    clock_alarm(t, 0);
    tasks[endpoint_index(t->endpoint)] = NULL;
    tasks_count--;
    kfree(t, sizeof *t);
}

_Static_assert(sizeof(struct thread) <= 512, "one more byte, and each takes a kilobyte");

struct thread *thread_create(struct task *task)
{
    unsigned i = thread_hint;
    for (unsigned n = 0; threads[i]; n++) {
        if (n == THREADS_MAX)
            return NULL;
        i = i + 1 < THREADS_MAX ? i + 1 : 0;
    }
    struct thread *t = kmalloc(sizeof *t);
    if (!t)
        return NULL;
    thread_hint = i + 1 < THREADS_MAX ? i + 1 : 0;
    threads[i] = t;
    samples[i] = (struct cpu_samples){ 0 };
    threads_count++;
    t->index = i;
    t->call = last_call[i] ? last_call[i] : CALL_FIRST | i;
    t->task = task;
    t->space = task->space;
    t->priority = task->priority;
    t->user = task->personality != NULL;
    if (t->user)
        t->personality = task->personality;
    t->state = THREAD_PARKED;
    t->words = t->moved;
    t->siblings = task->threads;
    task->threads = t;
    return t;
}

void thread_kill(struct thread *t)
{
    struct task *task = t->task;
    ipc_withdraw(t);
    if (task->service && task->active == t)
        task->active = NULL;
    arch_fpu_drop(t);
    arch_breakpoints_drop(t);
    if (this_cpu()->charged == t)
        clock_charge(NULL); /* adds its last interval to cpu_ns, which its task inherits below */
    task->cpu_ns += t->cpu_ns;
    for (struct thread **at = &task->threads; *at; at = &(*at)->siblings)
        if (*at == t) {
            *at = t->siblings;
            break;
        }
    last_call[t->index] = t->call + CALL_NEXT;
    threads[t->index] = NULL;
    threads_count--;
    kfree(t, sizeof *t);
}
