/* Run queues, quanta, monitors and turns: kernel/sched.c and turn.c on the host, with a stand-in
 * for messages and the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../kernel/clock.h"
#include "../../kernel/ipc.h"
#include <minnow/protocol.h>
#include "../../kernel/sched.h"
#include "../../kernel/boot.h"
#include "../../kernel/service.h"
#include "../../kernel/syscall.h"
#include "../../kernel/turn.h"

struct cpu cpu0;
struct task *tasks[TASKS_MAX];
struct thread *threads[THREADS_MAX];

/* ---- what sched.c calls ---- */

static unsigned received, slices, asked;
static struct thread *signalled, *again;
uint64_t arch_time(void);

uint64_t arch_time(void) { return 0; }
void arch_idle(bool poll) { fail_msg("nobody is ready, %d", poll); }
void arch_bases_changed(const struct thread *t) { assert_ptr_equal(t, cpu0.charged); }
void clock_charge(struct thread *program) { cpu0.charged = program; }
int64_t clock_slice_end = -1;
void clock_slice_slow(const struct thread *t) { (void)t, slices++; }
uint64_t clock_used(const struct thread *t) { return t->cpu_ns; }

/* The request stays with the policy, which is idle. */
bool ipc_again(struct thread *t)
{
    t->again = 0;
    return true;
}
void ipc_told_over(struct thread *t) { (void)t; }
void syscall_dispatch(struct thread *t) { again = t; }
void ipc_expired(struct thread *t, struct task *policy, uint64_t used)
{
    assert_int_equal(used, t->cpu_ns);
    assert_ptr_not_equal(cpu0.current, t);
    t->kind = CALL_EXPIRED;
    t->state = THREAD_HELD;
    t->holder = policy;
    asked++;
}

void ipc_signal(struct thread *t)
{
    t->interrupted = 0;
    t->state = THREAD_HELD;
    signalled = t;
}

/* What the clock's interrupt sets off is not tested here. */
bool service_strikes;
void service_watch(uint64_t now) { (void)now; }
void trace_event(enum trace_event event, const struct task *task, uint64_t word)
{
    (void)event, (void)task, (void)word;
}

void mail_notify(struct task *to, uint64_t bits) { (void)to, (void)bits; }
void clock_sample(uint64_t now) { (void)now; }
void clock_set(uint64_t when) { (void)when; }
bool clock_slice_over(uint64_t now) { return !now; }
struct task *clock_alarm_due(uint64_t now) { return (void)now, NULL; }

struct thread *mail_enter(struct task *service)
{
    struct thread *t = service->receivers;
    if (t) {
        service->receivers = t->next;
        service->pending = 0;
        received++;
    }
    return t;
}

/* ---- programs and services ---- */

enum { POLICY = 7, MS = 1000000 };

static struct task program_task, service_task, policy_task;
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
        sched_block(turn_next());
    memset(&program_task, 0, sizeof program_task);
    memset(&service_task, 0, sizeof service_task);
    memset(&policy_task, 0, sizeof policy_task);
    service_task.service = policy_task.service = 1;
    sched_limit = PRIORITIES;
    sched_policy = 0;
    asked = 0;
    thread(&a, &program_task, 12), thread(&b, &program_task, 12), thread(&c, &program_task, 13);
    tasks[POLICY] = &policy_task;
    threads[1] = &a, threads[2] = &b, threads[3] = &c;
    thread(&s, &service_task, 3), thread(&s2, &service_task, 3);
    return 0;
}

static void the_first_ready_thread_runs(void **state)
{
    (void)state;
    sched_ready(&a);
    sched_ready(&b);
    assert_ptr_equal(turn_next(), &a);
    sched_block(&a);
    assert_ptr_equal(turn_next(), &b);
}

static void a_better_one_preempts_and_the_other_goes_on_after(void **state)
{
    (void)state;
    sched_ready(&a);
    sched_ready(&b);
    sched_ready(&s);
    assert_ptr_equal(turn_next(), &s);
    sched_block(&s);
    assert_ptr_equal(turn_next(), &a); /* before b, although b was queued first */
}

static void the_worse_wait_for_the_better(void **state)
{
    (void)state;
    sched_ready(&c);
    sched_ready(&a);
    assert_ptr_equal(turn_next(), &a);
    sched_block(&a);
    assert_ptr_equal(turn_next(), &c);
}

