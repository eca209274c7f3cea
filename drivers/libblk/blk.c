/* Protocol FS on disks: see blk.h. A read or write is cut into chunks that fit a buffer. A chunk
 * that does not begin and end with a sector is read, changed and written.
 *
 * A request that waits for the disk holds a thread. One thread is always kept free to take the
 * interrupt that the others wait for: a request that comes when WORKERS threads are busy is queued,
 * and the thread that finishes first goes on with the queue. So serve() replies itself, before the
 * next request, and the service's loop gets LATER for each.
 *
 * A request is thrown back as a whole if a page of the caller's is missing, and made again from its
 * beginning: to read or write the same sectors twice does no harm. */
#include "blk.h"

#include <minnow/file.h>

#include "service.h"
#include "statfs.h"
#include "syscalls.h"

enum {
    BLKROGET = 0x125e,
    BLKGETSIZE = 0x1260,
    BLKFLSBUF = 0x1261,
    BLKSSZGET = 0x1268,
    BLKPBSZGET = 0x127b,
    BLKBSZGET = 0x80081270,
    BLKGETSIZE64 = 0x80081272
};
enum { THREADS = 5, WORKERS = THREADS - 1, THROW_AHEAD = 64 * 1024 };

/* A request that waits for a thread. */
struct queued {
    struct message m;
    struct queued *next;
};

void *(*blk_memory)(size_t pages, paddr_t *physical) = memory_dma;

static struct disk *disks;
static unsigned disk_count, major;
static struct blk_buffer buffers[BLK_BUFFERS];
static struct condition buffer_free;
static struct lock edge_lock; /* held while a part of a sector is read, changed and written */
static struct queued *queue, **queue_end = &queue;
static unsigned working; /* threads that serve a request */
static bool ready;       /* the partitions are known */
static struct disk_published published;

/* The partition, or whole disk, that is an object; NULL: there is none. */
static struct partition *partition_find(uint64_t object, struct disk **disk)
{
    uint64_t d = object / BLK_MINORS, p = object % BLK_MINORS;
    if (d >= disk_count || p >= BLK_PARTITIONS || !disks[d].partitions[p].count)
        return NULL;
    *disk = &disks[d];
    return &disks[d].partitions[p];
}

/* Waits until a buffer is free. */
static struct blk_buffer *buffer_take(void)
{
    for (;;) {
        for (unsigned i = 0; i < BLK_BUFFERS; i++)
            if (buffers[i].data && !buffers[i].busy) {
                buffers[i].busy = true;
                return &buffers[i];
            }
        condition_wait(&buffer_free);
    }
}

static void buffer_give(struct blk_buffer *b)
{
    b->busy = false;
    condition_wake(&buffer_free);
}

/* Notes what a request to an object has moved in the time since `began`; 0 bytes: nothing. */
static void account(uint64_t object, bool write, uint64_t bytes, uint64_t began)
{
    uint64_t d = object / BLK_MINORS, p = object % BLK_MINORS, ns = time_now() - began;
    for (unsigned part = 0; bytes && part <= p; part += p ? p : 1) { /* of the whole disk too */
        struct disk_part *to = &published.part[d][part];
        struct disk_moved *moved = write ? &to->written : &to->read;
        moved->count++;
        moved->sectors += bytes / SECTOR;
        moved->ns += ns;
    }
}

/* Transfer one chunk: `length` bytes at byte `at` of the disk, at offset `done` of the window. 0,
 * -EIO, or -EFAULT: a page of the caller's is missing. Both wait. */
static int read_chunk(struct message *m, struct disk *d, uint64_t at, size_t length, size_t done)
{
    struct blk_buffer *b = buffer_take();
    uint64_t first = at / SECTOR, last = (at + length - 1) / SECTOR;
    int error = d->transfer(d, b, first, last - first + 1, false);
    if (!error)
        error = copy_out_call(m->call, done, b->data + at % SECTOR, length);
    buffer_give(b);
    return error;
}

