/* The ext2 server on images made by mke2fs, judged by a model and by e2fsck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fs_client.h"
#include "fs_model.h"
#include "shell.h"

#include "cache.h"

int getpid(void);
#define EXPECT_OK(x) ((x) == 0 ? (void)0 : die("%s:%d: %s failed", __FILE__, __LINE__, #x))

void mount_flush(uint64_t bits);

static char image[64];

static uint64_t make_and_mount(const char *mke2fs_options, const char *size)
{
    shell("rm -f %s; PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext2 %s %s %s", image,
          mke2fs_options, image, size);
    fake_disk_load(0, image);
    struct fake_answer a = fs_mount(0, 0);
    assert_int_equal(a.result, 0);
    return a.r1;
}

static void check_image(void)
{
    fake_disk_save(0, image);
    shell("PATH=$PATH:/usr/sbin:/sbin e2fsck -fn %s >%s.log 2>&1 || { cat %s.log; false; }", image,
          image, image);
}

static uint64_t mount_again(void)
{
    struct fake_answer a = fs_mount(0, 0);
    assert_int_equal(a.result, 0);
    return a.r1;
}

/* ---- Random operations ---- */

static void random_run(const char *mke2fs_options, const char *size,
                       const struct fs_model_options *o)
{
    uint64_t root = make_and_mount(mke2fs_options, size);
    assert_int_equal(fs_unlink(root, "lost+found", true), 0);
    struct statfs before, after;
    fs_statfs(root, &before);
    fs_model_run(root, o);
    fs_statfs(root, &after);
    assert_int_equal(fs_unmount(root), 0);
    check_image();
    root = mount_again();
    if (o->clear) {
        assert_int_equal(after.ffree, before.ffree);
        assert_true(after.bfree + 16 >= before.bfree); /* the root directory has grown */
    } else {
        fs_model_compare(root);
    }
    assert_int_equal(fs_unmount(root), 0);
}

static const struct fs_model_options usual = {
    .operations = 6000,
    .links = true,
    .symlinks = true,
    .attributes = true,
    .file_max = 600000,
    .names = 60,
    .sync_rate = 100,
};

static void random_operations_leave_a_clean_disk(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "-b 1024 -I 128",
        "-b 1024 -I 256",
        "-b 2048",
        "-b 4096",
        "-b 4096 -I 128 -O ^dir_index",
        "-r 0 -b 1024 -O none",
        "-b 1024 -g 1024",
        "-b 4096 -O ^filetype",
    };
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct fs_model_options o = usual;
        o.seed = 100 + k;
        o.clear = k % 3 == 2;
        fake_fault_rate = k % 2 ? 50 : 0;
        random_run(kinds[k], "40M", &o);
    }
    fake_fault_rate = 0;
}

static void a_full_disk_leaks_nothing(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 6; k++) {
        struct fs_model_options o = usual;
        o.seed = 200 + k;
        o.full = true;
        o.clear = k % 2;
        o.file_max = 400000;
        random_run(k % 3 ? "-b 1024 -N 200" : "-b 4096 -N 64", k % 3 ? "700K" : "1200K", &o);
    }
}

static void a_small_cache_is_enough(void **state)
{
    (void)state;
    struct fs_model_options o = usual;
    o.seed = 300;
    o.operations = 4000;
    random_run("-b 1024", "40M", &o);
}

/* ---- Particular things ---- */

