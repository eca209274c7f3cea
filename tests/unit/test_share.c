/* Shares: how much one user may hold, how much only root may, and that all is given back. */
#include "share.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define TAKE(user, n) share_take(&s, user, n, -ENFILE)

static void one_user_gets_his_part(void **unused)
{
    (void)unused;
    struct share s = SHARE(100, 10, 50);
    assert_int_equal(TAKE(1000, 50), 0);
    assert_int_equal(TAKE(1000, 1), -ENFILE);
    assert_int_equal(share_held(&s, 1000), 50);
    assert_int_equal(TAKE(1001, 41), -ENFILE);
    assert_int_equal(TAKE(1001, 40), 0);
    assert_int_equal(TAKE(1002, 1), -ENFILE);
}

static void the_reserve_is_roots(void **unused)
{
    (void)unused;
    struct share s = SHARE(100, 10, 100);
    assert_int_equal(TAKE(1000, 90), 0);
    assert_int_equal(TAKE(1000, 1), -ENFILE);
    assert_int_equal(TAKE(0, 10), 0);
    assert_int_equal(TAKE(0, 1), -ENFILE);
    share_give(&s, 1000, 90);
    assert_int_equal(TAKE(1000, 81), -ENFILE);
    assert_int_equal(TAKE(1000, 80), 0);
    assert_int_equal(TAKE(0, 10), 0);
    assert_int_equal(s.taken, 100);
}

static void root_may_have_everything(void **unused)
{
    (void)unused;
    struct share s = SHARE(100, 10, 50);
    assert_int_equal(TAKE(0, 100), 0);
    assert_int_equal(TAKE(0, 1), -ENFILE);
    assert_int_equal(TAKE(1000, 1), -ENFILE);
    assert_int_equal(share_held(&s, 0), 100);
    share_give(&s, 0, 100);
    assert_int_equal(s.taken, 0);
}

static void nothing_wraps(void **unused)
{
    (void)unused;
    struct share s = SHARE(UINT32_MAX, 10, UINT32_MAX);
    assert_int_equal(TAKE(1000, UINT32_MAX), -ENFILE);
    assert_int_equal(TAKE(1000, UINT32_MAX - 10), 0);
    assert_int_equal(TAKE(1000, UINT32_MAX), -ENFILE);
    assert_int_equal(TAKE(0, UINT32_MAX), -ENFILE);
    assert_int_equal(TAKE(0, 10), 0);
    assert_int_equal(s.taken, UINT32_MAX);
}

static void a_resource_limit_counts_as_well(void **unused)
{
    (void)unused;
    struct share s = SHARE(100, 10, 50);
    assert_int_equal(share_take_limited(&s, 1000, 3, 2, -EAGAIN), -EAGAIN);
    assert_int_equal(share_take_limited(&s, 1000, 2, 2, -EAGAIN), 0);
    assert_int_equal(share_take_limited(&s, 1000, 1, 2, -EAGAIN), -EAGAIN);
    assert_int_equal(share_take_limited(&s, 1000, 1, 0, -EAGAIN), -EAGAIN);
    assert_int_equal(share_take_limited(&s, 1000, 48, UINT64_MAX, -EAGAIN), 0);
    assert_int_equal(share_take_limited(&s, 1000, 1, UINT64_MAX, -EAGAIN), -EAGAIN);
    assert_int_equal(share_take_limited(&s, 0, 10, 9, -EAGAIN), -EAGAIN);
    assert_int_equal(share_take_limited(&s, 0, 10, 10, -EAGAIN), 0);
}

static void more_users_than_places_are_refused(void **unused)
{
    (void)unused;
    struct share s = SHARE(1000, 10, 5);
    for (uint32_t u = 1; u <= SHARE_USERS; u++)
        assert_int_equal(TAKE(u, 1), 0);
    assert_int_equal(TAKE(5000, 1), -ENFILE);
    assert_int_equal(s.taken, SHARE_USERS);
    share_give(&s, 7, 1);
    assert_int_equal(TAKE(5000, 1), 0);
    assert_int_equal(TAKE(7, 1), -ENFILE);
    assert_int_equal(TAKE(8, 4), 0);
    assert_int_equal(TAKE(8, 1), -ENFILE);
}

/* A thousand random steps against a plain array of counts. */
static void taking_and_giving_agree_with_a_model(void **unused)
{
    (void)unused;
    enum { USERS = 40 };
    struct share s = SHARE(300, 30, 60);
    uint32_t model[USERS] = { 0 }, sum = 0;
    srand(1);
    for (unsigned step = 0; step < 20000; step++) {
        uint32_t user = rand() % USERS, n = rand() % 20;
        if (rand() % 2) {
            bool may = sum + n + (user ? 30 : 0) <= 300 && (!user || model[user] + n <= 60);
            may = may || (!n && sum <= 300);
            assert_int_equal(TAKE(user, n), may ? 0 : -ENFILE);
            model[user] += may ? n : 0, sum += may ? n : 0;
        } else if (n <= model[user]) {
            share_give(&s, user, n);
            model[user] -= n, sum -= n;
        }
        assert_int_equal(s.taken, sum);
        assert_int_equal(share_held(&s, user), model[user]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_user_gets_his_part),
        cmocka_unit_test(the_reserve_is_roots),
        cmocka_unit_test(root_may_have_everything),
        cmocka_unit_test(nothing_wraps),
        cmocka_unit_test(a_resource_limit_counts_as_well),
        cmocka_unit_test(more_users_than_places_are_refused),
        cmocka_unit_test(taking_and_giving_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
