/* Paths as text: components, slashes, links put into the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <minnow/errno.h>
#include <minnow/file.h>

#include "../../vfs/path.h"

static void expect(const char *path, const char *name, const char *rest, bool last, bool slash)
{
    struct component c;
    assert_int_equal(path_component(path, &c), 1);
    assert_int_equal(c.length, strlen(name));
    assert_memory_equal(c.name, name, c.length);
    assert_string_equal(c.rest, rest);
    assert_int_equal(c.last, last);
    assert_int_equal(c.slash, slash);
    assert_int_equal(c.hash, path_hash(name, c.length));
}

static void components_are_split_at_slashes(void **state)
{
    (void)state;
    expect("a", "a", "", true, false);
    expect("/usr/bin", "usr", "/bin", false, true);
    expect("//usr//bin", "usr", "//bin", false, true);
    expect("bin/", "bin", "/", true, true);
    expect("bin///", "bin", "///", true, true);
    expect("...", "...", "", true, false);
}

static void nothing_but_slashes_has_no_component(void **state)
{
    struct component c;
    (void)state;
    assert_int_equal(path_component("", &c), 0);
    assert_int_equal(path_component("/", &c), 0);
    assert_int_equal(path_component("///", &c), 0);
}

static void names_end_at_255_bytes(void **state)
{
    char path[NAME_MAX + 3];
    struct component c;
    (void)state;
    memset(path, 'x', sizeof path);
    path[NAME_MAX] = 0;
    assert_int_equal(path_component(path, &c), 1);
    path[NAME_MAX] = 'x';
    path[NAME_MAX + 1] = 0;
    assert_int_equal(path_component(path, &c), -ENAMETOOLONG);
}

static void dots_are_told_from_names(void **state)
{
    struct component c;
    (void)state;
    path_component("./x", &c);
    assert_true(path_is_dot(&c));
    assert_false(path_is_dotdot(&c));
    path_component("../", &c);
    assert_true(path_is_dotdot(&c));
    path_component(".x", &c);
    assert_false(path_is_dot(&c) || path_is_dotdot(&c));
}

static void a_target_is_put_before_the_rest(void **state)
{
    char buffer[16];
    (void)state;
    memcpy(buffer, "abc", 3);
    strcpy(buffer + 8, "/rest");
    assert_string_equal(path_insert(buffer, buffer + 8, 3), "abc/rest");
    memcpy(buffer, "abcdefg", 7); /* overlapping */
    strcpy(buffer + 8, "/rest");
    assert_string_equal(path_insert(buffer, buffer + 8, 7), "abcdefg/rest");
    assert_null(path_insert(buffer, buffer + 8, 8)); /* it may have been cut */
}

static void paths_are_built_from_their_end(void **state)
{
    char buffer[10], *at = buffer + 9;
    (void)state;
    *at = 0;
    at = path_prepend(buffer, at, "bin", 3);
    assert_string_equal(at, "/bin");
    at = path_prepend(buffer, at, "usr", 3);
    assert_string_equal(at, "/usr/bin");
    assert_null(path_prepend(buffer, at, "x", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(components_are_split_at_slashes),
        cmocka_unit_test(nothing_but_slashes_has_no_component),
        cmocka_unit_test(names_end_at_255_bytes),
        cmocka_unit_test(dots_are_told_from_names),
        cmocka_unit_test(a_target_is_put_before_the_rest),
        cmocka_unit_test(paths_are_built_from_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
