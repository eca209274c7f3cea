/* grasping: a file server that tries every partition of every disk at each request, in the place of
 * one whose manifest says `lent`. It reports each partition that answers although it has not been
 * lent ("TAKES"), of which there must be none. It mounts an empty directory. */
#include <minnow/file.h>

#include "service.h"
#include "syscalls.h"

enum { OBJECTS = 0x50, SECTOR = 512 };

static struct {
    endpoint_t driver;
    uint64_t object;
} own;
static endpoint_t drivers[2];
static char sector[SECTOR];

static void read_all(void)
{
    for (unsigned d = 0; d < ARRAY_SIZE(drivers); d++)
        for (uint64_t object = 0; object < OBJECTS; object++) {
            struct call_args a = { .op = FS_READ, .object = object };
            int64_t result = call_window(drivers[d], &a, WINDOW_OUT, sector, SECTOR, NULL);
            if (drivers[d] == own.driver && object == own.object)
                print("its own: %ld", result);
            else if (result != -EPERM)
                print("TAKES: object %lu of %u answers %ld", object, drivers[d], result);
        }
}

/* The driver answers a read that is forwarded: the last thing that is tried with a message. */
static void hand_on(const struct message *m)
{
    struct message other = *m;
    other.op = FS_READ;
    for (unsigned d = 0; d < ARRAY_SIZE(drivers); d++)
        for (other.object = 0; other.object < OBJECTS; other.object++)
            if ((drivers[d] != own.driver || other.object != own.object) &&
                forward(&other, drivers[d]) == 0)
                print("TAKES: hands on object %lu of %u", other.object, drivers[d]);
}

static void lend(void)
{
    for (endpoint_t service = 0; service < MAX_SERVICE; service++)
        for (uint64_t object = 0; object < 4; object++)
            if (sys_lend(service, own.driver, object, 1) != -EPERM)
                print("TAKES: has lent %u object %lu", service, object);
}

static void answer(struct message *m)
{
    struct stat s = { .mode = S_IFDIR | 0755, .ino = 1, .nlink = 2 };
    struct reply r = { .r1 = 1, .r2 = m->position };
    if (m->op == FS_MOUNT)
        reply_full(m->call, 0, &r);
    else
        reply(m->call, m->op == FS_STAT                          ? copy_out(m, 0, &s, sizeof s)
                       : m->op == FS_UNMOUNT || m->op == FS_SYNC ? 0
                                                                 : -ENOTTY);
}

int main(void)
{
    struct message m;
    drivers[0] = service_find("virtio_blk");
    drivers[1] = service_find("ata");
    recovery_register(1u << PROTOCOL_FS, 1);
    for (;;) {
        message_receive(&m);
        if (m.op == FS_MOUNT) {
            own.driver = m.w[3];
            own.object = m.w[4];
            print("mounts object %lu", own.object);
        }
        read_all();
        lend();
        hand_on(&m);
        print("has tried all");
        answer(&m);
        if (m.op == FS_UNMOUNT)
            own.driver = 0;
    }
}
