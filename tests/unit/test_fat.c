/* The FAT server on images made by mkfs.fat, judged by a model and by fsck.fat. */
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
void nodes_init(void);

static char image[64];

static void make(const char *options, unsigned kilobytes)
{
    shell("rm -f %s; PATH=$PATH:/usr/sbin:/sbin mkfs.fat -C %s %s %u >/dev/null", image, options,
          image, kilobytes);
    fake_disk_load(0, image);
}

static uint64_t mount_image(void)
{
    struct fake_answer a = fs_mount(0, 0);
    assert_int_equal(a.result, 0);
    return a.r1;
}

static void check_image(void)
{
    fake_disk_save(0, image);
    shell("PATH=$PATH:/usr/sbin:/sbin fsck.fat -n %s >%s.log 2>&1 && ! grep -qi "
          "'wrong\\|differ\\|dirty' %s.log || { cat %s.log; false; }",
          image, image, image, image);
}

static const struct {
    const char *options;
    unsigned kilobytes;
} kinds[] = {
    { "-F 12 -s 1", 1440 },          { "-F 12 -s 8", 8000 },      { "-F 16 -s 4", 40000 },
    { "-F 16 -s 16", 80000 },        { "-F 32 -s 1", 40000 },     { "-F 32 -s 8 -S 512", 300000 },
    { "-F 16 -S 2048 -s 1", 30000 }, { "-F 12 -f 1 -s 2", 3000 },
};

static void random_operations_leave_a_clean_disk(void **state)
{
    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct fs_model_options o = { .operations = 5000,
                                      .seed = 40 + k,
                                      .file_max = 300000,
                                      .names = 50,
                                      .nodes = 200,
                                      .sync_rate = 200,
                                      .clear = k % 3 == 1,
                                      .full = kinds[k].kilobytes < 10000 };
        make(kinds[k].options, kinds[k].kilobytes);
        uint64_t root = mount_image();
        struct statfs before, after;
        fs_statfs(root, &before);
        fake_fault_rate = k % 2 ? 50 : 0;
        fs_model_run(root, &o);
        fake_fault_rate = 0;
        fs_statfs(root, &after);
        assert_int_equal(fs_unmount(root), 0);
        check_image();
        root = mount_image();
        if (o.clear)
            assert_true(after.bfree + 8 >= before.bfree);
        else
            fs_model_compare(root);
        assert_int_equal(fs_unmount(root), 0);
    }
}

static void mtools_and_we_read_each_other(void **state)
{
    (void)state;
    make("-F 16 -s 4", 40000);
    shell("cd /tmp && seq 20000 >%s.a && export MTOOLS_SKIP_CHECK=1 && mmd -i %s ::boot && mcopy "
          "-i %s %s.a ::boot/kernel.elf && "
          "mcopy -i %s %s.a '::A rather Long name.text' && mcopy -i %s %s.a ::README.TXT",
          image, image, image, image, image, image, image, image);
    fake_disk_load(0, image);
    uint64_t root = mount_image(), dir, object;
    static char text[200000], wanted[200000];
    FILE *f = NULL;
    char path[100];
    snprintf(path, sizeof(path), "%s.a", image);
    f = fopen(path, "r");
    size_t size = fread(wanted, 1, sizeof(wanted), f);
    fclose(f);
    assert_int_equal(fs_lookup(root, "boot", &dir, NULL), 0);
    assert_int_equal(fs_lookup(dir, "kernel.elf", &object, NULL), 0);
    assert_int_equal(fs_read(object, 0, text, sizeof(text)), size);
    assert_memory_equal(text, wanted, size);
    assert_int_equal(fs_lookup(root, "A rather Long name.text", &object, NULL), 0);
    assert_int_equal(fs_lookup(root, "a RATHER long name.TEXT", &object, NULL), 0);
    assert_int_equal(fs_lookup(root, "README.TXT", &object, NULL), 0);
    assert_int_equal(
        fs_create(dir, "from-the-guest, with \xc3\xa4 long name", S_IFREG | 0644, &object), 0);
    assert_int_equal(fs_write(object, 0, wanted, size, 0), size);
    assert_int_equal(fs_create(dir, "SHORT.TXT", S_IFREG | 0644, &object), 0);
    assert_int_equal(fs_create(dir, "bad:name", S_IFREG | 0644, &object), -EINVAL);
    assert_int_equal(fs_symlink(dir, "link", "target"), -EPERM);
    assert_int_equal(fs_rename(root, "README.TXT", root, "Readme.txt", 0), 0);
    assert_int_equal(fs_lookup(root, "README.TXT", &object, NULL), 0);
    assert_int_equal(fs_unmount(root), 0);
    check_image();
    shell("cd /tmp && export MTOOLS_SKIP_CHECK=1 && mcopy -n -i %s '::boot/from-the-guest*' %s.b "
          "&& cmp %s.a %s.b && "
          "mdir -b -i %s :: | grep -q Readme.txt && rm %s.a %s.b",
          image, image, image, image, image, image, image);
}

