/* log: transactions for a file server, on a disk whose power may fail.
 *
 * The log is a ring of blocks behind a header:
 *
 *     block 0   1 2 3 ...                                       LOG_BLOCKS - 1
 *     header    record    | record | record    | free ...
 *               ^ tail: the oldest               ^ head: the next
 *
 *     record    its descriptor: sequence number, how many blocks, their homes, a checksum of all
 *               of it; then the blocks themselves
 *
 * A record counts when it has the number that is expected of it and its checksum is right. So it
 * may reach the disk in any order, in part or not at all, without a flush of its own; SYNC flushes
 * all that was committed, once. What comes behind a record that does not count does not count.
 *
 * When the log is full all blocks are installed: written home. Around that stand three flushes: the
 * records are on the disk before their blocks are written home, the blocks are home before the
 * header forgets the records, and the header has forgotten them before their room is used again.
 *
 * Recovery does the same: it reads the records, and installs them. It gives the header a sequence
 * number that no record in the ring can have, for behind the last good one there may be others,
 * whole, that came after one which was lost. */
#include "log.h"
#include "service.h"

enum { MAGIC = 0x4c4f4731, RING = LOG_BLOCKS - 1 };

struct header {
    uint32_t magic, tail; /* place of the oldest record in the ring */
    uint64_t sequence;    /* its number */
};
struct descriptor {
    uint32_t magic, count;
    uint64_t sequence, sum;
    uint32_t home[LOG_MAX];
};
_Static_assert(sizeof(struct header) <= SECTOR, "the header arrives whole or not at all");

struct transaction {
    uint64_t owner; /* the endpoint of the program; 0: free */
    unsigned count;
    uint32_t home[LOG_MAX];
    uint8_t data[LOG_MAX][BLOCK];
};

static struct transaction open[LOG_OPEN];

/* Committed and not at home yet. */
static struct {
    bool dirty;
    uint8_t data[BLOCK];
} fresh[HOME];

static unsigned head, used; /* in the ring: where the next record begins, blocks in use */
static uint64_t sequence;   /* of the next record */
static bool unsure;         /* something in the ring is not flushed */

/* ---- the ring ---- */

static unsigned place(unsigned n) { return 1 + n % RING; }

/* FNV-1a (Fowler, Noll, Vo), a word at a time. `bytes` is a multiple of 8. */
static uint64_t sum_of(uint64_t sum, const void *from, size_t bytes)
{
    const uint64_t *words = from;
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        sum = (sum ^ words[i]) * 0x100000001b3;
    return sum;
}

static int write_header(uint64_t first)
{
    static union {
        struct header h;
        uint8_t bytes[BLOCK];
    } block;
    block.h = (struct header){ .magic = MAGIC, .tail = head, .sequence = first };
    return disk_write(0, &block);
}

/* Waits for all records to be on the disk. */
static int make_sure(void)
{
    int error = unsure ? disk_flush() : 0;
    unsure = unsure && error;
    return error;
}

/* Writes all that is committed home, and empties the ring. The record that comes next has the
 * number `next`. */
static int install(uint64_t next)
{
    int error = make_sure();
    for (unsigned n = 0; n < HOME && !error; n++)
        if (fresh[n].dirty)
            error = disk_write(HOME_AT(n), fresh[n].data);
    if (!error && used)
        error = disk_flush();
    if (!error)
        error = write_header(next);
    if (!error)
        error = disk_flush();
    if (error)
        return error;
    for (unsigned n = 0; n < HOME; n++)
        fresh[n].dirty = false;
    used = 0;
    sequence = next;
    return 0;
}

/* Writes a transaction into the ring. */
static int append(const struct transaction *t)
{
    static union {
        struct descriptor d;
        uint8_t bytes[BLOCK];
    } block;
    if (used + 1 + t->count > RING) {
        int error = install(sequence);
        if (error)
            return error;
    }
    struct descriptor *d = &block.d;
    *d = (struct descriptor){ .magic = MAGIC, .count = t->count, .sequence = sequence };
    memcpy(d->home, t->home, t->count * sizeof t->home[0]);
    uint64_t sum = sum_of(sequence, d, sizeof *d);
    unsure = true;
    for (unsigned i = 0; i < t->count; i++) {
        sum = sum_of(sum, t->data[i], BLOCK);
        int error = disk_write(place(head + 1 + i), t->data[i]);
        if (error)
            return error;
    }
    d->sum = sum;
    int error = disk_write(place(head), &block);
    if (error)
        return error;
    head = (head + 1 + t->count) % RING;
    used += 1 + t->count;
    sequence++;
    return 0;
}

/* ---- recovery ---- */

