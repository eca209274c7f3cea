/* The lab's disk, mounted for a test. With LAB_ROOT set, as on the host, that folder is used
 * instead. The disk is then all there is: no link of its leads to another file system, and what the
 * server says of devices or of foreign users' programs is not honoured. */
#ifndef MOUNTED_H
#define MOUNTED_H

#include "labtest.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define POINT "/mnt"

static const char *root; /* LAB_ROOT, or NULL in the system */
static int outside = -1; /* the system's root, by which leave() finds out again */

/* The disk's third partition, by whichever driver it is reached. */
static const char *const devices[] = { "/dev/vda3", "/dev/hda3" };

/* 0 or an error, negative: of the device that is there. */
static inline int mount_disk(unsigned long flags)
{
    flags |= MS_NODEV | MS_NOSUID | MS_NOEXEC;
    int fd = open(devices[0], O_RDONLY);
    if (fd >= 0)
        close(fd);
    return mount(devices[fd < 0], POINT, "minix", flags, "") == 0 ? 0 : -errno;
}

static inline void come_with(unsigned long flags)
{
    root = getenv("LAB_ROOT");
    umask(022);
    if (!root)
        EXPECT("R1", mount_disk(flags), 0, "mount of the disk");
    NEED(chdir(root ? root : POINT) == 0);
    if (root)
        return;
    NEED((outside = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
    NEED(chroot(".") == 0);
}

static inline void come(void) { come_with(0); }

static inline void leave(void)
{
    if (root) {
        NEED(chdir("/") == 0);
        return;
    }
    NEED(fchdir(outside) == 0 && chroot(".") == 0 && close(outside) == 0);
    outside = -1;
    if (umount(POINT) < 0)
        lab_fail("R11", "0", lab_result(-errno), "umount of the disk, which nobody uses any more");
}

static inline long result_of(long result) { return result < 0 ? -errno : result; }

/* A system call's result, or its error, is what it has to be. */
#define TRY(requirement, call, wanted, ...) \
    EXPECT(requirement, result_of(call), wanted, __VA_ARGS__)

static inline void go_into(const char *folder)
{
    TRY("R6", chdir(folder), 0, "chdir to %s", folder);
}

#endif
