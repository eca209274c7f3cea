/* vdisk: a disk's controller, as a service. Its driver sees what QEMU's virtio-blk shows by the
 * legacy interface (Virtio 1.2, 4.1.4.8 and 5.2.6): registers, one queue in the driver's memory, an
 * interrupt. Tests see its back: vdisk.h. It notes whatever the driver does against the rules, and
 * by a plan it fails as devices do.
 *
 * A call of a service is one of the driver: FS_READ and FS_WRITE at the number of a register, or at
 * ATTACH the call whose window is the driver's memory. It is never answered; memory is moved by
 * copies from and to that window. A call of a program is one of a test. */
#include "vdisk.h"

#include <minnow/file.h>

#include "service.h"

enum { HOST_FEATURES = 0, GUEST_FEATURES = 4, QUEUE_PFN = 8, QUEUE_SIZE = 12, QUEUE_SELECT = 14 };
enum { QUEUE_NOTIFY = 16, STATUS = 18, ISR = 19, CAPACITY = 20, MAX_BYTES = 28, MAX_PIECES = 32 };
enum { REGISTERS_END = 36, ATTACH = 0x1000, MEMORY_AT = 0x100000 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, NEEDS_RESET = 64 };
enum { ISR_QUEUE = 1, ISR_CONFIG = 2, BIT_IRQ = 0, NO_INTERRUPT = 1 };
enum { NEXT = 1, DEVICE_WRITES = 2, TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4, HEADER = 16 };
enum { WRITTEN_MAX = 1024, BACK = 1 /* the object of tests */, PER_PAGE = PAGE_SIZE };
enum { APART = 3000000 /* ns between answers in an order that is drawn */ };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};
struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

/* A request on the way. */
struct job {
    bool used, shuffled;
    unsigned head, count; /* of its descriptors */
    struct header header;
    struct descriptor chain[VDISK_QUEUE_MAX];
    uint32_t bytes;
    uint64_t due;
};

/* A sector that was written. */
struct written {
    uint64_t sector;
    bool used, safe; /* safe: `flushed` is on the medium */
    uint8_t now[VDISK_SECTOR], flushed[VDISK_SECTOR];
};

static call_t memory; /* the driver's call with its memory, or 0 */
static endpoint_t driver;

/* registers */
static uint8_t status, isr;
static uint16_t selected;
static uint32_t queue_page, taken;
static uint32_t offered = VDISK_SIZE_MAX | VDISK_SEG_MAX | VDISK_FLUSH;
static uint32_t queue_size = 16, size_max = 4096, seg_max = 8;
static uint16_t taken_index, used_index;

static struct job jobs[VDISK_QUEUE_MAX];
static bool stuck;
static struct written *written;
static struct vdisk_plan plan;
static struct vdisk_state state;
static struct vdisk_log *log;
static uint64_t medium_seed, drawn;

static unsigned draw(unsigned below)
{
    drawn = drawn * 6364136223846793005ull + 1442695040888963407ull;
    return (drawn >> 33) % below;
}

/* ---- what the driver does wrong ---- */

static void wrong(const char *format_, unsigned long a, unsigned long b)
{
    if (!state.wrong++)
        format(state.first_wrong, sizeof state.first_wrong, format_, a, b);
}

/* ---- the driver's memory ---- */

static bool memory_get(paddr_t at, void *to, size_t length)
{
    if (at >= MEMORY_AT && memory && copy_in_call(memory, at - MEMORY_AT, to, length) == 0)
        return true;
    wrong("the device is to read %lu bytes at %lx, where there is no memory", length, at);
    memset(to, 0, length);
    return false;
}

static bool memory_put(paddr_t at, const void *from, size_t length)
{
    if (at >= MEMORY_AT && memory && copy_out_call(memory, at - MEMORY_AT, from, length) == 0)
        return true;
    wrong("the device is to write %lu bytes at %lx, where there is no memory", length, at);
    return false;
}

static paddr_t queue_at(void) { return (paddr_t)queue_page * PER_PAGE; }
static paddr_t available_at(void) { return queue_at() + queue_size * sizeof(struct descriptor); }
static paddr_t used_at(void)
{
    return (available_at() + 6 + queue_size * 2ul + PER_PAGE - 1) / PER_PAGE * PER_PAGE;
}

static uint16_t memory_get16(paddr_t at)
{
    uint16_t value;
    memory_get(at, &value, sizeof value);
    return value;
}

/* ---- the medium ---- */