static void large_sparse_files(void **state)
{
    (void)state;
    static const char *const kinds[] = { "-b 4096", "-b 1024" };
    for (unsigned k = 0; k < 2; k++) {
        uint64_t root = make_and_mount(kinds[k], "20M"), object;
        struct statfs before, after;
        fs_statfs(root, &before);
        assert_int_equal(fs_create(root, "big", S_IFREG | 0644, &object), 0);
        uint64_t places[] = { 0, 50000, 5ull << 20, 300ull << 20, 5ull << 30, 15ull << 30 };
        for (unsigned p = 0; p < ARRAY_SIZE(places); p++)
            assert_int_equal(fs_write(object, places[p] + 7, "hello", 5, 0), 5);
        assert_int_equal(fs_write(object, 1ull << 43, "x", 1, 0), -EFBIG);
        struct stat s;
        fs_stat(object, &s);
        assert_int_equal(s.size, (15ull << 30) + 12);
        assert_int_equal(fs_unmount(root), 0);
        check_image();
        root = mount_again();
        assert_int_equal(fs_lookup(root, "big", &object, NULL), 0);
        char text[6] = "";
        for (unsigned p = 0; p < ARRAY_SIZE(places); p++) {
            assert_int_equal(fs_read(object, places[p] + 7, text, 5), 5);
            assert_string_equal(text, "hello");
            assert_int_equal(fs_read(object, places[p] + (p ? 5000 : 100), text, 1),
                             p == 5 ? 0 : 1);
        }
        assert_int_equal(fs_truncate(object, 6ull << 20), 0);
        assert_int_equal(fs_read(object, (5ull << 20) + 7, text, 5), 5);
        assert_string_equal(text, "hello");
        assert_int_equal(fs_unlink(root, "big", false), 0);
        fs_statfs(root, &after);
        assert_int_equal(after.bfree, before.bfree);
        assert_int_equal(fs_unmount(root), 0);
        check_image();
    }
}

static void ten_thousand_names(void **state)
{
    (void)state;
    uint64_t root = make_and_mount("-b 4096 -N 12000", "80M"), dir, object;
    assert_int_equal(fs_create(root, "d", S_IFDIR | 0755, &dir), 0);
    char name[40];
    for (unsigned k = 0; k < 10000; k++) {
        snprintf(name, sizeof(name), "a-name-of-some-length-%u", k);
        assert_int_equal(fs_create(dir, name, S_IFREG | 0644, &object), 0);
    }
    assert_int_equal(fs_list(dir, 2048, NULL, NULL), 10000);
    for (unsigned k = 0; k < 10000; k += 2) {
        snprintf(name, sizeof(name), "a-name-of-some-length-%u", k * 7919 % 10000 / 2 * 2);
        assert_int_equal(fs_unlink(dir, name, false), 0);
    }
    assert_int_equal(fs_list(dir, 2048, NULL, NULL), 5000);
    assert_int_equal(fs_unmount(root), 0);
    check_image();
    root = mount_again();
    assert_int_equal(fs_lookup(root, "d", &dir, NULL), 0);
    for (unsigned k = 0; k < 10000; k++) {
        snprintf(name, sizeof(name), "a-name-of-some-length-%u", k);
        assert_int_equal(fs_lookup(dir, name, &object, NULL), k % 2 ? 0 : -ENOENT);
    }
    assert_int_equal(fs_unmount(root), 0);
}

static void an_unlinked_open_file_lives_on(void **state)
{
    (void)state;
    uint64_t root = make_and_mount("-b 1024", "4M"), object;
    struct statfs before, after;
    fs_statfs(root, &before);
    assert_int_equal(fs_create(root, "f", S_IFREG | 0644, &object), 0);
    assert_true(fs_open(object, O_RDWR) >= 0);
    assert_int_equal(fs_write(object, 0, "data", 4, 0), 4);
    assert_int_equal(fs_unlink(root, "f", false), 0);
    char text[5] = "";
    assert_int_equal(fs_read(object, 0, text, 4), 4);
    assert_string_equal(text, "data");
    assert_int_equal(fs_unmount(root), -EBUSY);
    fs_close(object, O_RDWR);
    assert_int_equal(fs_read(object, 0, text, 4), -ESTALE);
    fs_statfs(root, &after);
    assert_int_equal(after.bfree, before.bfree);
    assert_int_equal(after.ffree, before.ffree);
    /* The number is used again, with another generation. */
    uint64_t again;
    assert_int_equal(fs_create(root, "g", S_IFREG | 0644, &again), 0);
    assert_int_equal((uint32_t)again, (uint32_t)object);
    assert_true(again != object);
    assert_int_equal(fs_read(object, 0, text, 4), -ESTALE);
    assert_int_equal(fs_unmount(root), 0);
    check_image();
}

