/* The partition table: which entries of a master boot record are accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blk.h"

static uint8_t sector[SECTOR];
static struct partition p[BLK_PARTITIONS];

static void entry(int n, uint8_t type, uint32_t first, uint32_t count)
{
    uint8_t *e = sector + 446 + 16 * n;
    e[4] = type;
    for (int i = 0; i < 4; i++) {
        e[8 + i] = first >> 8 * i;
        e[12 + i] = count >> 8 * i;
    }
}

static int set_up(void **state)
{
    (void)state;
    memset(sector, 0, sizeof sector);
    memset(p, 0xff, sizeof p);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    return 0;
}

static void the_partitions_and_the_whole_disk(void **state)
{
    (void)state;
    entry(0, 0x0e, 2048, 65536);
    entry(1, 0x83, 67584, 131072);
    mbr_read(sector, 199584, p);
    assert_int_equal(p[0].first, 0);
    assert_int_equal(p[0].count, 199584);
    assert_int_equal(p[1].first, 2048);
    assert_int_equal(p[1].count, 65536);
    assert_int_equal(p[2].first, 67584);
    assert_int_equal(p[2].count, 131072);
    assert_int_equal(p[3].count, 0);
    assert_int_equal(p[4].count, 0);
}

static void without_the_signature_there_are_none(void **state)
{
    (void)state;
    entry(0, 0x83, 1, 10);
    sector[511] = 0;
    mbr_read(sector, 100, p);
    assert_int_equal(p[0].count, 100);
    assert_int_equal(p[1].count, 0);
}

static void a_partition_that_leaves_the_disk_is_not_there(void **state)
{
    (void)state;
    entry(0, 0x83, 50, 51);
    entry(1, 0x83, 0xffffffff, 0xffffffff);
    entry(2, 0x83, 50, 50);
    entry(3, 0, 10, 10);
    mbr_read(sector, 100, p);
    assert_int_equal(p[1].count, 0);
    assert_int_equal(p[2].count, 0);
    assert_int_equal(p[3].count, 50);
    assert_int_equal(p[4].count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup(f, set_up)
        T(the_partitions_and_the_whole_disk),
        T(without_the_signature_there_are_none),
        T(a_partition_that_leaves_the_disk_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
