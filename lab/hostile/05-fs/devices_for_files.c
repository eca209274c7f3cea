/* Each file is a device: the disk, the way out of the machine, the service manager, memory. All
 * programs are root's, set-uid. */
#include "serve.h"

#define DEVICE(major, minor) ((major) << 8 | (minor))
static const uint32_t devices[] = {
    DEVICE(MAJOR_VIRTIO, 0), DEVICE(MAJOR_VIRTIO, 1), DEVICE(MAJOR_IDE, 0),
    DEVICE(MAJOR_MISC, 250), DEVICE(MAJOR_MISC, 252), DEVICE(MAJOR_MEM, 5),
    DEVICE(MAJOR_TTYAUX, 0), DEVICE(MAJOR_TTY, 1),
};
static unsigned turn;

static int64_t say_device(struct message *m)
{
    uint64_t rdev = devices[turn++ % ARRAY_SIZE(devices)];
    reply_words(m, fs_object(1, 0, 2 + turn % 100),
                (turn & 1 ? S_IFCHR : S_IFBLK) | 06777 | rdev << 32, 0);
    return 0;
}

static int64_t stat_device(struct message *m)
{
    uint64_t rdev = devices[turn++ % ARRAY_SIZE(devices)];
    struct stat s = {
        .mode = (turn & 1 ? S_IFCHR : S_IFBLK) | 06777, .ino = 2, .nlink = 1, .rdev = rdev
    };
    return m->object == inode_object(ROOT_INO) ? do_stat(m) : copy_out(m, 0, &s, sizeof s);
}

int main(void)
{
    handlers[op_number(FS_LOOKUP)] = say_device;
    handlers[op_number(FS_CREATE)] = say_device;
    handlers[op_number(FS_STAT)] = stat_device;
    serve();
}