/* The entry of a written sector; with `make` a free one for it. NULL: there is none. */
static struct written *find(uint64_t sector, bool make)
{
    struct written *free = NULL;
    for (unsigned i = 0; i < WRITTEN_MAX; i++) {
        struct written *w = &written[(sector + i) % WRITTEN_MAX];
        if (w->used && w->sector == sector)
            return w;
        if (!w->used) {
            free = w;
            break;
        }
    }
    if (make && free)
        *free = (struct written){ .sector = sector, .used = true };
    return make ? free : NULL;
}

static void original(uint64_t sector, uint8_t *to)
{
    for (unsigned i = 0; i < VDISK_SECTOR / 8; i++) {
        uint64_t word = vdisk_word(medium_seed, sector, i);
        memcpy(to + i * 8, &word, 8);
    }
}

static void medium_get(uint64_t sector, uint8_t *to)
{
    struct written *w = find(sector, false);
    if (w)
        memcpy(to, w->now, VDISK_SECTOR);
    else
        original(sector, to);
}

static bool medium_put(uint64_t sector, const uint8_t *from)
{
    struct written *w = find(sector, true);
    if (w)
        memcpy(w->now, from, VDISK_SECTOR);
    return w;
}

static void medium_flush(void)
{
    for (unsigned i = 0; i < WRITTEN_MAX; i++)
        if (written[i].used) {
            memcpy(written[i].flushed, written[i].now, VDISK_SECTOR);
            written[i].safe = true;
        }
}

static void medium_cut_power(void)
{
    for (unsigned i = 0; i < WRITTEN_MAX; i++)
        if (written[i].used) {
            if (written[i].safe)
                memcpy(written[i].now, written[i].flushed, VDISK_SECTOR);
            else
                original(written[i].sector, written[i].now);
        }
}

/* ---- answers ---- */

static void interrupt(uint8_t why)
{
    if (plan.lose && why == ISR_QUEUE) {
        plan.lose--;
        state.lost++;
        return;
    }
    bool low = !isr;
    isr |= why;
    if (low) { /* the line stays up until ISR is read */
        state.interrupts++;
        notify(driver, BIT_IRQ);
    }
}

static void used_put(uint32_t id, uint32_t length)
{
    struct {
        uint32_t id, length;
    } entry = { id, length };
    memory_put(used_at() + 4 + used_index % queue_size * sizeof entry, &entry, sizeof entry);
    used_index++;
    memory_put(used_at() + 2, &used_index, sizeof used_index);
}

/* Moves the data of a request, or `length` bytes of it. */
static bool move(const struct job *j, uint32_t length)
{
    uint8_t bytes[VDISK_SECTOR];
    uint64_t sector = j->header.sector;
    bool good = true;
    for (unsigned i = 1; i + 1 < j->count; i++)
        for (uint32_t at = 0; at < j->chain[i].length && length; at += VDISK_SECTOR, sector++) {
            length -= VDISK_SECTOR;
            if (j->header.type == TYPE_IN) {
                medium_get(sector, bytes);
                good &= memory_put(j->chain[i].address + at, bytes, VDISK_SECTOR);
            } else {
                good &= memory_get(j->chain[i].address + at, bytes, VDISK_SECTOR) &&
                        medium_put(sector, bytes);
            }
        }
    return good;
}

static bool is_bad(const struct job *j)
{
    for (unsigned i = 0; i < VDISK_BAD_MAX; i++)
        if (plan.bad[i] && plan.bad[i] - 1 - j->header.sector < MAX(j->bytes / VDISK_SECTOR, 1u))
            return true;
    return false;
}

/* The first descriptor of another request that is on the way, or, if none is, of any. */
static uint32_t other_head(const struct job *j)
{
    for (unsigned i = 0; i < VDISK_QUEUE_MAX; i++)
        if (jobs[i].used && &jobs[i] != j)
            return jobs[i].head;
    return (j->head + 1 + draw(queue_size - 1)) % queue_size;
}

/* Does what a request asks, and answers. */
static void finish(struct job *j)
{
    uint32_t type = j->header.type, length = j->bytes;
    uint8_t answer = VDISK_OK;
    if (is_bad(j))
        answer = plan.bad_status;
    else if (type == TYPE_IN && plan.shorten && length > VDISK_SECTOR) {
        plan.shorten--;
        length = length / 2 / VDISK_SECTOR * VDISK_SECTOR;
        move(j, length);
    } else if (type == TYPE_FLUSH) {
        medium_flush();
    } else if (!move(j, length)) {
        answer = VDISK_IOERR;
    }
    state.refused += answer != VDISK_OK;
    state.answered++;
    state.on_way--;
    state.last_answer = time_now();
    memory_put(j->chain[j->count - 1].address, &answer, 1);
    used_put(j->head, (type == TYPE_IN && answer == VDISK_OK ? length : 0) + 1);
    if (plan.noise) {
        used_put(j->head, j->bytes + 1);
        used_put(queue_size + draw(1000), 1);
        used_put(other_head(j) | 1u << 16, 1);
    }
    j->used = false;
    if (!(memory_get16(available_at()) & NO_INTERRUPT))
        interrupt(ISR_QUEUE);
}