static void equals_take_turns_at_the_tick(void **state)
{
    (void)state;
    a.quantum_end = b.quantum_end = 10 * MS;
    sched_ready(&a);
    sched_ready(&b);
    a.cpu_ns = 10 * MS;
    sched_tick();
    assert_ptr_equal(turn_next(), &b);
    b.cpu_ns = 10 * MS;
    sched_tick();
    assert_ptr_equal(turn_next(), &a);
    assert_int_equal(a.quantum_end, 10 * MS + QUANTUM_DEFAULT);
}

static void a_tick_in_a_server_ends_its_callers_quantum(void **state)
{
    (void)state;
    sched_ready(&b);
    sched_ready(&s); /* works for a, which waits */
    b.quantum_end = 10 * MS;
    sched_tick();
    sched_block(&s);
    cpu0.current = NULL;
    sched_ready(&a); /* its reply has come */
    assert_ptr_equal(turn_next(), &b);
}

static void a_tick_that_comes_early_changes_nothing(void **state)
{
    (void)state;
    a.quantum_end = b.quantum_end = 10 * MS;
    sched_ready(&a);
    sched_ready(&b);
    slices = 0;
    sched_tick();
    assert_ptr_equal(turn_next(), &a);
    assert_int_equal(slices, 1); /* and another one is ordered */
}

static void whoever_is_alone_needs_no_quantum(void **state)
{
    (void)state;
    sched_policy = POLICY;
    sched_ready(&a);
    slices = 0;
    sched_tick();
    assert_ptr_equal(turn_next(), &a);
    sched_ready(&s); /* a service is no competitor */
    sched_tick();
    sched_block(&s);
    assert_ptr_equal(turn_next(), &a);
    assert_int_equal(asked, 0);
    assert_int_equal(slices, 0);
}

static void a_used_up_quantum_is_a_call_to_the_policy(void **state)
{
    (void)state;
    sched_policy = POLICY;
    a.quantum_end = b.quantum_end = 10 * MS;
    sched_ready(&a);
    sched_ready(&b);
    a.cpu_ns = 10 * MS;
    sched_tick();
    assert_ptr_equal(turn_next(), &b);
    assert_int_equal(asked, 1);
    assert_int_equal(a.state, THREAD_HELD);
    sched_decide(&a, 20ul * MS << 8 | 11);
    assert_int_equal(a.priority, 11);
    assert_int_equal(a.quantum, 20 * MS);
    assert_int_equal(a.quantum_end, 30 * MS);
    sched_tick(); /* b still has its quantum, but a is better now */
    assert_ptr_equal(turn_next(), &a);
}

static void nonsense_from_the_policy_is_as_none(void **state)
{
    (void)state;
    static const int64_t answers[] = { 0,
                                       -EINVAL,
                                       12,
                                       (int64_t)QUANTUM_DEFAULT << 8,
                                       (int64_t)QUANTUM_DEFAULT << 8 | 7,
                                       (int64_t)QUANTUM_DEFAULT << 8 | 16,
                                       (int64_t)(QUANTUM_MIN - 1) << 8 | 12,
                                       (int64_t)(QUANTUM_MAX + 1) << 8 | 12,
                                       INT64_MAX,
                                       INT64_MIN };
    for (unsigned i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        sched_decide(&a, answers[i]);
        assert_int_equal(a.priority, 12);
        assert_int_equal(a.quantum_end, QUANTUM_DEFAULT);
        assert_ptr_equal(turn_next(), &a);
        sched_block(&a);
    }
}

static void without_the_policy_equals_take_turns(void **state)
{
    (void)state;
    sched_policy = POLICY;
    policy_task.dead = 1;
    b.quantum_end = 10 * MS;
    sched_ready(&a), sched_ready(&b);
    sched_tick();
    assert_ptr_equal(turn_next(), &b);
    assert_int_equal(asked, 0);
    assert_int_equal(a.quantum_end, QUANTUM_DEFAULT);
}

static void a_thrown_call_is_made_again_at_its_turn(void **state)
{
    (void)state;
    a.user = b.user = 1;
    a.quantum_end = b.quantum_end = 10 * MS;
    a.cpu_ns = 1;
    sched_ready(&s); /* has brought the pages */
    sched_ready(&b);
    again = NULL;
    sched_again(&a);
    assert_ptr_equal(turn_next(), &s);
    sched_block(&s);
    assert_null(again);
    assert_ptr_equal(turn_next(), &a);
    assert_ptr_equal(again, &a);
}