/* The state in the superblock: 1 is valid. */
static unsigned disk_state(void)
{
    size_t size;
    return fake_disk(0, &size)[1024 + 58] & 1;
}

static void the_superblock_says_whether_it_is_mounted(void **state)
{
    (void)state;
    static const char *const kinds[] = { "-b 1024", "-b 2048", "-b 4096" };
    for (unsigned k = 0; k < 3; k++) {
        uint64_t root = make_and_mount(kinds[k], "8M"), object;
        assert_int_equal(disk_state(), 0);
        assert_int_equal(fs_create(root, "f", S_IFREG | 0644, &object), 0);
        assert_int_equal(fs_sync(root, true), 0);
        assert_int_equal(disk_state(), 0);
        assert_int_equal(fs_unmount(root), 0);
        assert_int_equal(disk_state(), 1);
        struct fake_answer a = fs_mount(0, MS_RDONLY);
        assert_int_equal(a.result, 0);
        assert_int_equal(disk_state(), 1);
        assert_int_equal(fs_create(a.r1, "g", S_IFREG | 0644, &object), -EROFS);
        assert_int_equal(fs_unmount(a.r1), 0);
    }
}

static void unknown_features_are_refused_or_read_only(void **state)
{
    (void)state;
    assert_int_equal(fs_unmount(make_and_mount("-b 4096", "8M")), 0);
    static const struct {
        unsigned at, bit;
        int result;
    } cases[] = {
        { 96, 0x40, -EUCLEAN }, { 96, 4, -EUCLEAN }, { 100, 0x400, 0 }, { 92, 0x200, 0 }
    };
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        fake_disk_load(1, image);
        size_t size;
        uint64_t object;
        uint8_t *disk = fake_disk(1, &size);
        *(uint32_t *)(disk + 1024 + cases[k].at) |= cases[k].bit;
        struct fake_answer a = fs_mount(1, 0);
        assert_int_equal(a.result, cases[k].result);
        if (a.result)
            continue;
        assert_int_equal(fs_create(a.r1, "f", S_IFREG | 0644, &object),
                         cases[k].at == 100 ? -EROFS : 0);
        assert_int_equal(fs_unmount(a.r1), 0);
    }
    struct fake_answer a = fs_mount(3, 0);
    assert_true(a.result < 0);
}

static void a_running_program_is_not_written(void **state)
{
    (void)state;
    uint64_t root = make_and_mount("-b 1024", "4M"), object;
    assert_int_equal(fs_create(root, "p", S_IFREG | 0755, &object), 0);
    assert_int_equal(fs_hold(object, 1, true), 0);
    assert_int_equal(fs_open(object, O_WRONLY), -ETXTBSY);
    assert_true(fs_open(object, O_RDONLY) >= 0);
    fs_close(object, O_RDONLY);
    assert_int_equal(fs_hold(object, -1, true), 0);
    assert_true(fs_open(object, O_WRONLY) >= 0);
    assert_int_equal(fs_hold(object, 1, true), -ETXTBSY);
    fs_close(object, O_WRONLY);
    assert_int_equal(fs_unmount(root), 0);
}

static void what_was_synced_survives_a_crash(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        srand(round);
        uint64_t root = make_and_mount(round % 2 ? "-b 1024" : "-b 4096", "10M"), object, other,
                 dir;
        static uint8_t data[200000], now[200000];
        for (unsigned k = 0; k < sizeof(data); k++)
            data[k] = k * 7 + round;
        assert_int_equal(fs_create(root, "d", S_IFDIR | 0755, &dir), 0);
        assert_int_equal(fs_create(dir, "kept", S_IFREG | 0644, &object), 0);
        assert_int_equal(fs_write(object, 0, data, sizeof(data), 0), sizeof(data));
        assert_int_equal(fs_sync(object, false), 0);
        fake_writes_left = rand() % 30;
        for (unsigned k = 0; k < 100; k++) {
            char name[20];
            snprintf(name, sizeof(name), "n%u", k);
            assert_int_equal(fs_create(k % 2 ? dir : root, name, S_IFREG | 0644, &other), 0);
            assert_int_equal(fs_write(other, 0, data, rand() % 30000, 0) > 0, 1);
            if (k % 3 == 0)
                fs_unlink(k % 2 ? dir : root, name, false);
            if (k % 20 == 0)
                mount_flush(1ull << NOTIFY_ALARM);
        }
        fs_sync(root, true);
        fs_unmount(root);
        fake_writes_left = -1;
        fake_disk_save(0, image);
        char command[300];
        snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin e2fsck -fy %s >%s.log 2>&1",
                 image, image);
        int status = system(command);
        assert_true(status == 0 || status == 1 << 8);
        fake_disk_load(0, image);
        root = mount_again();
        assert_int_equal(fs_lookup(root, "d", &dir, NULL), 0);
        assert_int_equal(fs_lookup(dir, "kept", &object, NULL), 0);
        assert_int_equal(fs_read(object, 0, now, sizeof(now)), sizeof(now));
        assert_memory_equal(now, data, sizeof(data));
        assert_int_equal(fs_unmount(root), 0);
        check_image();
    }
}