/* Draws the order in which all requests on the way are answered, one each APART. */
static void shuffle(void)
{
    uint64_t due = time_now();
    for (unsigned left = VDISK_QUEUE_MAX; left;) {
        left = 0;
        for (unsigned i = 0; i < VDISK_QUEUE_MAX; i++)
            left += jobs[i].used && !jobs[i].shuffled;
        unsigned at = left ? draw(left) : 0;
        for (unsigned i = 0; left && i < VDISK_QUEUE_MAX; i++)
            if (jobs[i].used && !jobs[i].shuffled && !at--) {
                jobs[i].due = due += APART;
                jobs[i].shuffled = true;
                break;
            }
    }
}

/* Answers what is due, and sets the alarm for the rest. */
static void answer_due(void)
{
    if (stuck)
        return;
    if (plan.hold && state.on_way >= plan.hold)
        shuffle();
    uint64_t next = 0, now = time_now();
    for (unsigned i = 0; i < VDISK_QUEUE_MAX; i++) {
        if (jobs[i].used && jobs[i].due <= now)
            finish(&jobs[i]);
        if (jobs[i].used && (!next || jobs[i].due < next))
            next = jobs[i].due;
    }
    alarm_at(next);
}

/* ---- requests ---- */

static bool on_way(unsigned descriptor)
{
    for (unsigned i = 0; i < VDISK_QUEUE_MAX; i++)
        for (unsigned n = 0; jobs[i].used && n < jobs[i].count; n++)
            if ((n ? jobs[i].chain[n - 1].next : jobs[i].head) == descriptor)
                return true;
    return false;
}

/* Reads a chain. false: it is none, and the reason is noted. */
static bool chain_read(struct job *j)
{
    unsigned at = j->head;
    for (j->count = 0;; at = j->chain[j->count - 1].next) {
        if (at >= queue_size || j->count == queue_size)
            return wrong("a chain leads to descriptor %lu of %lu, or in a circle", at, queue_size),
                   false;
        if (on_way(at))
            return wrong("descriptor %lu is used again while its request is on the way", at, 0),
                   false;
        struct descriptor *d = &j->chain[j->count++];
        if (!memory_get(queue_at() + at * sizeof *d, d, sizeof *d))
            return false;
        if (!(d->flags & NEXT))
            return true;
    }
}

/* Whether a request is as the rules want it; the reason is noted. */
static bool request_right(struct job *j)
{
    const struct descriptor *first = &j->chain[0], *last = &j->chain[j->count - 1];
    if (j->count < 2 || first->length != HEADER || first->flags & DEVICE_WRITES)
        return wrong("a request of %lu descriptors does not begin with a header of 16 bytes",
                     j->count, 0),
               false;
    if (last->length != 1 || !(last->flags & DEVICE_WRITES))
        return wrong("a request ends with %lu bytes, flags %lu: no place for the status",
                     last->length, last->flags),
               false;
    if (!memory_get(first->address, &j->header, sizeof j->header))
        return false;
    uint32_t type = j->header.type;
    j->bytes = 0;
    for (unsigned i = 1; i + 1 < j->count; i++) {
        const struct descriptor *d = &j->chain[i];
        if (!d->length || d->length % VDISK_SECTOR)
            return wrong("a descriptor has %lu bytes of data", d->length, 0), false;
        if (offered & VDISK_SIZE_MAX && d->length > size_max)
            return wrong("a descriptor has %lu bytes of data: size_max is %lu", d->length,
                         size_max),
                   false;
        if (!(d->flags & DEVICE_WRITES) != (type != TYPE_IN))
            return wrong("a request of type %lu has data with flags %lu", type, d->flags), false;
        j->bytes += d->length;
    }
    if (offered & VDISK_SEG_MAX && j->count > seg_max + 2)
        return wrong("a request has %lu descriptors of data: seg_max is %lu", j->count - 2,
                     seg_max),
               false;
    if (type == TYPE_FLUSH ? j->bytes : (type != TYPE_IN && type != TYPE_OUT) || !j->bytes)
        return wrong("a request of type %lu has %lu bytes of data", type, j->bytes), false;
    if (type == TYPE_FLUSH && !(taken & VDISK_FLUSH))
        return wrong("a flush, but the driver has not taken the feature", 0, 0), false;
    if (type == TYPE_OUT && offered & VDISK_READ_ONLY)
        return wrong("a write of sector %lu, but the device is read-only", j->header.sector, 0),
               false;
    if (type != TYPE_FLUSH &&
        !range_within(j->header.sector, j->bytes / VDISK_SECTOR, VDISK_SECTORS))
        return wrong("a request for sector %lu, beyond the end", j->header.sector, 0), false;
    return true;
}