static void a_new_thread_begins_where_its_creator_is(void **state)
{
    (void)state;
    a.quantum = a.quantum_end = 10 * MS;
    a.cpu_ns = 4 * MS;
    a.priority = 13;
    sched_inherit(&b, &a);
    assert_int_equal(b.priority, 13);
    assert_int_equal(b.quantum_end, 6 * MS);
    assert_int_equal(a.quantum_end, 10 * MS - 6 * MS / 8);
    a.cpu_ns = a.quantum_end + 2 * MS;
    sched_inherit(&c, &a);
    assert_int_equal(c.quantum_end, -2 * MS);
}

static void whoever_comes_back_with_something_left_goes_to_the_front(void **state)
{
    (void)state;
    a.quantum_end = b.quantum_end = 10 * MS;
    thread(&c, &program_task, 12)->quantum_end = 10 * MS;
    c.cpu_ns = 1;
    sched_ready(&a), sched_ready(&b); /* b is new */
    sched_ready(&s);                  /* serves c meanwhile */
    sched_ready(&c);
    sched_block(&a), sched_block(&s);
    assert_ptr_equal(turn_next(), &c);
    c.cpu_ns = 10 * MS;
    sched_tick();
    assert_ptr_equal(turn_next(), &b);
}

static void new_ones_run_in_the_order_in_which_they_were_made(void **state)
{
    (void)state;
    thread(&c, &program_task, 12);
    sched_ready(&a);
    sched_ready(&b), sched_ready(&c);
    sched_block(&a);
    assert_ptr_equal(turn_next(), &b);
    sched_block(&b);
    assert_ptr_equal(turn_next(), &c);
}

static void a_signal_is_delivered_when_it_is_its_turn(void **state)
{
    (void)state;
    a.quantum_end = b.quantum_end = 10 * MS;
    sched_ready(&a), sched_ready(&b), sched_ready(&c);
    b.interrupted = 1;
    signalled = NULL;
    assert_ptr_equal(turn_next(), &a);
    assert_null(signalled);
    sched_block(&a);
    assert_ptr_equal(turn_next(), &c);
    assert_ptr_equal(signalled, &b);
    assert_int_equal(b.interrupted, 0);
}

static void one_in_a_queue_is_moved_to_its_new_place(void **state)
{
    (void)state;
    sched_ready(&a), sched_ready(&b), sched_ready(&c);
    sched_set(&c, 11, 5 * MS);
    assert_int_equal(c.quantum_end, 5 * MS);
    sched_set(&b, 15, 0);
    assert_int_equal(b.quantum_end, 0);
    sched_block(&a);
    assert_ptr_equal(turn_next(), &c);
    sched_block(&c);
    assert_ptr_equal(turn_next(), &b);
    sched_block(&b);
    assert_int_equal(sched_mask, 0);
}

static void yield_lets_an_equal_run(void **state)
{
    (void)state;
    sched_ready(&a);
    sched_yield(&a);
    assert_ptr_equal(turn_next(), &a);
    sched_ready(&b);
    sched_yield(&a);
    assert_ptr_equal(turn_next(), &b);
}

static void of_a_services_threads_one_runs(void **state)
{
    (void)state;
    sched_ready(&s);
    sched_ready(&s2);
    assert_int_equal(s2.state, THREAD_MONITOR);
    assert_ptr_equal(turn_next(), &s);
    sched_block(&s);
    assert_ptr_equal(turn_next(), &s2);
    assert_ptr_equal(service_task.active, &s2);
}

static void a_free_monitor_takes_the_next_message(void **state)
{
    (void)state;
    sched_ready(&s);
    service_task.receivers = &s2;
    service_task.pending = 1;
    service_task.wanted = true;
    received = 0;
    sched_block(&s);
    assert_int_equal(received, 1);
    assert_false(service_task.wanted);
    assert_ptr_equal(turn_next(), &s2);
}

static void a_thread_can_be_taken_out_of_any_queue(void **state)
{
    (void)state;
    sched_ready(&c), sched_ready(&a), sched_ready(&b);
    sched_remove(&b);
    sched_remove(&a);
    assert_ptr_equal(turn_next(), &c);
    sched_block(&c);
    sched_ready(&s), sched_ready(&s2);
    sched_remove(&s2);
    sched_block(&s);
    assert_null(service_task.active);
    assert_int_equal(sched_mask, 0);
}

/* s works for a, and b waits. */
static void long_work(void)
{
    service_task.priority = 3;
    a.index = 1;
    a.quantum_end = b.quantum_end = 10 * MS;
    cpu0.charged = &a;
    sched_ready(&s);
    sched_ready(&b);
}