static int64_t sync_of(uint64_t object, uint64_t *flags)
{
    struct message m = { .op = FS_SYNC, .object = object, .from = 70, .flags = *flags };
    fake_errors = 0;
    int64_t result = fake_call(fs_handlers[op_number(FS_SYNC)], &m, NULL, 0).result;
    if (fake_errors)
        *flags = (uint64_t)fake_errors << CALL_ERRORS_SHIFT;
    return result;
}

static uint64_t open_flags(uint64_t object)
{
    return fake_connections[fs_open(object, O_RDWR)].flags;
}

/* fsync reports a failed write also if another sync made it, and no failure of another file. */
static void a_failed_write_is_told_once_to_each_open_file(void **state)
{
    (void)state;
    uint64_t root = make_and_mount("", "4M"), object, other;
    static uint8_t data[20000];
    assert_int_equal(fs_create(root, "f", S_IFREG | 0644, &object), 0);
    assert_int_equal(fs_create(root, "g", S_IFREG | 0644, &other), 0);
    uint64_t one = open_flags(object), two = open_flags(object), of_other = open_flags(other);
    assert_int_equal(fs_write(other, 0, data, sizeof(data), 0), sizeof(data));
    assert_int_equal(fs_sync(root, true), 0);
    assert_int_equal(fs_write(object, 0, data, sizeof(data), 0), sizeof(data));
    fake_writes_fail = true;
    assert_int_equal(cache_sync_owner(cache_owner(0, (uint32_t)object)), -EIO);
    fake_writes_fail = false;
    mount_flush(1ull << NOTIFY_ALARM);
    uint64_t three = open_flags(object);
    assert_int_equal(sync_of(other, &of_other), 0);
    assert_int_equal(sync_of(object, &one), -EIO);
    assert_int_equal(sync_of(object, &one), 0);
    uint64_t four = open_flags(object);
    assert_int_equal(sync_of(object, &two), -EIO);
    assert_int_equal(sync_of(object, &two), 0);
    assert_int_equal(sync_of(object, &three), -EIO);
    assert_int_equal(sync_of(object, &three), 0);
    assert_int_equal(sync_of(object, &four), 0);
    /* Written in the background; a failure of metadata concerns all files. */
    assert_int_equal(fs_write(object, 0, data, sizeof(data), 0), sizeof(data));
    fake_writes_fail = true;
    mount_flush(1ull << NOTIFY_ALARM);
    fake_writes_fail = false;
    assert_int_equal(sync_of(object, &one), -EIO);
    assert_int_equal(sync_of(object, &one), 0);
    assert_int_equal(sync_of(other, &of_other), -EIO);
    assert_int_equal(sync_of(other, &of_other), 0);
    for (unsigned i = 0; i < 4; i++)
        fs_close(object, O_RDWR);
    fs_close(other, O_RDWR);
    assert_int_equal(fs_unmount(root), 0);
}

