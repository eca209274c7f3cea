/* Run queues and monitors: kernel/sched.c on the host, with a stand-in for messages and the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../kernel/clock.h"
#include "../../kernel/sched.h"

struct cpu cpu0;

/* ---- what sched.c calls ---- */

static unsigned received, slices;
uint64_t arch_time(void);
void arch_idle(void);
void ipc_receive(struct thread *t);

uint64_t arch_time(void) { return 0; }
void arch_idle(void) { fail_msg("nobody is ready"); }
void clock_slice(void) { slices++; }

void ipc_receive(struct thread *t)
{
    t->task->pending = 0;
    received++;
}

/* ---- programs and services ---- */

static struct task program_task, service_task;
static struct thread a, b, c, s, s2;

static struct thread *thread(struct thread *t, struct task *task, unsigned priority)
{
    *t = (struct thread){ .task = task, .priority = priority, .state = THREAD_PARKED };
    return t;
}

static int fresh(void **state)
{
    (void)state;
    while (sched_mask || cpu0.current)
        sched_block(sched_next());
    memset(&program_task, 0, sizeof program_task);
    memset(&service_task, 0, sizeof service_task);
    service_task.service = 1;
    sched_slice_over = false;
    thread(&a, &program_task, 6), thread(&b, &program_task, 6), thread(&c, &program_task, 7);
    thread(&s, &service_task, 3), thread(&s2, &service_task, 3);
    return 0;
}

static void the_first_ready_thread_runs(void **state)
{
    (void)state;
    sched_ready(&a);
    sched_ready(&b);
    assert_ptr_equal(sched_next(), &a);
    sched_block(&a);
    assert_ptr_equal(sched_next(), &b);
}

static void a_better_one_preempts_and_the_other_goes_on_after(void **state)
{
    (void)state;
    sched_ready(&a);
    sched_ready(&b);
    sched_ready(&s);
    assert_ptr_equal(sched_next(), &s);
    sched_block(&s);
    assert_ptr_equal(sched_next(), &a);   /* before b, although b was queued first */
}

static void the_worse_wait_for_the_better(void **state)
{
    (void)state;
    sched_ready(&c);
    sched_ready(&a);
    assert_ptr_equal(sched_next(), &a);
    sched_block(&a);
    assert_ptr_equal(sched_next(), &c);
}

static void equals_take_turns_at_the_tick(void **state)
{
    (void)state;
    sched_ready(&a);
    sched_ready(&b);
    sched_tick();
    assert_ptr_equal(sched_next(), &b);
    sched_tick();
    assert_ptr_equal(sched_next(), &a);
}

static void a_tick_in_a_server_ends_its_callers_slice(void **state)
{
    (void)state;
    sched_ready(&b);
    sched_ready(&s);                      /* works for a, which waits */
    sched_tick();
    sched_block(&s);
    cpu0.current = NULL;
    sched_ready(&a);                      /* its reply has come */
    assert_ptr_equal(sched_next(), &b);
}

static void yield_lets_an_equal_run(void **state)
{
    (void)state;
    sched_ready(&a);
    sched_yield(&a);
    assert_ptr_equal(sched_next(), &a);
    sched_ready(&b);
    sched_yield(&a);
    assert_ptr_equal(sched_next(), &b);
}

static void of_a_services_threads_one_runs(void **state)
{
    (void)state;
    sched_ready(&s);
    sched_ready(&s2);
    assert_int_equal(s2.state, THREAD_MONITOR);
    assert_ptr_equal(sched_next(), &s);
    sched_block(&s);
    assert_ptr_equal(sched_next(), &s2);
    assert_ptr_equal(service_task.active, &s2);
}

static void a_free_monitor_takes_the_next_message(void **state)
{
    (void)state;
    sched_ready(&s);
    service_task.receivers = &s2;
    service_task.pending = 1;
    received = 0;
    sched_block(&s);
    assert_int_equal(received, 1);
    assert_ptr_equal(sched_next(), &s2);
}

static void a_thread_can_be_taken_out_of_any_queue(void **state)
{
    (void)state;
    sched_ready(&c), sched_ready(&a), sched_ready(&b);
    sched_remove(&b);
    sched_remove(&a);
    assert_ptr_equal(sched_next(), &c);
    sched_block(&c);
    sched_ready(&s), sched_ready(&s2);
    sched_remove(&s2);
    sched_block(&s);
    assert_null(service_task.active);
    assert_int_equal(sched_mask, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_ready_thread_runs, fresh), cmocka_unit_test_setup(a_better_one_preempts_and_the_other_goes_on_after, fresh),
        cmocka_unit_test_setup(the_worse_wait_for_the_better, fresh), cmocka_unit_test_setup(equals_take_turns_at_the_tick, fresh),
        cmocka_unit_test_setup(a_tick_in_a_server_ends_its_callers_slice, fresh), cmocka_unit_test_setup(yield_lets_an_equal_run, fresh),
        cmocka_unit_test_setup(of_a_services_threads_one_runs, fresh), cmocka_unit_test_setup(a_free_monitor_takes_the_next_message, fresh),
        cmocka_unit_test_setup(a_thread_can_be_taken_out_of_any_queue, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
