/* host: the channel to the emulator's host. What is written to /dev/host goes out of I/O port 0xE9 unchanged: QEMU's
 * isa-debugcon, Bochs' port_e9_hack. One write up to CHUNK bytes goes out in one kernel call, so that what the kernel itself may
 * say there (a panic) comes between writes. */
#include "service.h"

#include <minnow/file.h>

enum { PORT = 0xe9, MINOR = 250, CHUNK = 65536 };

static char buffer[CHUNK];

static int64_t do_write(struct message *m)
{
    for (uint64_t done = 0, n; done < m->w[2]; done += n) {
        n = MIN(m->w[2] - done, (uint64_t)CHUNK);
        int error = copy_in(m, done, buffer, n);
        if (error)
            return done ? (int64_t)done : error;
        out_string8(PORT, buffer, n);
    }
    return m->w[2];
}

static int64_t do_read(struct message *m) { (void)m; return 0; }
static int64_t do_seek(struct message *m) { (void)m; return -ESPIPE; }
static int64_t do_ioctl(struct message *m) { (void)m; return -ENOTTY; }
static int64_t do_poll(struct message *m) { return m->w[1] & (POLLOUT | POLLWRNORM); }

static int64_t do_open(struct message *m)
{
    return m->object == MINOR ? connect(m, MINOR, m->w[1] | CONN_READY) : -ENXIO;
}

static int64_t do_stat(struct message *m)
{
    uint64_t rdev = makedev(MAJOR_MISC, MINOR);
    struct stat s = { .dev = DEVFS_DEV, .ino = rdev, .nlink = 1, .mode = S_IFCHR | 0600, .rdev = rdev, .blksize = PAGE_SIZE };
    return copy_out(m, 0, &s, sizeof s);
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(FS_READ)] = do_read, [op_number(FS_WRITE)] = do_write, [op_number(FS_SEEK)] = do_seek,
        [op_number(FS_STAT)] = do_stat, [op_number(FS_OPEN)] = do_open, [op_number(FS_POLL)] = do_poll, [op_number(FS_IOCTL)] = do_ioctl,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
