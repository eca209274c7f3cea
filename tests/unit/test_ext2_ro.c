/* The read-only ext2 server on images made by mke2fs: whole ones, forgotten ones and damaged ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fs_client.h"
#include "shell.h"

#include "cache.h"

#include <minnow/devices.h>

int getpid(void);

static char image[64];

static void make(unsigned block_size, const char *size)
{
    shell("rm -rf %s %s.d; mkdir -p %s.d/a/b %s.d/c; cd %s.d; for i in $(seq 200); do echo $i "
          ">a/some-name-$i; done; seq 50000 >c/numbers;"
          "ln -s x short; ln -s %0200d long; truncate -s 20M sparse; echo x >>sparse; "
          "PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext2 -b %u -d . %s %s",
          image, image, image, image, image, 7, block_size, image, size);
    fake_disk_load(0, image);
}

/* As fs_mount(), but the device's number tells which disk it is, as it does in the system. */
static struct fake_answer mount_disk(uint64_t flags)
{
    struct message m = { .op = FS_MOUNT, .w = { [3] = FAKE_DISK, 0, flags }, .position = DEV_HDA };
    return fake_call(fs_handlers[op_number(FS_MOUNT)], &m, NULL, 0);
}

static uint64_t find(uint64_t dir, const char *name)
{
    uint64_t object;
    assert_int_equal(fs_lookup(dir, name, &object, NULL), 0);
    return object;
}

static void every_request_names_all_that_is_needed(void **state)
{
    (void)state;
    for (unsigned block_size = 1024; block_size <= 4096; block_size *= 2) {
        make(block_size, "3M");
        assert_int_equal(mount_disk(0).result, -EROFS);
        uint64_t root = mount_disk(MS_RDONLY).r1, sparse = find(root, "sparse"),
                 numbers = find(find(root, "c"), "numbers");
        char text[300] = "";
        for (unsigned round = 0; round < 3; round++) {
            fs_unmount(root); /* the server forgets everything */
            assert_int_equal(fs_read(numbers, 288888, text, 6), 6);
            assert_memory_equal(text, "50000\n", 6);
            fs_unmount(root);
            assert_int_equal(fs_read(sparse, 20 << 20, text, 100), 2);
            assert_memory_equal(text, "x\n", 2);
            assert_int_equal(fs_read(sparse, 10 << 20, text, 100), 100);
            assert_int_equal(text[0] | memcmp(text, text + 1, 99), 0);
            fs_unmount(root);
            assert_int_equal(fs_readlink(find(root, "long"), text, sizeof(text)), 200);
            assert_int_equal(fs_readlink(find(root, "short"), text, sizeof(text)), 1);
            fs_unmount(root);
            assert_int_equal(fs_list(find(root, "a"), 300, NULL, NULL), 201);
        }
        /* another generation */
        assert_int_equal(fs_read(sparse ^ 1ull << 32, 0, text, 1), -ESTALE);
        assert_int_equal(fs_open(numbers, O_RDWR), -EROFS);
        assert_int_equal(fs_open(numbers, O_RDONLY | O_TRUNC), -EROFS);
    }
}

static void pages_are_pinned_until_they_are_given_back(void **state)
{
    (void)state;
    make(1024, "3M");
    uint64_t root = mount_disk(MS_RDONLY).r1, numbers = find(find(root, "c"), "numbers"), pages[64];
    /* 288894 bytes */
    assert_int_equal(fs_pages(numbers, 70 * PAGE_SIZE, pages, 64), 1);
    assert_memory_equal((char *)pages[0] + 288888 % PAGE_SIZE, "50000\n\0\0\0", 9);
    assert_int_equal(fs_pages(numbers, 0, pages + 1, 63), 63);
    assert_int_equal(cache_count().pinned, 64);
    assert_int_equal(fs_unpin(numbers, pages, 64, false), 0);
    assert_int_equal(cache_count().pinned, 0);
}

static void corrupt_disks_do_no_harm(void **state)
{
    (void)state;
    static uint8_t data[70000];
    static const char *const names[] = { "a",           "c",      "b",          "short",
                                         "long",        "sparse", "lost+found", "numbers",
                                         "some-name-7", "..",     "." };
    for (unsigned round = 0; round < 600; round++) {
        if (round % 200 == 0)
            make(1024 << round / 200, "3M");
        fake_disk_load(0, image);
        size_t size;
        uint8_t *disk = fake_disk(0, &size);
        srand(round);
        for (unsigned flips = 1 + rand() % 60; flips; flips--) {
            size_t at = round % 3 == 0 ? 1024 + (size_t)rand() % 300
                        : rand() % 4   ? (size_t)rand() % 120000
                                       : (size_t)rand() % size;
            disk[at] = rand() % 2 ? rand() : disk[at] ^ 1 << rand() % 8;
        }
        struct fake_answer a = mount_disk(MS_RDONLY);
        if (a.result)
            continue;
        uint64_t dir = a.r1, object, pages[8];
        for (unsigned k = 0; k < 100; k++) {
            uint32_t mode;
            struct stat s;
            if (rand() % 8 == 0)
                dir = a.r1;
            fs_list(dir, 300 + rand() % 4000, NULL, NULL);
            if (fs_lookup(dir, names[rand() % ARRAY_SIZE(names)], &object, &mode) ||
                fs_stat(object, &s))
                continue;
            fs_name_of(dir, object, (char *)data, NAME_MAX);
            fs_readlink(object, (char *)data, 1000);
            fs_read(object, rand() % 3 ? rand() % 400000 : s.size - MIN(s.size, 9), data,
                    sizeof(data));
            int64_t count = fs_pages(object, rand() % 400000 / PAGE_SIZE * PAGE_SIZE, pages, 8);
            if (count > 0)
                fs_unpin(object, pages, count, false);
            if (S_ISDIR(mode))
                dir = object;
        }
        struct statfs f;
        assert_int_equal(fs_statfs(a.r1, &f), 0);
        assert_int_equal(fs_unmount(a.r1), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_names_all_that_is_needed),
        cmocka_unit_test(pages_are_pinned_until_they_are_given_back),
        cmocka_unit_test(corrupt_disks_do_no_harm),
    };
    snprintf(image, sizeof(image), "/tmp/test_ext2_ro.%d", getpid());
    cache_init(200);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    shell("rm -rf %s*", image);
    return failed;
}