/* Takes the record at the head of the ring, if it counts. 0, -ENOENT: it does not; -EIO. */
static int take_record(void)
{
    static union {
        struct descriptor d;
        uint8_t bytes[BLOCK];
    } block;
    static uint8_t data[LOG_MAX][BLOCK];
    struct descriptor *d = &block.d;
    if (disk_read(place(head), &block))
        return -EIO;
    if (d->magic != MAGIC || d->sequence != sequence || d->count > LOG_MAX ||
        used + 1 + d->count > RING)
        return -ENOENT;
    uint64_t expected = d->sum;
    d->sum = 0;
    uint64_t sum = sum_of(sequence, d, sizeof *d);
    for (unsigned i = 0; i < d->count; i++) {
        if (disk_read(place(head + 1 + i), data[i]))
            return -EIO;
        sum = sum_of(sum, data[i], BLOCK);
    }
    if (sum != expected)
        return -ENOENT;
    for (unsigned i = 0; i < d->count; i++) {
        fresh[d->home[i] % HOME].dirty = true;
        memcpy(fresh[d->home[i] % HOME].data, data[i], BLOCK);
    }
    head = (head + 1 + d->count) % RING;
    used += 1 + d->count;
    sequence++;
    return 0;
}

/* Also makes a log of a new disk, which has no header. */
static int recover(void)
{
    static union {
        struct header h;
        uint8_t bytes[BLOCK];
    } block;
    int error = disk_read(0, &block);
    if (error)
        return error;
    if (block.h.magic == MAGIC) {
        head = block.h.tail % RING;
        sequence = block.h.sequence;
        while ((error = take_record()) == 0)
            ;
        if (error != -ENOENT)
            return error;
    }
    unsure = true; /* perhaps only this program was started anew, and the disk goes on */
    return install(sequence + RING);
}

/* ---- transactions ---- */

struct search {
    uint64_t task;
    bool found;
};

static void look_for(const struct thread_info *t, void *argument)
{
    struct search *s = argument;
    s->found = s->found || t->task == s->task;
}

static bool alive(uint64_t task)
{
    struct search s = { .task = task };
    threads_each(look_for, &s);
    return s.found;
}

/* The caller's transaction with this number; NULL: it has none. */
static struct transaction *find(const struct message *m)
{
    uint64_t n = m->w[0] - 1;
    return n < LOG_OPEN && open[n].owner == m->from ? &open[n] : NULL;
}

/* The bytes of a block that the transaction has written; NULL: it has not. */
static uint8_t *written(struct transaction *t, unsigned block)
{
    for (unsigned i = 0; i < t->count; i++)
        if (t->home[i] == block)
            return t->data[i];
    return NULL;
}

static int64_t do_begin(struct message *m)
{
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < LOG_OPEN; i++) {
            if (round && open[i].owner && !alive(open[i].owner))
                open[i].owner = 0;
            if (!open[i].owner) {
                open[i].owner = m->from;
                open[i].count = 0;
                return i + 1;
            }
        }
    return -EAGAIN;
}

static int64_t do_write(struct message *m)
{
    struct transaction *t = find(m);
    if (!t || m->w[2] != BLOCK || m->w[3] >= HOME)
        return -EINVAL;
    uint8_t *to = written(t, m->w[3]);
    bool new = !to;
    if (new && t->count == LOG_MAX)
        return -E2BIG;
    static uint8_t data[BLOCK]; /* half a block would be left if a page of the window is missing */
    int error = copy_in(m, 0, data, BLOCK);
    if (error)
        return error;
    if (new) {
        t->home[t->count] = m->w[3];
        to = t->data[t->count++];
    }
    memcpy(to, data, BLOCK);
    return 0;
}

static int64_t do_commit(struct message *m)
{
    struct transaction *t = find(m);
    if (!t)
        return -EINVAL;
    int error = t->count ? append(t) : 0;
    if (error)
        return error;
    for (unsigned i = 0; i < t->count; i++) {
        fresh[t->home[i]].dirty = true;
        memcpy(fresh[t->home[i]].data, t->data[i], BLOCK);
    }
    t->owner = 0;
    return 0;
}

static int64_t do_abort(struct message *m)
{
    struct transaction *t = find(m);
    if (!t)
        return -EINVAL;
    t->owner = 0;
    return 0;
}

static int64_t do_read(struct message *m)
{
    static uint8_t data[BLOCK];
    struct transaction *t = find(m);
    if ((m->w[0] && !t) || m->w[2] != BLOCK || m->w[3] >= HOME)
        return -EINVAL;
    const uint8_t *from = t ? written(t, m->w[3]) : NULL;
    if (!from && fresh[m->w[3]].dirty)
        from = fresh[m->w[3]].data;
    if (!from) {
        if (disk_read(HOME_AT(m->w[3]), data))
            return -EIO;
        from = data;
    }
    return copy_out(m, 0, from, BLOCK);
}

static int64_t do_sync(struct message *m)
{
    (void)m;
    return make_sure();
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(LOG_BEGIN)] = do_begin,   [op_number(LOG_WRITE)] = do_write,
        [op_number(LOG_COMMIT)] = do_commit, [op_number(LOG_ABORT)] = do_abort,
        [op_number(LOG_READ)] = do_read,     [op_number(LOG_SYNC)] = do_sync,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(LOG, handlers) };
    if (recover())
        die("the disk cannot be read or written");
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