static void note(const struct job *j)
{
    uint32_t type = j->header.type;
    state.requests++;
    state.reads += type == TYPE_IN;
    state.writes += type == TYPE_OUT;
    state.flushes += type == TYPE_FLUSH;
    state.on_way++;
    state.most_on_way = MAX(state.most_on_way, state.on_way);
    if (log->count < VDISK_LOG_MAX)
        log->entries[log->count] = (struct vdisk_entry){ .sector = j->header.sector,
                                                         .arrived = time_now(),
                                                         .type = type,
                                                         .bytes = j->bytes,
                                                         .segments = j->count - 2,
                                                         .after_resets = state.resets };
    log->count++;
}

/* Takes one chain. A wrong one has no answer. */
static void take(unsigned head)
{
    static struct job j;
    j.used = true;
    j.head = head;
    if (!chain_read(&j) || !request_right(&j))
        return;
    j.due = time_now() + plan.delay_ns;
    for (unsigned i = 0; i < VDISK_QUEUE_MAX; i++)
        if (!jobs[i].used) {
            memcpy(&jobs[i], &j, sizeof j);
            note(&j);
            return;
        }
}

static void queue_look(void)
{
    if (status & NEEDS_RESET)
        return; /* the driver may not have heard of it yet */
    if (!(status & DRIVER_OK) || !queue_page) {
        wrong("the queue is notified when status is %lu: before DRIVER_OK", status, 0);
        return;
    }
    uint16_t index = memory_get16(available_at() + 2);
    if ((uint16_t)(index - taken_index) > queue_size) {
        wrong("the available ring's index jumps from %lu to %lu", taken_index, index);
        return;
    }
    while (taken_index != index)
        take(memory_get16(available_at() + 4 + taken_index++ % queue_size * 2ul));
    if (plan.sticks && !stuck && state.on_way) {
        stuck = true;
        plan.sticks--;
    }
    if (plan.noise)
        interrupt(ISR_CONFIG);
    answer_due();
}

/* ---- registers ---- */

static void reset(void)
{
    for (unsigned i = 0; i < VDISK_QUEUE_MAX; i++)
        jobs[i].used = false;
    status = isr = 0;
    stuck = false;
    queue_page = taken = selected = 0;
    taken_index = used_index = 0;
    state.on_way = 0;
    state.resets++;
    if (plan.ask_reset) {
        plan.ask_reset = 0;
        offered = plan.features;
        queue_size = plan.queue_size, size_max = plan.size_max, seg_max = plan.seg_max;
    }
    alarm_at(0);
}

static void status_write(uint8_t value)
{
    if (!value) {
        reset();
        return;
    }
    if ((value & DRIVER && !(value & ACKNOWLEDGE)) || (value & DRIVER_OK && !(value & DRIVER)))
        wrong("status %lu: a step of the start is left out", value, 0);
    if (value & DRIVER_OK && !queue_page)
        wrong("DRIVER_OK, but the device has no queue", 0, 0);
    if (~value & status & (ACKNOWLEDGE | DRIVER | DRIVER_OK))
        wrong("status %lu after %lu: bits are only taken back by a reset", value, status);
    if (value & DRIVER_OK && !(status & DRIVER_OK)) {
        state.started++;
        state.features = taken;
    }
    status = value | (status & NEEDS_RESET);
}

static void before_ok(unsigned at)
{
    if (!(status & DRIVER) || status & DRIVER_OK)
        wrong("register %lu is written when status is %lu: not between DRIVER and DRIVER_OK", at,
              status);
}

static void register_write(unsigned at, uint32_t value)
{
    switch (at) {
    case GUEST_FEATURES:
        before_ok(at);
        if (value & ~offered)
            wrong("features %lx are taken, but %lx are offered", value, offered);
        taken = value;
        break;
    case QUEUE_SELECT: selected = value; break;
    case QUEUE_PFN:
        before_ok(at);
        queue_page = selected == 0 ? value : 0;
        break;
    case QUEUE_NOTIFY: state.notified++, queue_look(); break;
    case STATUS: status_write(value); break;
    default: wrong("register %lu is written", at, 0);
    }
}

