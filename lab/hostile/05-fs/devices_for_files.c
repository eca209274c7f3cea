/* Each file is a device: the disk, the way out of the machine, the service manager, memory. All
 * programs are root's, set-uid. */
#include "serve.h"

#include <minnow/devices.h>

static const uint32_t devices[] = {
    DEV_VDA, DEV_VDA + 1, DEV_HDA, DEV_HOST, DEV_SERVICE, DEV_ZERO, DEV_TTY, DEV_TTY1,
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