static void long_work_goes_on_while_its_program_has_a_quantum(void **state)
{
    (void)state;
    long_work();
    a.cpu_ns = 9 * MS;
    sched_aside(&s);
    assert_ptr_equal(turn_next(), &s);
    assert_ptr_equal(service_task.active, &s);
}

static void long_work_lets_others_run_when_that_is_used_up(void **state)
{
    (void)state;
    long_work();
    a.cpu_ns = 10 * MS;
    sched_aside(&s);
    assert_ptr_equal(turn_next(), &b);
    assert_null(service_task.active);
    cpu0.charged = &b;
    sched_block(&b);
    assert_ptr_equal(turn_next(), &s);
    assert_ptr_equal(service_task.active, &s);
    assert_ptr_equal(cpu0.charged, &a);
    assert_int_equal(s.priority, 3);
    assert_true(a.quantum_end > 10 * MS);
}

static void long_work_lets_the_next_message_and_other_services_go_first(void **state)
{
    (void)state;
    long_work();
    sched_ready(&s2);
    sched_aside(&s);
    assert_ptr_equal(turn_next(), &s2);
    assert_int_equal(s.state, THREAD_MONITOR);
    sched_block(&s2);
    assert_ptr_equal(turn_next(), &s);
    struct task other = { .service = 1, .priority = 6 };
    struct thread o;
    sched_ready(thread(&o, &other, 6));
    sched_aside(&s);
    assert_ptr_equal(turn_next(), &o);
    sched_block(&o);
    assert_ptr_equal(turn_next(), &s);
    assert_int_equal(s.priority, 3);
}

static struct thread *realtime(struct thread *t, unsigned rank, bool rounds)
{
    thread(t, &program_task, 12);
    sched_realtime(t, rank, rounds);
    t->quantum_end = 50 * MS;
    return t;
}

static void realtime_threads_run_by_rank_and_before_all_others(void **state)
{
    (void)state;
    thread(&c, &program_task, PRIORITY_PROGRAM)->quantum_end = 10 * MS;
    sched_ready(&c);
    cpu0.charged = &c;
    sched_ready(realtime(&a, 5, false));
    assert_ptr_equal(turn_next(), &a);
    sched_ready(&s); /* a service comes before it, */
    assert_ptr_equal(turn_next(), &s);
    sched_ready(realtime(&b, 6, false));
    sched_block(&s);
    assert_ptr_equal(turn_next(), &b);
    sched_block(&b);
    cpu0.charged = &b;
    sched_ready(&s);
    sched_block(&s);
    assert_ptr_equal(turn_next(), &a);
    sched_block(&a);
    assert_ptr_equal(turn_next(), &c);
}

static void who_is_no_realtime_thread_does_not_pass_one(void **state)
{
    (void)state;
    thread(&c, &program_task, PRIORITY_PROGRAM)->quantum_end = 10 * MS;
    sched_ready(&s);
    cpu0.charged = &c;
    sched_ready(realtime(&a, 1, false));
    cpu0.current = NULL; /* s, which has nothing to do, is about to answer c */
    sched_ready(&c);
    assert_ptr_equal(turn_next(), &a);
    sched_block(&a);
    assert_ptr_equal(turn_next(), &c);
}

static void a_realtime_thread_keeps_its_place_until_it_waits(void **state)
{
    (void)state;
    sched_ready(realtime(&a, 5, false));
    sched_ready(realtime(&b, 5, false));
    cpu0.charged = &a;
    assert_ptr_equal(turn_next(), &a);
    sched_block(&a); /* calls a server, which answers */
    sched_ready(&s);
    sched_ready(&a);
    sched_block(&s);
    assert_ptr_equal(turn_next(), &a);
    sched_ready(&s); /* an interrupt */
    sched_block(&s);
    assert_ptr_equal(turn_next(), &a);
    sched_block(&a); /* sleeps */
    assert_ptr_equal(turn_next(), &b);
    cpu0.charged = &b;
    sched_ready(&a);
    assert_ptr_equal(turn_next(), &b);
    sched_yield(&b);
    assert_ptr_equal(turn_next(), &a);
}

static void with_a_used_up_quantum_some_take_turns(void **state)
{
    (void)state;
    for (unsigned rounds = 0; rounds < 2; rounds++) {
        fresh(NULL);
        sched_ready(realtime(&a, 5, rounds)), sched_ready(realtime(&b, 5, rounds));
        sched_ready(realtime(&c, 5, rounds));
        sched_policy = POLICY;
        a.cpu_ns = 50 * MS;
        sched_tick();
        assert_ptr_equal(turn_next(), &b);
        assert_int_equal(asked, 1);
        sched_decide(&a, 100ul * MS << 8 | PRIORITY_PROGRAM);
        sched_block(&b);
        assert_ptr_equal(turn_next(), rounds ? &c : &a);
    }
}