static void the_first_sector_says_whether_it_is_mounted(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        make(k ? "-F 32 -s 1" : "-F 16 -s 4", 40000);
        uint64_t root = mount_image();
        size_t size, at = k ? 0x41 : 0x25;
        assert_int_equal(fake_disk(0, &size)[at] & 1, 1);
        assert_int_equal(fs_unmount(root), 0);
        assert_int_equal(fake_disk(0, &size)[at] & 1, 0);
        check_image();
    }
}

static void an_unlinked_open_file_lives_on(void **state)
{
    (void)state;
    make("-F 16 -s 4", 40000);
    uint64_t root = mount_image(), object, other;
    struct statfs before, after;
    fs_statfs(root, &before);
    char text[5] = "";
    assert_int_equal(fs_create(root, "f", S_IFREG | 0644, &object), 0);
    assert_true(fs_open(object, O_RDWR) >= 0);
    assert_int_equal(fs_write(object, 0, "data", 4, 0), 4);
    assert_int_equal(fs_unlink(root, "f", false), 0);
    assert_int_equal(fs_create(root, "f", S_IFREG | 0644, &other), 0);
    assert_true(other != object);
    assert_int_equal(fs_write(other, 0, "DATA", 4, 0), 4);
    assert_int_equal(fs_read(object, 0, text, 4), 4);
    assert_string_equal(text, "data");
    assert_int_equal(fs_unmount(root), -EBUSY);
    fs_close(object, O_RDWR);
    assert_int_equal(fs_unlink(root, "f", false), 0);
    fs_statfs(root, &after);
    assert_int_equal(before.bfree, after.bfree);
    assert_int_equal(fs_unmount(root), 0);
    check_image();
}

static void many_names(void **state)
{
    (void)state;
    make("-F 32 -s 1", 40000);
    uint64_t root = mount_image(), dir, object;
    char name[60];
    assert_int_equal(fs_create(root, "d", S_IFDIR | 0755, &dir), 0);
    for (unsigned k = 0; k < 400; k++) {
        snprintf(name, sizeof(name), "a file with a longer name, number %u.txt", k);
        assert_int_equal(fs_create(dir, name, S_IFREG | 0644, &object), 0);
    }
    assert_int_equal(fs_list(dir, 1000, NULL, NULL), 400);
    for (unsigned k = 0; k < 400; k += 2) {
        snprintf(name, sizeof(name), "a file with a longer name, number %u.txt", k);
        assert_int_equal(fs_unlink(dir, name, false), 0);
    }
    assert_int_equal(fs_list(dir, 1000, NULL, NULL), 200);
    assert_int_equal(fs_unmount(root), 0);
    check_image();
}

static void times_are_kept(void **state)
{
    (void)state;
    make("-F 16 -s 4", 40000);
    uint64_t root = mount_image(), object;
    static const int64_t times[] = { 315532800,  951782400,  951868800,
                                     1709164798, 1735689598, 4102444798 };
    assert_int_equal(fs_create(root, "f", S_IFREG | 0644, &object), 0);
    for (unsigned k = 0; k < ARRAY_SIZE(times); k++) {
        struct fs_attr a = { .which = ATTR_MTIME, .mtime = { times[k], 0 } };
        struct stat s;
        assert_int_equal(fs_setattr(object, &a), 0);
        assert_int_equal(fs_unmount(root), 0);
        root = mount_image();
        assert_int_equal(fs_lookup(root, "f", &object, NULL), 0);
        fs_stat(object, &s);
        assert_int_equal(s.mtime.sec, times[k]);
    }
    struct fs_attr a = { .which = ATTR_MODE, .mode = 0600 };
    assert_int_equal(fs_setattr(object, &a), -EPERM);
    a.mode = 0644;
    assert_int_equal(fs_setattr(object, &a), 0);
    assert_int_equal(fs_unmount(root), 0);
}

