/* The policy of the service manager, pm/rs/policy.c: what counts as hung, what a death leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../pm/rs/policy.h"

static struct policy_record r;

static int fresh(void **state)
{
    (void)state;
    memset(&r, 0, sizeof r);
    return 0;
}

/* ---- looks ---- */

static const struct look spinning = { .at = 7, .next = true, .patience_ms = 180 };
static const struct look asleep = { .messages = 5, .owes = 99, .patience_ms = 180 };

/* How many looks until one finds a hang, which it returns in *found; 0: none of a thousand does. */
static unsigned looks_until_hang(const struct look *l, enum health *found)
{
    for (unsigned n = 1; n <= 1000; n++)
        if ((*found = policy_look(&r, l)) != HEALTH_WELL)
            return n;
    return 0;
}

static void who_spins_is_found_by_the_fourth_look(void **state)
{
    (void)state;
    enum health found;
    assert_int_equal(looks_until_hang(&spinning, &found), 4);
    assert_int_equal(found, HEALTH_SPINS);
}

static void who_gets_on_is_well(void **state)
{
    (void)state;
    for (uint64_t at = 1; at < 100; at++) {
        struct look l = { .at = at / 3 + 1, .next = true };
        assert_int_equal(policy_look(&r, &l), HEALTH_WELL);
    }
}

static void who_does_not_get_the_processor_is_not_judged(void **state)
{
    (void)state;
    struct look without = spinning;
    without.next = false;
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(policy_look(&r, &spinning), HEALTH_WELL);
    for (unsigned n = 0; n < 100; n++)
        assert_int_equal(policy_look(&r, &without), HEALTH_WELL);
    assert_int_equal(policy_look(&r, &spinning), HEALTH_SPINS); /* and nothing was forgotten */
}

static void who_is_at_rest_is_well(void **state)
{
    (void)state;
    struct look l = { .messages = 5 };
    enum health found;
    assert_int_equal(looks_until_hang(&l, &found), 0);
}

static void who_owes_an_answer_has_its_patience_rounded_up(void **state)
{
    (void)state;
    static const struct {
        unsigned ms, looks;
    } of[] = { { 180, 4 }, { 181, 5 }, { 60, 2 }, { 1, 2 }, { 600, 11 }, { UINT32_MAX, 0 } };
    for (unsigned i = 0; i < sizeof of / sizeof of[0]; i++) {
        enum health found;
        struct look l = asleep;
        l.patience_ms = of[i].ms;
        fresh(NULL);
        assert_int_equal(looks_until_hang(&l, &found), of[i].looks);
        assert_int_equal(found, of[i].looks ? HEALTH_SLEEPS_FAILING : HEALTH_WELL);
    }
}

static void who_receives_something_or_owes_another_call_does_something(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 100; n++) {
        struct look l = asleep;
        l.messages += n / 2;
        l.owes += n / 3;
        assert_int_equal(policy_look(&r, &l), HEALTH_WELL);
    }
}

static void the_patience_with_who_keeps_nothing_doubles_until_it_rests(void **state)
{
    (void)state;
    struct look l = asleep, rest = { .messages = 6 };
    enum health found;
    l.afresh = true;
    unsigned wanted = 3;
    for (unsigned n = 0; n < 10; n++) {
        struct death d = { .crash = CRASH_HUNG, .afresh = true, .ready = true };
        assert_int_equal(looks_until_hang(&l, &found), wanted + !n);
        assert_int_equal(found, HEALTH_SLEEPS);
        d.now = 1 + n * 100000ul * MS;
        policy_death(&r, &d);
        if (wanted < 3 << 7)
            wanted *= 2;
    }
    policy_look(&r, &rest);
    assert_int_equal(looks_until_hang(&l, &found), 4);
}

static void looks_are_counted_anew_after_a_start(void **state)
{
    (void)state;
    enum health found;
    for (unsigned n = 0; n < 3; n++)
        policy_look(&r, &spinning);
    policy_starts(&r);
    assert_int_equal(looks_until_hang(&spinning, &found), 3);
}