static int write_chunk(struct message *m, struct disk *d, uint64_t at, size_t length, size_t done)
{
    uint64_t first = at / SECTOR, last = (at + length - 1) / SECTOR;
    bool edges = at % SECTOR || (at + length) % SECTOR;
    struct blk_buffer *b = buffer_take();
    if (edges)
        lock_take(&edge_lock);
    int error = edges ? d->transfer(d, b, first, last - first + 1, false) : 0;
    if (!error)
        error = copy_in_call(m->call, done, b->data + at % SECTOR, length);
    if (!error)
        error = d->transfer(d, b, first, last - first + 1, true);
    if (edges)
        lock_give(&edge_lock);
    buffer_give(b);
    return error;
}

/* Ends the call with a result and the file's new position. */
static int64_t reply_at(struct message *m, int64_t result, uint64_t position)
{
    reply_full(m->call, result, &(struct reply){ .flags = REPLY_POSITION, .r1 = position });
    return LATER;
}

/* Throws the call back: PM brings the missing page at `offset` of the window, and those behind it,
 * and the call is made again. Sectors that have been written are then written again, with the same
 * bytes. Returns LATER. */
static int64_t throw_window(struct message *m, size_t offset, size_t length)
{
    throw_back(m->call, offset, MIN(length, (size_t)THROW_AHEAD));
    return LATER;
}

static int flush(struct disk *d)
{
    uint64_t began = time_now();
    int error = d->flush(d);
    struct disk_part *to = &published.part[d - disks][0];
    to->flushes++;
    to->flush_ns += time_now() - began;
    return error;
}

static int64_t read_or_write(struct message *m, bool write)
{
    struct disk *d;
    struct partition *p = partition_find(m->object, &d);
    if (!p)
        return -ENXIO;
    uint64_t began = time_now();
    uint64_t size = p->count * SECTOR, position = m->position, length = m->w[2];
    if (position >= size || !length)
        return write && length ? -ENOSPC : 0;
    length = MIN(length, size - position);
    for (uint64_t done = 0, n; done < length; done += n) {
        uint64_t at = p->first * SECTOR + position + done;
        n = MIN(length - done, BLK_CHUNK - at % SECTOR);
        int error = write ? write_chunk(m, d, at, n, done) : read_chunk(m, d, at, n, done);
        if (error == -EFAULT)
            return throw_window(m, done, length - done);
        if (error)
            return done ? reply_at(m, done, position + done) : error;
    }
    account(m->object, write, length, began);
    if (write && m->flags & O_DSYNC && flush(d) < 0)
        return -EIO;
    return reply_at(m, length, position + length);
}

static int64_t do_read(struct message *m) { return read_or_write(m, false); }
static int64_t do_write(struct message *m) { return read_or_write(m, true); }

static int64_t do_seek(struct message *m)
{
    struct disk *d;
    struct partition *p = partition_find(m->object, &d);
    if (!p)
        return -ENXIO;
    int64_t base = m->w[2] == SEEK_SET   ? 0
                   : m->w[2] == SEEK_CUR ? (int64_t)m->position
                                         : (int64_t)(p->count * SECTOR);
    int64_t to;
    if (m->w[2] > SEEK_END || __builtin_add_overflow(base, (int64_t)m->w[1], &to) || to < 0)
        return -EINVAL;
    return reply_at(m, to, to);
}

static int64_t do_sync(struct message *m)
{
    struct disk *d;
    return partition_find(m->object, &d) ? flush(d) : -ENXIO;
}

/* Copies the answer of a handler to the window: what the handler returns. */
static int64_t copy_result(struct message *m, const void *from, size_t length)
{
    int error = copy_out_call(m->call, 0, from, length);
    return error == -EFAULT ? throw_window(m, 0, length) : error;
}

static int64_t do_stat(struct message *m)
{
    struct disk *d;
    if (!partition_find(m->object, &d))
        return -ENXIO;
    uint64_t rdev = makedev(major, m->object);
    struct stat s = { .dev = DEVFS_DEV,
                      .ino = rdev,
                      .nlink = 1,
                      .mode = S_IFBLK | 0660,
                      .rdev = rdev,
                      .blksize = PAGE_SIZE };
    return copy_result(m, &s, sizeof s);
}

static int64_t do_open(struct message *m)
{
    struct disk *d;
    return partition_find(m->object, &d)
               ? connect(m, m->object, m->w[1] | CONN_SEEKABLE | CONN_READY)
               : -ENXIO;
}

