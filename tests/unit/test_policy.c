/* The policy of scheduling, pm/sched/policy.c: multilevel feedback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../pm/sched/policy.h"

enum { MS = 1000000 };

static void who_uses_quanta_up_sinks_to_the_last_level_and_stays(void **state)
{
    (void)state;
    struct decision d = { PRIORITY_NORMAL, 5 * MS };
    for (unsigned wanted = PRIORITY_NORMAL + 1; wanted <= PRIORITY_LAST; wanted++) {
        uint64_t before = d.quantum;
        d = policy_expired(d.priority, PRIORITY_NORMAL, d.quantum);
        assert_int_equal(d.priority, wanted);
        assert_true(d.quantum > before);
    }
    struct decision last = d;
    d = policy_expired(d.priority, PRIORITY_NORMAL, d.quantum);
    assert_int_equal(d.priority, PRIORITY_LAST);
    assert_int_equal(d.quantum, last.quantum);
}

static void a_beginner_begins_at_the_base(void **state)
{
    (void)state;
    for (unsigned base = PRIORITY_PROGRAM; base < PRIORITY_LAST; base++) {
        struct decision d = policy_expired(base, base, 0);
        assert_int_equal(d.priority, base);
        assert_int_equal(d.quantum, 5 * MS);
    }
}

static void from_the_top_everybody_sinks_to_his_base(void **state)
{
    (void)state;
    for (unsigned base = POLICY_TOP + 1; base <= PRIORITY_LAST; base++)
        assert_int_equal(policy_expired(POLICY_TOP, base, 1 * MS).priority, base);
}

static void at_the_last_level_shares_go_by_nice_value(void **state)
{
    (void)state;
    assert_int_equal(policy_expired(PRIORITY_LAST, PRIORITY_LAST, 1).quantum, 8 * MS);
    assert_int_equal(policy_expired(PRIORITY_LAST, PRIORITY_NORMAL, 1).quantum, 32 * MS);
    assert_int_equal(policy_expired(PRIORITY_LAST, PRIORITY_PROGRAM, 1).quantum, 64 * MS);
}

static void every_answer_is_one_that_the_kernel_takes(void **state)
{
    (void)state;
    for (unsigned priority = PRIORITY_PROGRAM; priority <= PRIORITY_LAST; priority++)
        for (unsigned base = PRIORITY_PROGRAM; base <= PRIORITY_LAST; base++)
            for (unsigned quantum = 0; quantum < 2; quantum++) {
                struct decision d = policy_expired(priority, base, quantum);
                assert_in_range(d.priority, base, PRIORITY_LAST);
                /* who is next does not wait longer than this for any one */
                assert_in_range(d.quantum, QUANTUM_MIN, 100 * MS);
            }
}

static void realtime_threads_leave_a_part_of_each_second(void **state)
{
    (void)state;
    for (unsigned rounds = 0; rounds < 2; rounds++) {
        struct realtime r = { 0 };
        uint64_t now = 5000ul * MS, used = 0, began = now;
        struct decision d = policy_realtime(&r, rounds, 0, now);
        while (d.priority == POLICY_TOP) {
            assert_in_range(d.quantum, QUANTUM_MIN, 100 * MS);
            used += d.quantum;
            d = policy_realtime(&r, rounds, d.quantum, now += d.quantum);
        }
        assert_in_range(used, 850ul * MS, 950ul * MS);
        assert_int_equal(d.priority, PRIORITY_LAST);
        assert_in_range(d.quantum, QUANTUM_MIN, 10 * MS);
        d = policy_realtime(&r, rounds, d.quantum, began + 999ul * MS);
        assert_int_equal(d.priority, PRIORITY_LAST);
        d = policy_realtime(&r, rounds, d.quantum, began + 1000ul * MS);
        assert_int_equal(d.priority, POLICY_TOP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_uses_quanta_up_sinks_to_the_last_level_and_stays),
        cmocka_unit_test(a_beginner_begins_at_the_base),
        cmocka_unit_test(realtime_threads_leave_a_part_of_each_second),
        cmocka_unit_test(from_the_top_everybody_sinks_to_his_base),
        cmocka_unit_test(at_the_last_level_shares_go_by_nice_value),
        cmocka_unit_test(every_answer_is_one_that_the_kernel_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
