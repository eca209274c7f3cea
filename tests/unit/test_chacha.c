/* The random generator: the cipher's published test vector, and that bytes that were given out
 * cannot be found in its state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../drivers/mem/random.h"

/* RFC 8439, section 2.3.2. */
static void the_block_is_that_of_the_rfc(void **state)
{
    (void)state;
    static const uint8_t expected[CHACHA_BLOCK] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
    };
    uint8_t key[CHACHA_KEY], out[CHACHA_BLOCK];
    uint32_t words[8];
    for (int i = 0; i < CHACHA_KEY; i++)
        key[i] = i;
    memcpy(words, key, sizeof key);
    chacha20_block(words, 1, (uint32_t[]){ 0x09000000, 0x4a000000, 0 }, out);
    assert_memory_equal(out, expected, sizeof expected);
}

static bool contains(const void *where, size_t size, const void *what, size_t n)
{
    for (size_t i = 0; i + n <= size; i++)
        if (memcmp((const char *)where + i, what, n) == 0)
            return true;
    return false;
}

static void what_was_given_out_is_forgotten(void **state)
{
    (void)state;
    struct random r = { 0 };
    random_seed(&r);
    for (int i = 0; i < 200; i++) {
        uint8_t bytes[16], zero[16] = { 0 };
        random_bytes(&r, bytes, sizeof bytes);
        assert_memory_not_equal(bytes, zero, sizeof bytes);
        assert_false(contains(&r, sizeof r, bytes, sizeof bytes));
    }
}

static void any_length_comes_from_one_stream(void **state)
{
    (void)state;
    struct random a = { 0 }, b = { 0 };
    uint8_t whole[3000], parts[3000];
    random_mix(&a, "seed", 4);
    random_mix(&b, "seed", 4);
    random_bytes(&a, whole, sizeof whole);
    for (size_t at = 0, n = 1; at < sizeof parts; at += n, n = n * 3 % 701 + 1) {
        if (n > sizeof parts - at)
            n = sizeof parts - at;
        random_bytes(&b, parts + at, n);
    }
    assert_memory_equal(whole, parts, sizeof whole);
}

static void seeds_make_a_difference(void **state)
{
    (void)state;
    struct random a = { 0 }, b = { 0 };
    uint8_t x[32], y[32];
    random_mix(&a, "seed", 4);
    random_mix(&b, "seee", 4);
    random_bytes(&a, x, sizeof x);
    random_bytes(&b, y, sizeof y);
    assert_memory_not_equal(x, y, sizeof x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_block_is_that_of_the_rfc),
        cmocka_unit_test(what_was_given_out_is_forgotten),
        cmocka_unit_test(any_length_comes_from_one_stream),
        cmocka_unit_test(seeds_make_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
