/* The tables of threads and tasks, and what the processor is doing. */
#include "thread.h"

struct thread *threads[THREADS_MAX];
struct cpu_samples samples[THREADS_MAX];
struct task *tasks[TASKS_MAX];
unsigned threads_count, tasks_count, spaces_count, conns_count;
struct task *process_manager;
struct personality *personality;
struct cpu cpu0 __attribute__((aligned(64)));

struct task *task_find(endpoint_t e)
{
    unsigned i = endpoint_index(e);
    struct task *t = i < TASKS_MAX ? tasks[i] : NULL;
    return t && t->endpoint == e ? t : NULL;
}