/* ---- deaths ---- */

/* A death of a service that keeps state, far from any other. */
static struct death after(unsigned seconds, uint64_t at)
{
    return (struct death){
        .now = 1000ul * MS * (10 + seconds), .crash = CRASH_FAULT, .at = at, .ready = true
    };
}

static enum way die(const struct death *d)
{
    assert_int_equal(policy_death(&r, d).fate, FATE_RETURNS);
    return policy_return(&r, d);
}

static void the_same_end_makes_the_request_fail_and_then_the_state_is_lost(void **state)
{
    (void)state;
    static const enum way wanted[] = { WAY_AGAIN, WAY_FAILING, WAY_FAILING, WAY_NONE };
    for (unsigned n = 0; n < 4; n++) {
        struct death d = after(2 * n, 7);
        assert_int_equal(die(&d), wanted[n]);
    }
}

static void who_has_got_further_begins_to_be_counted_anew(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 20; n++) {
        struct death d = after(2 * n, 7 + n);
        assert_int_equal(die(&d), WAY_AGAIN);
    }
}

static void where_nothing_ran_nothing_is_counted(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 20; n++) {
        struct death d = after(2 * n, 0);
        assert_int_equal(die(&d), WAY_AGAIN);
    }
}

static void the_first_hang_of_a_row_is_not_counted(void **state)
{
    (void)state;
    static const enum way wanted[] = { WAY_AGAIN, WAY_AGAIN, WAY_FAILING, WAY_FAILING };
    for (unsigned n = 0; n < 4; n++) {
        struct death d = after(0, 7);
        d.crash = CRASH_HUNG;
        assert_int_equal(die(&d), wanted[n]);
    }
}

static void kills_by_command_are_nobodys_fault(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 50; n++) {
        struct death d = after(0, 7);
        d.crash = CRASH_KILLED;
        assert_int_equal(die(&d), WAY_AGAIN);
    }
}

static void what_cannot_be_rolled_back_is_lost(void **state)
{
    (void)state;
    struct death d = after(0, 7);
    d.crash = CRASH_UNRECOVERABLE;
    assert_int_equal(die(&d), WAY_NONE);
    d.ready = false; /* but it has no state yet */
    assert_int_equal(die(&d), WAY_AFRESH);
    d.ready = d.afresh = true;
    assert_int_equal(die(&d), WAY_AFRESH);
}

static void of_who_keeps_nothing_a_request_fails_that_kills_twice_running(void **state)
{
    (void)state;
    static const struct {
        uint64_t op;
        bool fails;
    } of[] = { { 1, 0 }, { 2, 0 }, { 1, 0 }, { 1, 1 }, { 1, 0 }, { 1, 1 }, { 2, 0 }, { 2, 1 } };
    for (unsigned i = 0; i < sizeof of / sizeof of[0]; i++) {
        struct death d = after(2 * i, 7 + i), other = d;
        d.afresh = d.serving = true;
        d.request = (struct request){ .op = of[i].op, .object = 3, .thread = 4 };
        struct verdict v = policy_death(&r, &d);
        assert_int_equal(v.fate, FATE_RETURNS);
        assert_int_equal(v.fails, of[i].fails);
        assert_int_equal(policy_return(&r, &d), WAY_AFRESH);
        other.now += 1;
        other.afresh = true; /* of no request: that is none between the two */
        assert_int_equal(policy_death(&r, &other).fails, false);
    }
}

static void any_difference_makes_another_request(void **state)
{
    (void)state;
    struct death d = after(0, 7);
    d.afresh = d.serving = true;
    d.request = (struct request){ 1, 2, 3, 4, 5 };
    for (unsigned i = 0; i < 5; i++) {
        uint64_t *words[] = { &d.request.op, &d.request.object, &d.request.position,
                              &d.request.word };
        d.now += 5000ul * MS;
        if (i < 4)
            ++*words[i];
        else
            d.request.thread++;
        assert_false(policy_death(&r, &d).fails);
    }
    d.now += 5000ul * MS;
    assert_true(policy_death(&r, &d).fails);
}

