/* host: the channel to the emulator's host. Bytes written to /dev/host go out by I/O port 0xE9
 * unchanged: QEMU's isa-debugcon, Bochs' port_e9_hack. A write of up to CHUNK bytes goes out in one
 * kernel call, so that a message of the kernel's own there (a panic) comes between two writes and
 * not in the middle of one. */
#include "char.h"
#include "statfs.h"

enum { PORT = 0xe9, MINOR = DEVICE_MINOR(DEV_HOST), CHUNK = 65536 };

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

static int64_t do_read(struct message *m)
{
    (void)m;
    return 0;
}
static int64_t do_open(struct message *m) { return char_open(m, m->object == MINOR, CONN_READY); }
static int64_t do_stat(struct message *m) { return char_stat(m, DEVICE_MAJOR(DEV_HOST), 0600); }
static int64_t do_poll(struct message *m) { return m->w[1] & (POLLOUT | POLLWRNORM); }

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(FS_READ)] = do_read,           [op_number(FS_WRITE)] = do_write,
        [op_number(FS_SEEK)] = answer_espipe,     [op_number(FS_STAT)] = do_stat,
        [op_number(FS_OPEN)] = do_open,           [op_number(FS_POLL)] = do_poll,
        [op_number(FS_SYNC)] = answer_einval,     [op_number(FS_IOCTL)] = answer_enotty,
        [op_number(FS_TRUNCATE)] = answer_einval, [op_number(FS_STATFS)] = statfs_of_device,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