static void trees_made_by_others_can_be_read(void **state)
{
    (void)state;
    shell(
        "rm -rf %s.d; mkdir -p %s.d/sub; for i in $(seq 3000); do : >%s.d/sub/some-name-$i; done; "
        "seq 100000 >%s.d/numbers; ln -s numbers %s.d/short; ln -s %0200d %s.d/long",
        image, image, image, image, image, 7, image);
    char options[200];
    snprintf(options, sizeof(options), "-b 1024 -O dir_index -d %s.d", image);
    uint64_t root = make_and_mount(options, "20M"), dir, object;
    /* makes hash trees */
    shell("PATH=$PATH:/usr/sbin:/sbin e2fsck -fyD %s >/dev/null 2>&1; [ $? -le 1 ]", image);
    assert_int_equal(fs_unmount(root), 0);
    fake_disk_load(0, image);
    root = mount_again();
    assert_int_equal(fs_lookup(root, "sub", &dir, NULL), 0);
    assert_int_equal(fs_list(dir, 4096, NULL, NULL), 3000);
    assert_int_equal(fs_create(dir, "another", S_IFREG | 0644, &object), 0);
    assert_int_equal(fs_unlink(dir, "some-name-77", false), 0);
    assert_int_equal(fs_list(dir, 4096, NULL, NULL), 3000);
    char text[300] = "";
    assert_int_equal(fs_lookup(root, "long", &object, NULL), 0);
    assert_int_equal(fs_readlink(object, text, sizeof(text)), 200);
    assert_int_equal(fs_lookup(root, "numbers", &object, NULL), 0);
    assert_int_equal(fs_read(object, 588882, text, 6), 6);
    assert_memory_equal(text, "99999\n", 6);
    assert_int_equal(fs_unmount(root), 0);
    check_image();
    shell("rm -rf %s.d", image);
}

static void corrupt_disks_do_no_harm(void **state)
{
    (void)state;
    char options[200];
    shell("rm -rf %s.d; mkdir -p %s.d/a/b %s.d/c; for i in $(seq 200); do echo $i "
          ">%s.d/a/some-name-$i; done; seq 50000 >%s.d/c/numbers;"
          "ln -s x %s.d/short; ln -s %0200d %s.d/long; truncate -s 20M %s.d/sparse; echo x "
          ">>%s.d/sparse",
          image, image, image, image, image, image, 7, image, image, image);
    for (unsigned round = 0; round < 600; round++) {
        if (round % 200 == 0) {
            snprintf(options, sizeof(options), "-b %u -d %s.d", 1024 << round / 200, image);
            shell("rm -f %s; PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext2 %s %s 3M", image,
                  options, image);
        }
        fake_disk_load(0, image);
        size_t size;
        uint8_t *disk = fake_disk(0, &size);
        srand(round);
        unsigned flips = 1 + rand() % 60;
        for (unsigned k = 0; k < flips; k++) {
            size_t at = rand() % 4 ? (size_t)rand() % 120000 : (size_t)rand() % size;
            if (round % 3 == 0)
                at = 1024 + rand() % 300;
            disk[at] = rand() % 2 ? rand() : disk[at] ^ 1 << rand() % 8;
        }
        struct fake_answer a = fs_mount(0, 0);
        if (a.result)
            continue;
        uint64_t dir, object;
        static const char *const names[] = { "a",           "c",          "short", "long",
                                             "sparse",      "lost+found", "new",   "numbers",
                                             "some-name-7", "b",          ".." };
        uint64_t dirs[4] = { a.r1 };
        for (unsigned k = 1; k < 4; k++)
            dirs[k] = fs_lookup(a.r1, names[k - 1], &dir, NULL) ? a.r1 : dir;
        static uint8_t data[70000];
        for (unsigned k = 0; k < 100; k++) {
            const char *name = names[rand() % ARRAY_SIZE(names)];
            dir = dirs[rand() % 4];
            uint32_t mode;
            switch (rand() % 9) {
            case 0: fs_list(dir, 4096, NULL, NULL); break;
            case 1:
                fs_create(dir, name, rand() % 2 ? S_IFREG | 0644 : S_IFDIR | 0755, &object);
                break;
            case 2: fs_unlink(dir, name, rand() % 2); break;
            case 3:
                fs_rename(dir, name, dirs[rand() % 4], names[rand() % ARRAY_SIZE(names)],
                          rand() % 3);
                break;
            case 4: fs_symlink(dir, name, "x"); break;
            default:
                if (fs_lookup(dir, name, &object, &mode))
                    break;
                if (S_ISREG(mode)) {
                    fs_read(object, rand() % 400000, data, sizeof(data));
                    fs_write(object, rand() % 40000, data, rand() % sizeof(data), 0);
                    if (rand() % 3 == 0)
                        fs_truncate(object, rand() % 100000);
                } else if (S_ISLNK(mode)) {
                    fs_readlink(object, (char *)data, 1000);
                } else if (S_ISDIR(mode)) {
                    dirs[rand() % 3 + 1] = object;
                }
            }
        }
        fs_sync(a.r1, true);
        assert_int_equal(fs_unmount(a.r1), 0);
    }
    shell("rm -rf %s.d", image);
}