/* The wait after the nth death of a row, in ms. */
static unsigned wait_after(unsigned n)
{
    unsigned twice = n <= 4 ? 0 : n - 4 < 7 ? n - 4 : 7;
    return twice ? 20 << twice : 0;
}

static void a_row_of_deaths_puts_off_the_next_start_longer_each_time(void **state)
{
    (void)state;
    struct death d = after(0, 7);
    for (unsigned n = 1; n <= 20; n++) {
        struct verdict v = policy_death(&r, &d);
        assert_int_equal(v.fate, wait_after(n) ? FATE_WAITS : FATE_RETURNS);
        if (wait_after(n))
            assert_int_equal(v.retry, d.now + (uint64_t)wait_after(n) * MS);
        d.now += (wait_after(n) + 999ul) * MS; /* the wait itself is no time of quiet */
        d.at++;
    }
    d.now += MS; /* a whole second after it has come back the last time */
    assert_int_equal(policy_death(&r, &d).fate, FATE_RETURNS);
}

static void who_starts_before_its_time_stands_in_the_row(void **state)
{
    (void)state;
    struct death d = after(0, 7);
    for (unsigned n = 1; n <= 9; n++)
        policy_death(&r, &d);
    d.now += MS;
    assert_int_equal(policy_death(&r, &d).retry, d.now + (uint64_t)wait_after(10) * MS);
}

static void who_starts_by_command_begins_a_new_row(void **state)
{
    (void)state;
    struct death d = after(0, 7);
    for (unsigned n = 0; n < 4; n++)
        policy_death(&r, &d);
    policy_forgives(&r);
    assert_int_equal(policy_death(&r, &d).fate, FATE_RETURNS);
}

static void who_never_comes_up_is_given_up(void **state)
{
    (void)state;
    struct death d = after(0, 7);
    d.ready = false;
    for (unsigned n = 1; n <= 12; n++) {
        assert_int_not_equal(policy_death(&r, &d).fate, FATE_GIVEN_UP);
        assert_int_equal(policy_return(&r, &d), WAY_AFRESH);
    }
    struct policy_record then = r;
    assert_int_equal(policy_death(&r, &d).fate, FATE_GIVEN_UP);
    r = then;
    d.ready = true;
    assert_int_equal(policy_death(&r, &d).fate, FATE_WAITS);
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_spins_is_found_by_the_fourth_look),
        TEST(who_gets_on_is_well),
        TEST(who_does_not_get_the_processor_is_not_judged),
        TEST(who_is_at_rest_is_well),
        TEST(who_owes_an_answer_has_its_patience_rounded_up),
        TEST(who_receives_something_or_owes_another_call_does_something),
        TEST(the_patience_with_who_keeps_nothing_doubles_until_it_rests),
        TEST(looks_are_counted_anew_after_a_start),
        TEST(the_same_end_makes_the_request_fail_and_then_the_state_is_lost),
        TEST(who_has_got_further_begins_to_be_counted_anew),
        TEST(where_nothing_ran_nothing_is_counted),
        TEST(the_first_hang_of_a_row_is_not_counted),
        TEST(kills_by_command_are_nobodys_fault),
        TEST(what_cannot_be_rolled_back_is_lost),
        TEST(of_who_keeps_nothing_a_request_fails_that_kills_twice_running),
        TEST(any_difference_makes_another_request),
        TEST(a_row_of_deaths_puts_off_the_next_start_longer_each_time),
        TEST(who_starts_before_its_time_stands_in_the_row),
        TEST(who_starts_by_command_begins_a_new_row),
        TEST(who_never_comes_up_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
