/* The RAM file system, judged by the model that all file servers are judged by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fs_client.h"
#include "fs_model.h"

static uint64_t mount_tmpfs(const char *options)
{
    struct message m = { .op = FS_MOUNT };
    struct fake_answer a = fake_call(fs_handlers[op_number(FS_MOUNT)], &m, (char *)options,
                                     strlen(options));
    assert_int_equal(a.result, 0);
    return a.r1;
}

static void random_operations(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 10; k++) {
        uint64_t root = mount_tmpfs(k % 2 ? "size=1500k" : "");
        struct statfs before, after;
        fs_statfs(root, &before);
        fake_fault_rate = k % 3 ? 0 : 40;
        fs_model_run(root, &(struct fs_model_options){
                               .operations = 10000,
                               .seed = k,
                               .links = true,
                               .symlinks = true,
                               .attributes = true,
                               .full = k % 2,
                               .file_max = 600000,
                               .names = 60,
                               .clear = true,
                           });
        fake_fault_rate = 0;
        fs_statfs(root, &after);
        assert_int_equal(after.blocks - after.bfree - before.blocks + before.bfree, 0);
        assert_int_equal(after.ffree, before.ffree);
        assert_int_equal(fs_unmount(root), 0);
    }
}

static void sparse_files_take_little(void **state)
{
    (void)state;
    uint64_t root = mount_tmpfs(""), object;
    struct stat s;
    assert_int_equal(fs_create(root, "f", S_IFREG | 0600, &object), 0);
    assert_int_equal(fs_write(object, 5ull << 40, "hello", 5, 0), 5);
    fs_stat(object, &s);
    assert_int_equal(s.size, (5ull << 40) + 5);
    assert_true(s.blocks <= 8 * 6);
    char text[6] = "";
    assert_int_equal(fs_read(object, 5ull << 40, text, 5), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(fs_read(object, 1ull << 39, text, 5), 5);
    assert_memory_equal(text, "\0\0\0\0\0", 5);
    assert_int_equal(fs_write(object, 1ull << 60, "x", 1, 0), -EFBIG);
    assert_int_equal(fs_truncate(object, 0), 0);
    fs_stat(object, &s);
    assert_int_equal(s.blocks, 0);
    assert_int_equal(fs_unmount(root), 0);
}

/* Pages on both sides of the borders of the tree's inner pages are there until the file is cut
 * before them, and none is left behind. */
static void a_cut_takes_what_is_behind_it(void **state)
{
    (void)state;
    static const uint64_t pages[] = { 0, 1, 511, 512, 1023, 1 << 18, (1 << 18) + 511, 1ull << 27 };
    enum { PAGES = sizeof pages / sizeof pages[0] };
    uint64_t root = mount_tmpfs(""), object;
    struct statfs before, after;
    struct stat s;
    fs_statfs(root, &before);
    for (unsigned kept = 0; kept < PAGES; kept++) {
        assert_int_equal(fs_create(root, "f", S_IFREG | 0600, &object), 0);
        for (unsigned k = 0; k < PAGES; k++)
            assert_int_equal(fs_write(object, pages[k] << 12, "page", 4, 0), 4);
        for (unsigned k = PAGES; k-- > kept;) {
            assert_int_equal(fs_truncate(object, (pages[k] << 12) + 2), 0);
            fs_stat(object, &s);
            assert_int_equal(s.blocks, 8 * (k + 1));
            assert_int_equal(fs_truncate(object, pages[k] << 12), 0);
            fs_stat(object, &s);
            assert_int_equal(s.blocks, 8 * k);
        }
        char text[4];
        for (unsigned k = 0; k < kept; k++) {
            assert_int_equal(fs_read(object, pages[k] << 12, text, 4), 4);
            assert_memory_equal(text, "page", 4);
        }
        assert_int_equal(fs_unlink(root, "f", 0), 0);
        fs_statfs(root, &after);
        assert_int_equal(after.blocks - after.bfree, before.blocks - before.bfree);
    }
    assert_int_equal(fs_unmount(root), 0);
}

/* A write that finds no room for the page may have made some of the inner pages on the way. */
static void a_cut_takes_what_a_failed_write_made(void **state)
{
    (void)state;
    uint64_t root = mount_tmpfs("size=16k"), object;
    struct statfs s;
    assert_int_equal(fs_create(root, "f", S_IFREG | 0600, &object), 0);
    assert_int_equal(fs_write(object, 0, "page", 4, 0), 4);
    assert_int_equal(fs_write(object, 5ull << 40, "page", 4, 0), -ENOSPC);
    assert_int_equal(fs_truncate(object, 0), 0);
    fs_statfs(root, &s);
    assert_int_equal(s.bfree, 4);
    assert_int_equal(fs_unlink(root, "f", 0), 0);
    assert_int_equal(fs_unmount(root), 0);
}