/* ---- Threads ---- */

static uint64_t shared_dir;

static void busy_client(unsigned number)
{
    static uint8_t data[8][30000], back[8][30000];
    char name[20], new[20];
    for (unsigned k = 0; k < 30000; k++)
        data[number][k] = k + number;
    for (unsigned k = 0; k < 150; k++) {
        uint64_t object;
        snprintf(name, sizeof(name), "t%u-%u", number, k);
        snprintf(new, sizeof(new), "u%u-%u", number, k);
        EXPECT_OK(fs_create(shared_dir, name, S_IFREG | 0644, &object));
        size_t length = 100 + rand() % 29000;
        if (fs_write(object, 0, data[number], length, 0) != (int64_t)length)
            die("write");
        if (k % 3 == 0)
            EXPECT_OK(fs_rename(shared_dir, name, shared_dir, new, 0));
        const char *now = k % 3 == 0 ? new : name;
        uint64_t again;
        EXPECT_OK(fs_lookup(shared_dir, now, &again, NULL));
        if (again != object || fs_read(object, 0, back[number], length) != (int64_t)length ||
            memcmp(data[number], back[number], length))
            die("thread %u: wrong bytes", number);
        if (k % 2)
            EXPECT_OK(fs_unlink(shared_dir, now, false));
        if (k % 20 == 0)
            fs_sync(object, k % 40 == 0);
        if (k % 7 == 0) {
            fs_lookup(shared_dir, "common", &object, NULL);
            fs_write(object, rand() % 100000, data[number], 5000, 0);
            fs_truncate(object, rand() % 100000);
            fs_read(object, 0, back[number], 30000);
        }
    }
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    uint64_t root = make_and_mount("-b 1024", "20M"), object;
    assert_int_equal(fs_create(root, "d", S_IFDIR | 0755, &shared_dir), 0);
    assert_int_equal(fs_create(shared_dir, "common", S_IFREG | 0644, &object), 0);
    fake_threads(8, busy_client);
    assert_int_equal(fs_list(shared_dir, 2048, NULL, NULL), 8 * 75 + 1);
    assert_int_equal(fs_unmount(root), 0);
    check_image();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_leave_a_clean_disk),
        cmocka_unit_test(a_full_disk_leaks_nothing),
        cmocka_unit_test(a_small_cache_is_enough),
        cmocka_unit_test(large_sparse_files),
        cmocka_unit_test(ten_thousand_names),
        cmocka_unit_test(an_unlinked_open_file_lives_on),
        cmocka_unit_test(the_superblock_says_whether_it_is_mounted),
        cmocka_unit_test(unknown_features_are_refused_or_read_only),
        cmocka_unit_test(a_running_program_is_not_written),
        cmocka_unit_test(what_was_synced_survives_a_crash),
        cmocka_unit_test(a_failed_write_is_told_once_to_each_open_file),
        cmocka_unit_test(trees_made_by_others_can_be_read),
        cmocka_unit_test(corrupt_disks_do_no_harm),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    snprintf(image, sizeof(image), "/tmp/test_ext2.%d", (int)getpid());
    void nodes_init(void), index_init(void);
    nodes_init();
    index_init();
    cache_init(200);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove(image);
    char log[80];
    snprintf(log, sizeof(log), "%s.log", image);
    remove(log);
    return failed;
}