static uint64_t register_value(unsigned at)
{
    switch (at) {
    case HOST_FEATURES: return offered;
    case GUEST_FEATURES: return taken;
    case QUEUE_PFN: return queue_page;
    case QUEUE_SIZE: return selected == 0 ? queue_size : 0;
    case QUEUE_SELECT: return selected;
    case STATUS: return status;
    case ISR: return isr;
    case CAPACITY: return VDISK_SECTORS;
    case CAPACITY + 4: return VDISK_SECTORS >> 32;
    case MAX_BYTES: return offered & VDISK_SIZE_MAX ? size_max : 0;
    case MAX_PIECES: return offered & VDISK_SEG_MAX ? seg_max : 0;
    }
    wrong("register %lu is read", at, 0);
    return 0;
}

/* ---- the driver's calls ---- */

static int64_t driver_reads(struct message *m)
{
    uint64_t value = register_value(MIN(m->position, (uint64_t)ATTACH));
    state.accesses++;
    int error = copy_out(m, 0, &value, MIN(m->w[2], sizeof value));
    if (!error && m->position == ISR)
        isr = 0;
    return error;
}

static int64_t driver_writes(struct message *m)
{
    uint32_t value = 0;
    if (m->position == ATTACH) {
        if (memory && call_alive(memory))
            return -EBUSY;
        memory = m->call;
        return LATER;
    }
    int error = copy_in(m, 0, &value, MIN(m->w[2], sizeof value));
    if (error)
        return error;
    state.accesses++;
    register_write(MIN(m->position, (uint64_t)ATTACH), value);
    return 0;
}

/* ---- the tests' calls ---- */

static int64_t plan_take(struct message *m)
{
    static struct vdisk_plan p;
    if (m->w[2] != sizeof p || copy_in(m, 0, &p, sizeof p))
        return m->w[2] != sizeof p ? -EINVAL : -EFAULT;
    memcpy(&plan, &p, sizeof plan);
    drawn = plan.seed;
    if (plan.fresh) {
        memset(written, 0, WRITTEN_MAX * sizeof written[0]);
        medium_seed = plan.seed;
    }
    if (plan.cut_power)
        medium_cut_power();
    state.requests = state.reads = state.writes = state.flushes = state.refused = 0;
    state.answered = state.most_on_way = state.resets = state.started = state.notified = 0;
    state.accesses = state.interrupts = state.lost = 0;
    log->count = 0;
    if (plan.ask_reset) {
        status |= NEEDS_RESET;
        stuck = true; /* until then it answers nothing */
        interrupt(ISR_CONFIG);
    }
    return sizeof p;
}

static int64_t do_read(struct message *m)
{
    if (m->from < MAX_SERVICE)
        return driver_reads(m);
    uint8_t bytes[VDISK_SECTOR];
    const void *from = bytes;
    size_t length = MIN(m->w[2], sizeof bytes);
    if (m->position == VDISK_STATE)
        from = &state, length = MIN(m->w[2], sizeof state);
    else if (m->position == VDISK_LOG)
        from = log, length = MIN(m->w[2], sizeof *log);
    else
        medium_get(m->position / VDISK_SECTOR, bytes);
    int error = copy_out(m, 0, from, length);
    return error ? error : (int64_t)length;
}

static int64_t do_write(struct message *m)
{
    if (m->from < MAX_SERVICE)
        return driver_writes(m);
    if (m->position == VDISK_PLAN)
        return plan_take(m);
    uint8_t bytes[VDISK_SECTOR];
    if (m->w[2] != sizeof bytes)
        return -EINVAL;
    int error = copy_in(m, 0, bytes, sizeof bytes);
    if (error)
        return error;
    return medium_put(m->position / VDISK_SECTOR, bytes) ? (int64_t)sizeof bytes : -ENOSPC;
}

static int64_t do_open(struct message *m)
{
    return m->from < MAX_SERVICE ? -EACCES : connect(m, BACK, O_RDWR | CONN_READY | CONN_OFFSETS);
}

static void notified(uint64_t bits)
{
    (void)bits;
    answer_due();
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(FS_READ)] = do_read,
        [op_number(FS_WRITE)] = do_write,
        [op_number(FS_OPEN)] = do_open,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    driver = service_find("vblk");
    written = memory_zalloc(WRITTEN_MAX * sizeof written[0]);
    log = memory_zalloc(sizeof *log);
    if (!written || !log)
        die("no memory for the medium");
    service_run(
        &(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = notified });
}