static void a_mapped_page_is_not_given_away(void **state)
{
    (void)state;
    uint64_t root = mount_tmpfs(""), object, other, address;
    assert_int_equal(fs_create(root, "f", S_IFREG | 0600, &object), 0);
    assert_int_equal(fs_write(object, 0, "mapped", 6, 0), 6);
    assert_int_equal(fs_hold(object, 1, false), 0);
    assert_int_equal(fs_pages(object, 0, &address, 1), 1);
    assert_int_equal(fs_truncate(object, 0), 0);
    for (unsigned k = 0; k < 100; k++) {
        char name[10];
        snprintf(name, sizeof(name), "%u", k);
        assert_int_equal(fs_create(root, name, S_IFREG | 0600, &other), 0);
        assert_int_equal(fs_write(other, 0, "other", 5, 0), 5);
        uint64_t now;
        assert_int_equal(fs_pages(other, 0, &now, 1), 1);
        assert_true(now != address);
        assert_int_equal(fs_unpin(other, &now, 1, false), 0);
    }
    assert_int_equal(fs_unpin(object, &address, 1, true), 0);
    assert_int_equal(fs_unlink(root, "f", false), 0);
    assert_int_equal(fs_unmount(root), -EBUSY);
    assert_int_equal(fs_hold(object, -1, false), FS_HOLD_BACK);
    assert_int_equal(fs_unmount(root), 0);
}

static void mounts_are_apart(void **state)
{
    (void)state;
    uint64_t a = mount_tmpfs(""), b = mount_tmpfs("rw,size=1m"), object;
    assert_int_equal(fs_create(a, "f", S_IFREG | 0600, &object), 0);
    assert_int_equal(fs_lookup(b, "f", &object, NULL), -ENOENT);
    assert_int_equal(fs_lookup(a, "f", &object, NULL), 0);
    assert_int_equal(fs_rename(a, "f", b, "f", 0), -EXDEV);
    assert_int_equal(fs_link(b, "f", object), -EXDEV);
    assert_int_equal(fs_create(b, "d", S_IFDIR | 0700, &object), 0);
    assert_int_equal(fs_create(object, "f", S_IFREG | 0700, &object), 0);
    assert_int_equal(fs_unmount(b), 0);
    assert_int_equal(fs_lookup(b, "f", &object, NULL), -ESTALE);
    assert_int_equal(fs_unmount(a), 0);
}

static void listing_goes_on_while_names_go(void **state)
{
    (void)state;
    uint64_t root = mount_tmpfs(""), object;
    char name[10], buffer[512];
    for (unsigned k = 0; k < 1000; k++) {
        snprintf(name, sizeof(name), "n%u", k);
        assert_int_equal(fs_create(root, name, S_IFREG | 0600, &object), 0);
    }
    struct message m = { .op = FS_DENTS, .object = root };
    unsigned removed = 0;
    for (;;) {
        struct fake_answer a = fake_call(fs_handlers[op_number(FS_DENTS)], &m, buffer,
                                         sizeof(buffer));
        assert_true(a.result >= 0);
        if (a.result == 0)
            break;
        for (int64_t at = 0; at < a.result;) {
            struct dirent64 *e = (struct dirent64 *)(buffer + at);
            at += e->reclen;
            if (e->name[0] == '.')
                continue;
            assert_int_equal(fs_unlink(root, e->name, false), 0);
            removed++;
        }
        m.position = a.position;
    }
    assert_int_equal(removed, 1000);
    assert_int_equal(fs_unmount(root), 0);
}

/* Whether a, of which every third was removed, and b have these many of their names. */
static void check_names(uint64_t a, uint64_t b, unsigned count)
{
    uint64_t object;
    char name[12];
    for (unsigned k = 0; k < count; k++) {
        snprintf(name, sizeof(name), "n%u", k);
        assert_int_equal(fs_lookup(a, name, &object, NULL), k % 3 ? 0 : -ENOENT);
        assert_int_equal(fs_lookup(b, name, &object, NULL), 0);
    }
    snprintf(name, sizeof(name), "n%u", count);
    assert_int_equal(fs_lookup(b, name, &object, NULL), -ENOENT);
}

/* The hash table grows from 512 buckets on, while names come and go in two directories; then it
 * has no memory to grow. */
static void names_are_found_while_the_table_grows(void **state)
{
    (void)state;
    enum { NAMES = 3500, MORE = 4000 };
    uint64_t root = mount_tmpfs(""), a, b, object;
    char name[12];
    assert_int_equal(fs_create(root, "a", S_IFDIR | 0700, &a), 0);
    assert_int_equal(fs_create(root, "b", S_IFDIR | 0700, &b), 0);
    assert_int_equal(fs_create(root, "f", S_IFREG | 0600, &object), 0);
    size_t budget = fake_budget;
    for (unsigned k = 0; k < MORE; k++) {
        snprintf(name, sizeof(name), "n%u", k);
        if (k == NAMES)
            budget = fake_budget;
        if (k >= NAMES)
            fake_budget = PAGE_SIZE - 1;
        assert_int_equal(fs_link(a, name, object), 0);
        assert_int_equal(fs_link(b, name, object), 0);
        if (k % 3 == 0)
            assert_int_equal(fs_unlink(a, name, false), 0);
        if (k % 500 == 0)
            check_names(a, b, k + 1);
    }
    fake_budget = budget;
    check_names(a, b, MORE);
    assert_int_equal(fs_unmount(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(sparse_files_take_little),
        cmocka_unit_test(a_cut_takes_what_is_behind_it),
        cmocka_unit_test(a_cut_takes_what_a_failed_write_made),
        cmocka_unit_test(a_mapped_page_is_not_given_away),
        cmocka_unit_test(mounts_are_apart),
        cmocka_unit_test(listing_goes_on_while_names_go),
        cmocka_unit_test(names_are_found_while_the_table_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
