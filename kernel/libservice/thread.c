/* Threads of a service and waiting among them: see service.h. The threads are a monitor, so another
 * thread of the service runs only while this one waits in a kernel call. */
#include "service.h"
#include "syscalls.h"

struct waiter {
    struct waiter *next;
    unsigned thread;
    bool woken;
};
struct beginning {
    void (*run)(void *);
    void *argument;
};

void thread_entry(void), thread_begin(void);
_Noreturn void thread_main(struct beginning *s);
_Noreturn void service_exit(int status);

void service_exit(int status)
{
    print("main returned %d", status);
    ask_exit(1);
    __builtin_unreachable();
}

void thread_main(struct beginning *s)
{
    struct beginning mine = *s;
    memory_free(s);
    mine.run(mine.argument);
    ask_exit(0);
    __builtin_unreachable();
}

int thread_start(void (*run)(void *), void *argument)
{
    void *shadow = stack_shadow();
    struct beginning *s = shadow ? memory_alloc(sizeof *s) : NULL;
    if (!s)
        return -ENOMEM;
    *s = (struct beginning){ run, argument };
    int64_t made = sys_thread(thread_entry, s);
    if (made < 0)
        return made;
    uint64_t stack = made & ~(int64_t)(SERVICE_STACK_SPAN - 1);
    /* the new thread runs only when this one waits */
    stack_prepare(stack - 1, made - stack, shadow, thread_begin, s);
    return 0;
}

endpoint_t service_self(void) { return (uint32_t)ask_self(); }
bool thread_look(unsigned index, struct thread_info *to)
{
    return ask_info(INFO_THREADS, index, to, sizeof *to) > 0 && to->index == index;
}

void threads_each(void (*f)(const struct thread_info *t, void *argument), void *argument)
{
    enum { AT_ONCE = 16 };
    struct thread_info t[AT_ONCE];
    for (int64_t from = 0, n = AT_ONCE; n == AT_ONCE; from = t[AT_ONCE - 1].index + 1) {
        n = ask_info(INFO_THREADS, from, t, sizeof t) / (int64_t)sizeof t[0];
        for (int64_t i = 0; i < n; i++)
            f(&t[i], argument);
    }
}

static unsigned self(void) { return ask_self() >> 32; }

static void wait_on(struct waiter **list)
{
    struct waiter me = { NULL, self(), false };
    while (*list)
        list = &(*list)->next;
    *list = &me;
    while (!me.woken)
        sys_park();
}

static void wake_first(struct waiter **list)
{
    struct waiter *w = *list;
    *list = w->next;
    w->woken = true;
    ask_unpark(w->thread);
}

void give_way(uint64_t steps_left) { sys_advance(steps_left); }

/* A lock is handed to the first waiter, so no thread overtakes another. */
void lock_take(struct lock *l)
{
    if (l->held)
        wait_on(&l->first);
    l->held = true;
}

void lock_give(struct lock *l)
{
    if (l->first)
        wake_first(&l->first);
    else
        l->held = false;
}

void condition_wait(struct condition *c) { wait_on(&c->first); }

void condition_wake(struct condition *c)
{
    struct waiter *w = c->first;
    c->first = NULL;
    while (w) {
        struct waiter *next = w->next;
        wake_first(&w);
        w = next;
    }
}

/* ---- callers that wait for an answer ---- */

void call_waits(call_t c) { ask_slow(c, false); }

struct pending *pending_add(struct pending_list *l, const struct message *m)
{
    struct pending **at = &l->first;
    /* The thread has made another call, so its earlier one was cancelled, of which a service is not
     * told. */
    while (*at) {
        struct pending *p = *at;
        if (call_thread(p->m.call) == call_thread(m->call)) {
            *at = p->next;
            memory_free(p);
        } else {
            at = &p->next;
        }
    }
    struct pending *p = memory_alloc(sizeof *p);
    if (!p)
        return NULL;
    p->m = *m;
    p->next = NULL;
    *at = p;
    call_waits(m->call);
    return p;
}

void pending_remove(struct pending_list *l, struct pending *p)
{
    for (struct pending **at = &l->first; *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            memory_free(p);
            return;
        }
}