static void a_realtime_thread_that_has_sunk_is_as_others(void **state)
{
    (void)state;
    sched_ready(&c);
    sched_ready(realtime(&a, 5, false));
    assert_ptr_equal(turn_next(), &a);
    sched_policy = POLICY;
    a.cpu_ns = 50 * MS;
    c.quantum_end = 10 * MS;
    sched_tick();
    assert_ptr_equal(turn_next(), &c);
    thread(&b, &program_task, PRIORITY_LAST)->quantum_end = 10 * MS;
    sched_ready(&b);
    sched_decide(&a, 5ul * MS << 8 | PRIORITY_LAST);
    sched_tick();
    assert_ptr_equal(turn_next(), &c);
    sched_block(&c);
    assert_ptr_equal(turn_next(), &b);
    sched_set(&a, PRIORITY_PROGRAM, 2 * MS);
    sched_tick();
    assert_ptr_equal(turn_next(), &a);
    sched_realtime(&a, 0, false);
    assert_int_equal(a.priority, program_task.priority);
}

static void in_a_queue_it_is_moved_by_its_new_rank(void **state)
{
    (void)state;
    sched_ready(&s);
    sched_ready(&c), sched_ready(&b);
    sched_realtime(&c, 3, false);
    sched_realtime(&b, 4, false);
    sched_realtime(&c, 5, true);
    sched_block(&s);
    assert_ptr_equal(turn_next(), &c);
    sched_remove(&b);
    sched_block(&c);
    assert_int_equal(sched_mask, 0);
    assert_int_equal(sched_limit, PRIORITIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_ready_thread_runs, fresh),
        cmocka_unit_test_setup(realtime_threads_run_by_rank_and_before_all_others, fresh),
        cmocka_unit_test_setup(who_is_no_realtime_thread_does_not_pass_one, fresh),
        cmocka_unit_test_setup(a_realtime_thread_keeps_its_place_until_it_waits, fresh),
        cmocka_unit_test_setup(with_a_used_up_quantum_some_take_turns, fresh),
        cmocka_unit_test_setup(a_realtime_thread_that_has_sunk_is_as_others, fresh),
        cmocka_unit_test_setup(in_a_queue_it_is_moved_by_its_new_rank, fresh),
        cmocka_unit_test_setup(a_better_one_preempts_and_the_other_goes_on_after, fresh),
        cmocka_unit_test_setup(the_worse_wait_for_the_better, fresh),
        cmocka_unit_test_setup(equals_take_turns_at_the_tick, fresh),
        cmocka_unit_test_setup(a_tick_in_a_server_ends_its_callers_quantum, fresh),
        cmocka_unit_test_setup(yield_lets_an_equal_run, fresh),
        cmocka_unit_test_setup(a_tick_that_comes_early_changes_nothing, fresh),
        cmocka_unit_test_setup(whoever_is_alone_needs_no_quantum, fresh),
        cmocka_unit_test_setup(a_used_up_quantum_is_a_call_to_the_policy, fresh),
        cmocka_unit_test_setup(nonsense_from_the_policy_is_as_none, fresh),
        cmocka_unit_test_setup(without_the_policy_equals_take_turns, fresh),
        cmocka_unit_test_setup(a_thrown_call_is_made_again_at_its_turn, fresh),
        cmocka_unit_test_setup(whoever_comes_back_with_something_left_goes_to_the_front, fresh),
        cmocka_unit_test_setup(new_ones_run_in_the_order_in_which_they_were_made, fresh),
        cmocka_unit_test_setup(a_signal_is_delivered_when_it_is_its_turn, fresh),
        cmocka_unit_test_setup(a_new_thread_begins_where_its_creator_is, fresh),
        cmocka_unit_test_setup(one_in_a_queue_is_moved_to_its_new_place, fresh),
        cmocka_unit_test_setup(of_a_services_threads_one_runs, fresh),
        cmocka_unit_test_setup(a_free_monitor_takes_the_next_message, fresh),
        cmocka_unit_test_setup(a_thread_can_be_taken_out_of_any_queue, fresh),
        cmocka_unit_test_setup(long_work_goes_on_while_its_program_has_a_quantum, fresh),
        cmocka_unit_test_setup(long_work_lets_others_run_when_that_is_used_up, fresh),
        cmocka_unit_test_setup(long_work_lets_the_next_message_and_other_services_go_first, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
