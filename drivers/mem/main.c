/* mem: the devices that need no hardware: null, zero, full, random and urandom.
 *
 *     device            a read gives              a write
 *     null              nothing (0)               takes all
 *     zero              zeros                     takes all
 *     full              zeros                     -ENOSPC
 *     random, urandom   random bytes, at most     mixes its first 256 bytes into the generator, and
 *                       RANDOM_MAX                takes all
 *
 * random and urandom also have Linux's ioctls about entropy, of which there is always enough.
 *
 * A seek is always 0, as on Linux, and an offset (pread, pwrite) makes no difference. Long reads
 * give way. */
#include "char.h"
#include "random.h"
#include "statfs.h"

/* ioctls of random and urandom (Linux: linux/random.h) */
enum {
    RNDGETENTCNT = 0x80045200,
    RNDADDTOENTCNT = 0x40045201,
    RNDADDENTROPY = 0x40085203,
    RNDZAPENTCNT = 0x5204,
    RNDCLEARPOOL = 0x5206,
    RNDRESEEDCRNG = 0x5207
};
/* Bits of the generator's key that nobody can guess: always all. */
enum { ENTROPY_BITS = 256 };

enum {
    MINOR_NULL = DEVICE_MINOR(DEV_NULL),
    MINOR_ZERO = DEVICE_MINOR(DEV_ZERO),
    MINOR_FULL = DEVICE_MINOR(DEV_FULL),
    MINOR_RANDOM = DEVICE_MINOR(DEV_RANDOM),
    MINOR_URANDOM = DEVICE_MINOR(DEV_URANDOM),
    CHUNK = 4096,
    ZEROES_AT_ONCE = 1 << 20,
    RANDOM_AT_ONCE = 1 << 16,
    RANDOM_MAX = 1 << 20,
    RESEED_SECONDS = 60
};

static const char zeroes[CHUNK];
static struct random generator;
static uint64_t reseed_at; /* when the machine's generators are mixed in again */

static bool known(uint64_t minor)
{
    return minor == MINOR_NULL || minor == MINOR_ZERO || minor == MINOR_FULL ||
           minor == MINOR_RANDOM || minor == MINOR_URANDOM;
}

static int64_t read_random(struct message *m)
{
    static uint8_t bytes[CHUNK];
    uint64_t now = time_now(), length = MIN(m->w[2], (uint64_t)RANDOM_MAX);
    if (now >= reseed_at) {
        random_seed(&generator);
        reseed_at = now + RESEED_SECONDS * SECOND;
    }
    for (uint64_t done = 0, n; done < length; done += n) {
        n = MIN(length - done, (uint64_t)CHUNK);
        random_bytes(&generator, bytes, n);
        int error = copy_out(m, done, bytes, n);
        memset(bytes, 0, n);
        if (error)
            return error;
        GIVE_WAY_EVERY(RANDOM_AT_ONCE, n, length - done - n);
    }
    return length;
}

static int64_t do_read(struct message *m)
{
    if (m->object == MINOR_NULL)
        return 0;
    if (m->object == MINOR_RANDOM || m->object == MINOR_URANDOM)
        return read_random(m);
    if (m->w[2] <= CHUNK) {
        reply_bytes(m, zeroes, m->w[2]);
        return m->w[2];
    }
    for (uint64_t done = 0, n; done < m->w[2]; done += n) {
        n = MIN(m->w[2] - done, (uint64_t)CHUNK);
        int error = copy_out(m, done, zeroes, n);
        if (error)
            return error;
        if (n < m->w[2] - done)
            GIVE_WAY_EVERY(ZEROES_AT_ONCE, n, m->w[2] - done - n);
    }
    return m->w[2];
}

static int64_t do_write(struct message *m)
{
    if (m->object == MINOR_FULL)
        return m->w[2] ? -ENOSPC : 0;
    if (m->object == MINOR_RANDOM || m->object == MINOR_URANDOM) {
        uint8_t bytes[256];
        int error = copy_in(m, 0, bytes, MIN(m->w[2], sizeof bytes));
        if (error)
            return error;
        random_mix(&generator, bytes, MIN(m->w[2], sizeof bytes));
    }
    return m->w[2];
}

/* RNDADDENTROPY: mixes bytes in, of which the first 248 are in the window. 0, -EINVAL, -EFAULT. */
static int64_t add_entropy(struct message *m)
{
    struct {
        int32_t bits, size;
        uint8_t bytes[248];
    } more;
    if (copy_in(m, 0, &more, offsetof(typeof(more), bytes)))
        return -EFAULT;
    if (more.bits < 0)
        return -EINVAL;
    size_t n = MIN((size_t)more.size, sizeof more.bytes);
    if (more.size < 0 || copy_in(m, offsetof(typeof(more), bytes), more.bytes, n))
        return -EFAULT;
    random_mix(&generator, more.bytes, n);
    return 0;
}

/* RNDADDTOENTCNT: the count is always full, so nothing can be added to it. */
static int64_t add_to_count(struct message *m)
{
    int32_t bits;
    if (copy_in(m, 0, &bits, sizeof bits))
        return -EFAULT;
    return bits < 0 ? -EINVAL : 0;
}

static int64_t do_ioctl(struct message *m)
{
    int32_t bits = ENTROPY_BITS;
    if (m->object != MINOR_RANDOM && m->object != MINOR_URANDOM)
        return -ENOTTY;
    bool may = call_privileged(m->call);
    switch (m->w[1]) {
    case RNDGETENTCNT: return copy_out(m, 0, &bits, sizeof bits) ? -EFAULT : 0;
    case RNDADDTOENTCNT: return may ? add_to_count(m) : -EPERM;
    case RNDADDENTROPY: return may ? add_entropy(m) : -EPERM;
    case RNDZAPENTCNT: /* Linux leaves the count full as well */
    case RNDCLEARPOOL: return may ? 0 : -EPERM;
    case RNDRESEEDCRNG:
        if (may)
            random_seed(&generator);
        return may ? 0 : -EPERM;
    default: return -EINVAL;
    }
}

static int64_t do_open(struct message *m)
{
    return char_open(m, known(m->object), CONN_READY | CONN_OFFSETS);
}
static int64_t do_stat(struct message *m) { return char_stat(m, DEVICE_MAJOR(DEV_NULL), 0666); }
int main(void)
{
    static const handler_t handlers[] = {
        [op_number(FS_READ)] = do_read,           [op_number(FS_WRITE)] = do_write,
        [op_number(FS_SEEK)] = answer_0,          [op_number(FS_STAT)] = do_stat,
        [op_number(FS_OPEN)] = do_open,           [op_number(FS_POLL)] = char_poll,
        [op_number(FS_SYNC)] = answer_einval,     [op_number(FS_IOCTL)] = do_ioctl,
        [op_number(FS_TRUNCATE)] = answer_einval, [op_number(FS_STATFS)] = statfs_of_device,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    random_seed(&generator);
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