static int64_t do_ioctl(struct message *m)
{
    struct disk *d;
    struct partition *p = partition_find(m->object, &d);
    if (!p)
        return -ENXIO;
    uint64_t size = p->count * SECTOR, sectors = p->count;
    uint32_t sector = SECTOR, read_only = 0;
    switch ((uint32_t)m->w[1]) {
    case BLKGETSIZE64: return copy_result(m, &size, sizeof size);
    case BLKGETSIZE: return copy_result(m, &sectors, sizeof sectors);
    case BLKROGET: return copy_result(m, &read_only, sizeof read_only);
    case BLKPBSZGET:
    case BLKSSZGET:
    case BLKBSZGET: return copy_result(m, &sector, sizeof sector);
    case BLKFLSBUF: return flush(d);
    default: return -ENOTTY;
    }
}

/* Fills in the partitions of a disk; only the whole disk if the table cannot be read. */
static void read_partitions(struct disk *d)
{
    struct blk_buffer *b = &buffers[0];
    d->partitions[0] = (struct partition){ 0, d->sectors };
    if (d->transfer(d, b, 0, 1, false) < 0)
        print("the partition table cannot be read");
    else
        mbr_read(b->data, d->sectors, d->partitions);
    for (unsigned i = 0; i < BLK_PARTITIONS; i++)
        published.part[d - disks][i].sectors = d->partitions[i].count;
}

/* ---- requests and threads ---- */

/* Serves one request and replies. Waits. */
static void serve(struct message *m)
{
    static const handler_t handlers[] = {
        [op_number(FS_READ)] = do_read,   [op_number(FS_WRITE)] = do_write,
        [op_number(FS_SEEK)] = do_seek,   [op_number(FS_STAT)] = do_stat,
        [op_number(FS_SYNC)] = do_sync,   [op_number(FS_OPEN)] = do_open,
        [op_number(FS_IOCTL)] = do_ioctl,
    };
    int64_t result = handlers[op_number(m->op)](m);
    if (result != LATER)
        reply(m->call, result);
}

static void serve_queue(void)
{
    while (queue) {
        struct queued *q = queue;
        queue = q->next;
        if (!queue)
            queue_end = &queue;
        serve(&q->m);
        memory_free(q);
    }
}

/* LATER, or -ENOMEM. */
static int64_t enqueue(const struct message *m)
{
    struct queued *q = memory_alloc(sizeof *q);
    if (!q)
        return -ENOMEM;
    q->m = *m;
    q->next = NULL;
    *queue_end = q;
    queue_end = &q->next;
    return LATER;
}

/* The handler of every operation: serves the request and then those that are queued, or queues it
 * if the partitions are not known yet or all threads but one are busy. */
static int64_t serve_or_queue(struct message *m)
{
    if (!ready || working == WORKERS)
        return enqueue(m);
    working++;
    serve(m);
    serve_queue();
    working--;
    return LATER;
}

/* Reads the partitions, in a thread of its own, since a transfer waits for an interrupt that
 * another thread must take. Requests that come meanwhile are queued. */
static void start(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < disk_count; i++)
        read_partitions(&disks[i]);
    ready = true;
    serve_queue();
}

void blk_serve(struct disk *list, unsigned count, unsigned major_number,
               void (*notify)(uint64_t bits))
{
    static const handler_t handlers[] = {
        [op_number(FS_READ)] = serve_or_queue,  [op_number(FS_WRITE)] = serve_or_queue,
        [op_number(FS_SEEK)] = serve_or_queue,  [op_number(FS_STAT)] = serve_or_queue,
        [op_number(FS_SYNC)] = serve_or_queue,  [op_number(FS_OPEN)] = serve_or_queue,
        [op_number(FS_IOCTL)] = serve_or_queue, [op_number(FS_STATFS)] = statfs_of_device,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    disks = list;
    disk_count = count;
    major = major_number;
    ask_publish(&published, sizeof published);
    for (unsigned i = 0; i < BLK_BUFFERS && count; i++)
        buffers[i].data = blk_memory(BLK_CHUNK / PAGE_SIZE, &buffers[i].physical);
    if (count && !buffers[0].data)
        die("no memory for transfers");
    if (thread_start(start, NULL) < 0)
        die("no memory for a thread");
    service_run(&(struct service){
        .protocols = protocols, .count = 1, .threads = THREADS, .notify = notify });
}
