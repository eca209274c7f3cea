/* cutdisk: a disk in memory whose power can fail.
 *
 * A life of the disk is what it held at first, and its events in order: writes, with their bytes,
 * and flushes. Power fails behind any event of any life that is recorded:
 *
 *     life 0   base | write write FLUSH write write write FLUSH ...
 *                                         |     |     ^ cut here
 *                                         these two are unsure, each sector by itself; those
 *                                         before the flush are there
 *     life 1   base = what is there then | write ...
 *
 * Of two writes to one sector the later wins, if it arrives. The events of later lives stand behind
 * those of earlier ones in one array, and are forgotten when an earlier life is cut anew. */
#include "cutdisk.h"
#include "service.h"

struct event {
    uint16_t block; /* or CUT_FLUSH */
    uint8_t data[CUT_BLOCK];
};
struct life {
    uint32_t first, count; /* events */
    uint8_t base[CUT_BLOCKS][CUT_BLOCK];
};

static uint8_t disk[CUT_BLOCKS][CUT_BLOCK];
static struct event events[CUT_EVENTS_MAX];
static struct life lives[CUT_LIVES + 1];
static struct cut_count count;

/* Starts life `number` with the disk as it is. */
static void begin_life(uint32_t number)
{
    struct life *l = &lives[number];
    l->first = number ? lives[number - 1].first + lives[number - 1].count : 0;
    l->count = 0;
    memcpy(l->base, disk, sizeof disk);
    count = (struct cut_count){ .life = number, .refused = count.refused };
}

/* The next event to fill in; NULL: the record is full. */
static struct event *record(uint16_t block)
{
    struct life *l = &lives[count.life];
    if (l->first + l->count == CUT_EVENTS_MAX)
        return NULL;
    struct event *e = &events[l->first + l->count++];
    e->block = block;
    return e;
}

/* ---- the disk, object CUT_DISK: protocol FS ---- */

/* The block that the request is for; -1: not one whole block of the disk. */
static int block_of(const struct message *m)
{
    bool good = m->object == CUT_DISK && m->position % CUT_BLOCK == 0 &&
                m->position / CUT_BLOCK < CUT_BLOCKS && m->w[2] == CUT_BLOCK;
    count.refused += !good;
    return good ? (int)(m->position / CUT_BLOCK) : -1;
}

static int64_t do_read(struct message *m)
{
    int block = block_of(m);
    if (block < 0)
        return -EINVAL;
    int error = copy_out(m, 0, disk[block], CUT_BLOCK);
    count.reads += !error;
    return error ? error : CUT_BLOCK;
}

static int64_t do_write(struct message *m)
{
    static uint8_t data[CUT_BLOCK];
    int block = block_of(m);
    if (block < 0)
        return -EINVAL;
    int error = copy_in(m, 0, data, CUT_BLOCK);
    if (error)
        return error;
    struct event *e = record(block);
    if (!e) {
        count.refused++;
        return -EIO;
    }
    memcpy(e->data, data, CUT_BLOCK);
    memcpy(disk[block], data, CUT_BLOCK);
    count.writes++;
    return CUT_BLOCK;
}

static int64_t do_sync(struct message *m)
{
    if (m->object != CUT_DISK)
        return -EINVAL;
    if (!record(CUT_FLUSH)) {
        count.refused++;
        return -EIO;
    }
    count.flushes++;
    return 0;
}

/* ---- its power, object 0: protocol CUT ---- */

static int64_t do_new(struct message *m)
{
    if (m->object)
        return -EPERM;
    memset(disk, 0, sizeof disk);
    begin_life(0);
    return 0;
}

static int64_t do_count(struct message *m)
{
    if (m->object)
        return -EPERM;
    return copy_out(m, 0, &count, MIN(m->w[2], sizeof count));
}

static int64_t do_events(struct message *m)
{
    if (m->object)
        return -EPERM;
    if (m->w[0] > count.life || m->w[3] > lives[m->w[0]].count)
        return -EINVAL;
    const struct life *l = &lives[m->w[0]];
    uint32_t n = MIN(l->count - m->w[3], m->w[2] / sizeof(uint16_t));
    static uint16_t blocks[CUT_EVENTS_MAX];
    for (uint32_t i = 0; i < n; i++)
        blocks[i] = events[l->first + m->w[3] + i].block;
    int error = copy_out(m, 0, blocks, n * sizeof blocks[0]);
    return error ? error : (int64_t)n;
}

static int64_t do_power(struct message *m)
{
    static uint8_t arrives[CUT_EVENTS_MAX];
    if (m->object)
        return -EPERM;
    uint64_t number = m->w[0], before = m->w[2];
    if (number > count.life || number >= CUT_LIVES || before > lives[number].count)
        return -EINVAL;
    int error = copy_in(m, 0, arrives, before);
    if (error)
        return error;
    const struct life *l = &lives[number];
    uint32_t sure = before; /* events before the last flush */
    while (sure && events[l->first + sure - 1].block != CUT_FLUSH)
        sure--;
    memcpy(disk, l->base, sizeof disk);
    for (uint32_t i = 0; i < before; i++) {
        const struct event *e = &events[l->first + i];
        for (unsigned s = 0; e->block != CUT_FLUSH && s < CUT_BLOCK / CUT_SECTOR; s++)
            if (i < sure || arrives[i] >> s & 1)
                memcpy(disk[e->block] + s * CUT_SECTOR, e->data + s * CUT_SECTOR, CUT_SECTOR);
    }
    begin_life(number + 1);
    return 0;
}

static int64_t do_look(struct message *m)
{
    if (m->object)
        return -EPERM;
    if (m->w[3] >= CUT_BLOCKS || m->w[2] != CUT_BLOCK)
        return -EINVAL;
    return copy_out(m, 0, disk[m->w[3]], CUT_BLOCK);
}

int main(void)
{
    static const handler_t disk_handlers[] = {
        [op_number(FS_READ)] = do_read,
        [op_number(FS_WRITE)] = do_write,
        [op_number(FS_SYNC)] = do_sync,
    };
    static const handler_t power_handlers[] = {
        [op_number(CUT_NEW)] = do_new,       [op_number(CUT_COUNT)] = do_count,
        [op_number(CUT_EVENTS)] = do_events, [op_number(CUT_POWER)] = do_power,
        [op_number(CUT_READ)] = do_look,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, disk_handlers),
                                                 PROTOCOL_TABLE(CUT, power_handlers) };
    begin_life(0);
    service_run(&(struct service){ .protocols = protocols, .count = 2, .threads = 1 });
}