static void corrupt_disks_do_no_harm(void **state)
{
    (void)state;
    static uint8_t data[70000];
    static const char *const names[] = { "boot", "d", "a", "kernel.elf", "A rather Long name.text",
                                         "new",  "e", ".." };
    shell("seq 20000 >%s.a", image);
    for (unsigned round = 0; round < 900; round++) {
        if (round % 300 == 0) {
            make(round == 0     ? "-F 12 -s 1"
                 : round == 300 ? "-F 16 -s 1"
                                : "-F 32 -s 1",
                 round == 0     ? 1440
                 : round == 300 ? 5000
                                : 40000);
            shell("cd /tmp && export MTOOLS_SKIP_CHECK=1 && mmd -i %s ::boot ::d ::d/e && mcopy -i "
                  "%s %s.a ::boot/kernel.elf && "
                  "mcopy -i %s %s.a '::A rather Long name.text' && mcopy -i %s %s.a ::d/a",
                  image, image, image, image, image, image, image);
        }
        fake_disk_load(0, image);
        size_t size;
        uint8_t *disk = fake_disk(0, &size);
        srand(round);
        for (unsigned k = 1 + rand() % 60; k > 0; k--) {
            size_t at = rand() % 4 ? 512 + (size_t)rand() % MIN(size / 40, (size_t)40000)
                                   : (size_t)rand() % MIN(size, (size_t)800000);
            if (round % 4 == 0)
                at = rand() % 100;
            disk[at] = rand() % 2 ? rand() : disk[at] ^ 1 << rand() % 8;
        }
        struct fake_answer a = fs_mount(0, 0);
        if (a.result)
            continue;
        uint64_t dir, object, dirs[4] = { a.r1, a.r1, a.r1, a.r1 };
        for (unsigned k = 0; k < 60; k++) {
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
            default:
                if (fs_lookup(dir, name, &object, &mode))
                    break;
                if (S_ISREG(mode)) {
                    fs_read(object, rand() % 400000, data, sizeof(data));
                    fs_write(object, rand() % 40000, data, rand() % sizeof(data), 0);
                    if (rand() % 3 == 0)
                        fs_truncate(object, rand() % 100000);
                } else {
                    dirs[rand() % 3 + 1] = object;
                }
            }
        }
        struct statfs s;
        fs_statfs(a.r1, &s);
        fs_sync(a.r1, true);
        fs_unmount(a.r1);
    }
    shell("rm -f %s.a", image);
}

/* ---- Threads ---- */

static uint64_t shared_dir;
#define OK(x) ((x) == 0 ? (void)0 : die("%s:%d: %s failed", __FILE__, __LINE__, #x))

static void busy_client(unsigned number)
{
    static uint8_t data[4][30000], back[4][30000];
    char name[30], new[30];
    for (unsigned k = 0; k < 30000; k++)
        data[number][k] = k + number;
    for (unsigned k = 0; k < 60; k++) {
        uint64_t object, again;
        snprintf(name, sizeof(name), "thread%u-%u", number, k);
        snprintf(new, sizeof(new), "Renamed thread%u-%u", number, k);
        OK(fs_create(shared_dir, name, S_IFREG | 0644, &object));
        size_t length = 100 + rand() % 29000;
        if (fs_write(object, 0, data[number], length, 0) != (int64_t)length)
            die("write");
        if (k % 3 == 0)
            OK(fs_rename(shared_dir, name, shared_dir, new, 0));
        const char *now = k % 3 == 0 ? new : name;
        OK(fs_lookup(shared_dir, now, &again, NULL));
        if (again != object || fs_read(object, 0, back[number], length) != (int64_t)length ||
            memcmp(data[number], back[number], length))
            die("thread %u: wrong bytes", number);
        if (k % 2)
            OK(fs_unlink(shared_dir, now, false));
        if (k % 20 == 0)
            fs_sync(object, k % 40 == 0);
    }
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    make("-F 16 -s 1", 20000);
    uint64_t root = mount_image();
    assert_int_equal(fs_create(root, "d", S_IFDIR | 0755, &shared_dir), 0);
    fake_threads(4, busy_client);
    assert_int_equal(fs_list(shared_dir, 2048, NULL, NULL), 4 * 30);
    assert_int_equal(fs_unmount(root), 0);
    check_image();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_leave_a_clean_disk),
        cmocka_unit_test(mtools_and_we_read_each_other),
        cmocka_unit_test(the_first_sector_says_whether_it_is_mounted),
        cmocka_unit_test(an_unlinked_open_file_lives_on),
        cmocka_unit_test(many_names),
        cmocka_unit_test(times_are_kept),
        cmocka_unit_test(corrupt_disks_do_no_harm),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    snprintf(image, sizeof(image), "/tmp/test_fat.%d", getpid());
    nodes_init();
    cache_init(200);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove(image);
    char log[80];
    snprintf(log, sizeof(log), "%s.log", image);
    remove(log);
    return failed;
}
