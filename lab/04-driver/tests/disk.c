/* The tests of lab 04: reads and writes of the disk by ordinary programs, compared with what its
 * medium holds and with what the device saw.
 * disk TEST SEED */
#define _GNU_SOURCE
#include "labtest.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../gate/gate.h"
#include "../../vdisk/vdisk.h"

/* Of minnow/protocol.def, which is for services; and the numbers that virtio.h has. */
enum { OPEN = 1 << 8 | 10, TYPE_READ = 0, TYPE_WRITE = 1, TYPE_FLUSH = 4 };
enum { SECTOR = VDISK_SECTOR, MS = 1000000, AT_ONCE = 4 };
static const uint64_t known = VDISK_SIZE_MAX | VDISK_SEG_MAX | VDISK_READ_ONLY | VDISK_FLUSH;

static int disk, back; /* by way of the driver, and the device's own back */
static struct vdisk_plan plan;

/* ---- the device ---- */

static int open_by_gate(const char *service)
{
    struct gate_call c = { .op = OPEN, .base = O_RDWR };
    static int gate = -1;
    strcpy(c.service, service);
    if (gate < 0)
        NEED((gate = open("/dev/gate", O_RDWR | O_CLOEXEC)) >= 0);
    return ioctl(gate, GATE_CALL, &c);
}

static void set_plan(void) { NEED(pwrite(back, &plan, sizeof plan, VDISK_PLAN) == sizeof plan); }

static const struct vdisk_state *state(void)
{
    static struct vdisk_state s;
    NEED(pread(back, &s, sizeof s, VDISK_STATE) == sizeof s);
    return &s;
}

static const struct vdisk_log *read_log(void)
{
    static struct vdisk_log l;
    NEED(pread(back, &l, sizeof l, VDISK_LOG) == sizeof l);
    return &l;
}

/* How many requests of this kind for this sector have come. */
static unsigned logged(unsigned type, uint64_t sector)
{
    const struct vdisk_log *l = read_log();
    unsigned found = 0;
    for (unsigned i = 0; i < VDISK_LOG_MAX && i < l->count; i++)
        found += l->entries[i].type == type && l->entries[i].sector == sector;
    return found;
}

/* The driver has kept the device's rules so far. */
static void rules_kept(void)
{
    const struct vdisk_state *s = state();
    if (s->wrong)
        lab_fail("R1, R4", "none against its rules", s->first_wrong,
                 "looking at what the device got");
}

static void begin(void)
{
    NEED((back = open_by_gate("vdisk")) >= 0);
    disk = open_by_gate("vblk");
    EXPECT("R1", disk < 0 ? -errno : 0, 0, "opening the disk");
    rules_kept();
    plan = (struct vdisk_plan){ .seed = lab_random(), .fresh = 1 };
    set_plan();
}

/* Another medium: the device asks for a reset, and then offers this. */
static void change_medium(unsigned features, unsigned queue, unsigned size_max, unsigned seg_max)
{
    plan.ask_reset = 1;
    plan.features = features;
    plan.queue_size = queue, plan.size_max = size_max, plan.seg_max = seg_max;
    set_plan();
    plan.ask_reset = 0;
}

/* ---- time ---- */

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static unsigned ms_since(uint64_t when) { return (now() - when) / MS; }

static void at_most(const char *requirement, unsigned got, unsigned limit, const char *unit,
                    const char *what)
{
    char expected[64], happened[64];
    snprintf(expected, sizeof expected, "at most %u %s", limit, unit);
    snprintf(happened, sizeof happened, "%u %s", got, unit);
    if (got > limit)
        lab_fail(requirement, expected, happened, "%s", what);
}

/* ---- sectors ---- */

/* A sector, or `count` of them one behind the other, without the last two. */
static uint64_t any_sector(void) { return lab_random() % (VDISK_SECTORS - 1000); }

static void original(uint64_t sector, unsigned count, void *to)
{
    for (unsigned i = 0; i < count * SECTOR / 8; i++)
        ((uint64_t *)to)[i] = vdisk_word(plan.seed, sector + i / 64, i % 64);
}

static void any_bytes(void *to, size_t length)
{
    for (size_t i = 0; i < length / 8; i++)
        ((uint64_t *)to)[i] = lab_random();
}

static void same(const char *requirement, const void *got, const void *wanted, size_t length,
                 const char *what, uint64_t sector)
{
    for (size_t i = 0; i < length; i++)
        if (((uint8_t *)got)[i] != ((uint8_t *)wanted)[i]) {
            char expected[64], happened[64];
            snprintf(expected, sizeof expected, "byte %02x at %zu", ((uint8_t *)wanted)[i], i);
            snprintf(happened, sizeof happened, "byte %02x", ((uint8_t *)got)[i]);
            lab_fail(requirement, expected, happened, "%s of %zu bytes at sector %llu", what,
                     length, (unsigned long long)sector);
        }
}

static int64_t result(ssize_t n) { return n < 0 ? -errno : n; }

static int64_t get(uint64_t sector, unsigned count, void *to)
{
    lab_now("a read of %u sectors at %llu", count, (unsigned long long)sector);
    return result(pread(disk, to, (size_t)count * SECTOR, sector * SECTOR));
}

static int64_t put(uint64_t sector, unsigned count, const void *from)
{
    lab_now("a write of %u sectors at %llu", count, (unsigned long long)sector);
    return result(pwrite(disk, from, (size_t)count * SECTOR, sector * SECTOR));
}

/* A read that must bring what the medium holds from the beginning. */
static void get_right(const char *requirement, uint64_t sector, unsigned count)
{
    static uint64_t got[65536 / 8], wanted[65536 / 8];
    memset(got, 0xa5, (size_t)count * SECTOR);
    EXPECT(requirement, get(sector, count, got), count * SECTOR, "a read of %u sectors at %llu",
           count, (unsigned long long)sector);
    original(sector, count, wanted);
    same(requirement, got, wanted, (size_t)count * SECTOR, "a read", sector);
}

/* What the medium itself holds. */
static void holds(const char *requirement, uint64_t sector, unsigned count, const void *wanted,
                  const char *after)
{
    uint8_t got[SECTOR];
    for (unsigned i = 0; i < count; i++) {
        NEED(pread(back, got, SECTOR, (sector + i) * SECTOR) == SECTOR);
        same(requirement, got, (uint8_t *)wanted + i * SECTOR, SECTOR, after, sector + i);
    }
}

static void holds_original(const char *requirement, uint64_t sector, const char *after)
{
    uint64_t wanted[SECTOR / 8];
    original(sector, 1, wanted);
    holds(requirement, sector, 1, wanted, after);
}

/* ---- several at once ---- */

struct job {
    bool write;
    unsigned count;
    uint64_t sector;
    int64_t result;
    uint64_t took; /* ns */
    uint8_t data[32768];
};
static struct job *jobs;

static void jobs_new(void)
{
    if (!jobs)
        jobs = mmap(NULL, AT_ONCE * sizeof *jobs, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(jobs != MAP_FAILED);
    memset(jobs, 0xa5, AT_ONCE * sizeof *jobs);
    for (unsigned i = 0; i < AT_ONCE; i++) {
        jobs[i].write = i % 2;
        jobs[i].count = 1;
        jobs[i].sector = any_sector();
    }
}

static void job_start(struct job *j)
{
    if (j->write)
        any_bytes(j->data, j->count * SECTOR);
    if (fork())
        return;
    uint64_t began = now();
    if (j->write)
        j->result = put(j->sector, j->count, j->data);
    else
        j->result = get(j->sector, j->count, j->data);
    j->took = now() - began;
    _Exit(0);
}

static void jobs_start(void)
{
    for (unsigned i = 0; i < AT_ONCE; i++)
        job_start(&jobs[i]);
}

static void jobs_wait(void)
{
    lab_now("%u reads and writes at once", AT_ONCE);
    for (unsigned i = 0; i < AT_ONCE; i++)
        NEED(wait(NULL) > 0);
}

/* Each has ended well, with what is its own. */
static void jobs_right(const char *requirement, const char *when)
{
    static uint64_t wanted[32768 / 8];
    for (unsigned i = 0; i < AT_ONCE; i++) {
        const struct job *j = &jobs[i];
        EXPECT(requirement, j->result, j->count * SECTOR, "a %s of %u sectors at %llu, %s",
               j->write ? "write" : "read", j->count, (unsigned long long)j->sector, when);
        original(j->sector, j->count, wanted);
        if (j->write)
            holds(requirement, j->sector, j->count, j->data, "a write beside others");
        else
            same(requirement, j->data, wanted, j->count * SECTOR, "a read beside others",
                 j->sector);
    }
}

/* AT_ONCE requests are on the way together, and come back right. */
static void all_at_once(const char *requirement, const char *when)
{
    plan.hold = AT_ONCE;
    plan.delay_ns = 60 * MS;
    set_plan();
    jobs_new();
    jobs_start();
    jobs_wait();
    jobs_right(requirement, when);
    EXPECT(requirement, state()->most_on_way, AT_ONCE, "counting the requests at the device, %s",
           when);
    plan.hold = plan.delay_ns = 0;
    set_plan();
}

/* ---- the tests ---- */

static void identify(void)
{
    begin();
    const struct vdisk_state *s = state();
    EXPECT("R1", s->features & known, s->features, "looking at the features that the driver takes");
    EXPECT("R1", result(lseek(disk, 0, SEEK_END)), VDISK_SECTORS * SECTOR, "lseek to the end");
    uint8_t sector[SECTOR];
    get(5, 1, sector);
    EXPECT("R1", state()->requests > 0, 1, "a read: has the device got a request?");
    rules_kept();
}

static void read_test(void)
{
    begin();
    for (unsigned i = 0; i < 8; i++) {
        get_right("R2", any_sector(), 1);
        EXPECT("R2", state()->requests, i + 1, "counting requests after %u reads", i + 1);
    }
    for (unsigned i = 0; i < 4; i++)
        get_right("R2", any_sector(), 2 + lab_below(6));
    rules_kept();
}

static void write_test(void)
{
    uint64_t data[8 * SECTOR / 8], again[SECTOR / 8];
    begin();
    for (unsigned i = 0; i < 8; i++) {
        unsigned count = 1 + lab_below(8);
        uint64_t sector = 1 + any_sector();
        any_bytes(data, sizeof data);
        EXPECT("R3", put(sector, count, data), count * SECTOR, "a write of %u sectors", count);
        holds("R3", sector, count, data, "a write");
        holds_original("R3", sector - 1, "a write behind it");
        holds_original("R3", sector + count, "a write before it");
        EXPECT("R3", get(sector, 1, again), SECTOR, "a read of what was written");
        same("R3", again, data, SECTOR, "a read of what was written", sector);
    }
    plan.delay_ns = 9 * MS;
    plan.fresh = 0;
    set_plan();
    for (unsigned i = 0; i < 3; i++) {
        uint64_t sector = any_sector(), began = now();
        any_bytes(data, sizeof data);
        EXPECT("R3", put(sector, 2, data), 2 * SECTOR, "a write of 2 sectors");
        EXPECT("R3", ms_since(began) >= 9, 1, "a write that takes the device 9 ms: it took %u",
               ms_since(began));
        holds("R3", sector, 2, data, "a write to a slow device");
    }
    plan.delay_ns = 0;
    set_plan();
    rules_kept();
}

static void far(void)
{
    uint64_t data[SECTOR / 8];
    begin();
    get_right("R2", 0, 1);
    get_right("R2", VDISK_SECTORS - 1, 1);
    get_right("R2", (1ull << 32) - 1, 2);
    get_right("R2", (1ull << 33) + lab_below(10000), 1);
    any_bytes(data, sizeof data);
    EXPECT("R3", put(VDISK_SECTORS - 1, 1, data), SECTOR, "a write of the last sector");
    holds("R3", VDISK_SECTORS - 1, 1, data, "a write of the last sector");
    EXPECT("R2", get(VDISK_SECTORS, 1, data), 0, "a read at the end");
    EXPECT("R3", put(VDISK_SECTORS, 1, data), -ENOSPC, "a write at the end");
    rules_kept();
}

static void large(void)
{
    static uint64_t data[65536 / 8];
    begin();
    for (unsigned i = 0; i < 3; i++)
        get_right("R4", any_sector(), 17 + lab_below(48));
    get_right("R4", any_sector(), 128);
    uint64_t sector = any_sector();
    any_bytes(data, sizeof data);
    EXPECT("R4", put(sector, 128, data), 65536, "a write of 128 sectors");
    holds("R4", sector, 128, data, "a write of 128 sectors");
    const struct vdisk_log *l = read_log();
    unsigned segments = 0;
    for (unsigned i = 0; i < l->count && i < VDISK_LOG_MAX; i++)
        segments = l->entries[i].segments > segments ? l->entries[i].segments : segments;
    EXPECT("R4", segments, 8,
           "looking for the most descriptors of data in a request: seg_max is 8");
    rules_kept();
}

static void together(void)
{
    begin();
    for (unsigned i = 0; i < 3; i++)
        all_at_once("R5", "answered in any order");
    rules_kept();
}

static void crowd(void)
{
    begin();
    for (unsigned round = 0; round < 2; round++) {
        jobs_new();
        for (unsigned i = 0; i < AT_ONCE; i++)
            jobs[i].count = 33 + lab_below(32);
        plan.delay_ns = 2 * MS;
        set_plan();
        jobs_start();
        jobs_wait();
        jobs_right("R5", "when the queue is too short for all");
    }
    plan.delay_ns = 0;
    set_plan();
    rules_kept();
}

/* How often this program counts in so many ms, while others do what they do. */
static uint64_t counted(unsigned ms)
{
    uint64_t end = now() + (uint64_t)ms * MS, n = 0;
    while (now() < end)
        n++;
    return n;
}

static void sleeps(void)
{
    enum { WHILE_MS = 30, DELAY_MS = 45 };
    begin();
    uint64_t alone = counted(WHILE_MS);
    plan.delay_ns = DELAY_MS * (uint64_t)MS;
    set_plan();
    jobs_new();
    job_start(&jobs[0]);
    uint64_t began = now();
    usleep(8000);
    at_most("R6", ms_since(began), 12, "ms", "a sleep of 8 ms while a read waits for the device");
    EXPECT("R6", state()->on_way, 1, "counting the requests at a slow device");
    unsigned before = state()->accesses;
    uint64_t beside = counted(WHILE_MS);
    unsigned accesses = state()->accesses - before;
    NEED(wait(NULL) > 0);
    EXPECT("R6", jobs[0].result, SECTOR, "a read of a slow device");
    at_most("R6", 100 - (beside < alone ? beside * 100 / alone : 100), 20, "%",
            "measuring the processor time that others lose while a read waits");
    at_most("R6", accesses, 4, "accesses", "counting those to registers while a read waits 30 ms");
    /* and the interrupt is what ends the waiting */
    plan.delay_ns = 7 * MS;
    set_plan();
    for (unsigned i = 0; i < 3; i++) {
        began = now();
        get_right("R6", any_sector(), 1);
        at_most("R6", ms_since(began), 12, "ms", "a read that takes the device 7 ms");
    }
    plan.delay_ns = 0;
    set_plan();
    rules_kept();
}

static void lost(void)
{
    begin();
    for (unsigned i = 0; i < 3; i++) {
        plan.lose = 1;
        set_plan();
        uint64_t began = now();
        get_right("R7", any_sector(), 1);
        at_most("R7", ms_since(began), 60, "ms", "a read whose interrupt is lost");
        EXPECT("R7", state()->requests, 1, "counting requests for a read whose interrupt is lost");
        EXPECT("R7", state()->resets, 0, "counting resets for a lost interrupt");
    }
    plan.lose = AT_ONCE + lab_below(2);
    set_plan();
    jobs_new();
    uint64_t began = now();
    jobs_start();
    jobs_wait();
    at_most("R7", ms_since(began), 130, "ms", "reads and writes at once whose interrupts are lost");
    jobs_right("R7", "when interrupts are lost");
    plan.lose = 0;
    set_plan();
    rules_kept();
}

static void errors(void)
{
    uint64_t data[SECTOR / 8];
    begin();
    for (unsigned i = 0; i < 4; i++) {
        uint64_t sector = 1 + any_sector();
        plan.bad[0] = sector + 1;
        plan.bad_status = 1 + i % 2;
        set_plan();
        EXPECT("R8", get(sector, 1, data), -EIO, "a read that the device answers with %u",
               plan.bad_status);
        EXPECT("R8", logged(TYPE_READ, sector), 1, "counting requests for it");
        EXPECT("R8", put(sector, 1, data), -EIO, "a write that the device answers with %u",
               plan.bad_status);
        EXPECT("R8", logged(TYPE_WRITE, sector), 1, "counting requests for it");
        get_right("R8", sector - 1, 1);
        get_right("R8", sector + 1, 1);
    }
    for (unsigned round = 0; round < 3; round++) {
        unsigned bad = lab_below(AT_ONCE);
        jobs_new();
        plan.bad[0] = jobs[bad].sector + 1;
        plan.hold = AT_ONCE;
        plan.delay_ns = 60 * MS;
        set_plan();
        jobs_start();
        jobs_wait();
        EXPECT("R8", jobs[bad].result, -EIO, "the %s that fails, of four at once",
               jobs[bad].write ? "write" : "read");
        for (unsigned i = 0; i < AT_ONCE; i++)
            if (i != bad)
                EXPECT("R8", jobs[i].result, SECTOR, "a %s beside one that fails",
                       jobs[i].write ? "write" : "read");
    }
    plan.bad[0] = plan.hold = plan.delay_ns = 0;
    set_plan();
    get_right("R8", any_sector(), 1);
    rules_kept();
}

static void short_test(void)
{
    uint64_t data[8 * SECTOR / 8];
    begin();
    for (unsigned times = 1; times <= 3; times++) {
        unsigned count = 2 + lab_below(7);
        uint64_t sector = any_sector();
        plan.shorten = times;
        set_plan();
        if (times < 3)
            get_right("R9", sector, count);
        else
            EXPECT("R9", get(sector, count, data), -EIO, "a read that ends half way three times");
        EXPECT("R9", logged(TYPE_READ, sector), times < 3 ? times + 1 : 3,
               "counting requests for a read that ended half way %u times", times);
    }
    plan.shorten = 0;
    set_plan();
    get_right("R9", any_sector(), 8);
    rules_kept();
}

static void patient(void)
{
    begin();
    plan.delay_ns = 95 * MS;
    set_plan();
    for (unsigned i = 0; i < 2; i++)
        get_right("R10", any_sector(), 1);
    EXPECT("R10", state()->resets, 0, "counting resets of a device that needs 95 ms");
    EXPECT("R10", state()->requests, 2, "counting requests for two reads that take 95 ms each");
    plan.delay_ns = 0;
    set_plan();
    rules_kept();
}

static void stuck(void)
{
    begin();
    plan.delay_ns = MS; /* so that all are on the way when it falls silent */
    plan.sticks = 1;
    set_plan();
    jobs_new();
    jobs_start();
    jobs_wait();
    jobs_right("R10", "of a device that fell silent");
    EXPECT("R10", state()->resets, 1, "counting resets of a device that fell silent once");
    for (unsigned i = 0; i < AT_ONCE; i++) {
        unsigned type = jobs[i].write ? TYPE_WRITE : TYPE_READ;
        EXPECT("R10", logged(type, jobs[i].sector), 2,
               "counting the requests for each %s: one before the reset, one after it",
               jobs[i].write ? "write" : "read");
        at_most("R10", jobs[i].took / MS, 350, "ms", "a request to a device that fell silent");
    }
    plan.sticks = plan.delay_ns = 0;
    set_plan();
    get_right("R10", any_sector(), 3);
    rules_kept();
}

static void dead(void)
{
    uint64_t data[SECTOR / 8], sector;
    begin();
    plan.sticks = 100;
    set_plan();
    sector = any_sector();
    uint64_t began = now();
    EXPECT("R11", get(sector, 1, data), -EIO, "a read from a device that stays silent");
    at_most("R11", ms_since(began), 1000, "ms", "a read from a device that stays silent");
    EXPECT("R11", logged(TYPE_READ, sector), 3, "counting requests for it");
    plan.sticks = 0;
    set_plan();
    get_right("R11", any_sector(), 1);
    EXPECT("R11", state()->on_way, 0, "counting requests when it works again");
    rules_kept();
}

/* Until the driver has started the device anew. */
static void until_started(void)
{
    for (unsigned i = 0; i < 100 && !state()->started; i++)
        usleep(1000);
    EXPECT("R12", state()->started, 1, "waiting for a start after the device asked for a reset");
}

static void asks(void)
{
    begin();
    plan.delay_ns = 40 * MS;
    set_plan();
    jobs_new();
    jobs_start();
    usleep(10000);
    EXPECT("R12", state()->on_way, AT_ONCE, "counting the requests before the device asks");
    plan.fresh = 0;
    change_medium(VDISK_SIZE_MAX | VDISK_SEG_MAX | VDISK_FLUSH, 32, 2048, 4);
    until_started();
    jobs_wait();
    jobs_right("R12", "which the device had when it asked for a reset");
    EXPECT("R12", state()->requests, AT_ONCE, "counting the requests after the reset");
    EXPECT("R12", state()->resets, 1, "counting resets");
    /* what was answered before the reset, by an interrupt that got lost, is answered */
    plan.delay_ns = 0;
    plan.lose = 1;
    set_plan();
    jobs_new();
    job_start(&jobs[0]);
    usleep(4000);
    EXPECT("R12", state()->lost, 1, "counting lost interrupts before the device asks");
    plan.lose = 0;
    change_medium(VDISK_SIZE_MAX | VDISK_SEG_MAX | VDISK_FLUSH, 32, 2048, 4);
    until_started();
    NEED(wait(NULL) > 0);
    EXPECT("R12", jobs[0].result, SECTOR, "a read that was answered just before the reset");
    EXPECT("R12", state()->requests, 0, "counting the requests after the reset");
    get_right("R12", any_sector(), 64); /* by the new limits */
    change_medium(VDISK_FLUSH, 8, 0, 0);
    until_started();
    get_right("R12", any_sector(), 64);
    change_medium(VDISK_SIZE_MAX | VDISK_SEG_MAX | VDISK_FLUSH, 16, 4096, 8);
    until_started();
    get_right("R12", any_sector(), 64);
    rules_kept();
}

static void flush_test(void)
{
    uint64_t safe[SECTOR / 8], unsafe[SECTOR / 8], sector;
    begin();
    plan.fresh = 0;
    any_bytes(safe, sizeof safe);
    any_bytes(unsafe, sizeof unsafe);
    sector = any_sector();
    EXPECT("R13", put(sector, 1, safe), SECTOR, "a write");
    EXPECT("R13", result(fsync(disk)), 0, "fsync");
    EXPECT("R13", state()->flushes, 1, "counting flushes after fsync");
    EXPECT("R13", put(sector + 1, 1, unsafe), SECTOR, "a write");
    EXPECT("R13", state()->flushes, 1, "counting flushes after a write");
    plan.cut_power = 1;
    set_plan();
    plan.cut_power = 0;
    holds("R13", sector, 1, safe, "fsync, and then a power cut");
    plan.delay_ns = 25 * MS;
    set_plan();
    uint64_t began = now();
    EXPECT("R13", result(fsync(disk)), 0, "fsync");
    EXPECT("R13", ms_since(began) >= 25, 1, "fsync when the device takes 25 ms: it took %u",
           ms_since(began));
    plan.delay_ns = 0;
    plan.bad[0] = 1; /* a flush has sector 0 */
    plan.bad_status = VDISK_IOERR;
    set_plan();
    EXPECT("R13", result(fsync(disk)), -EIO, "fsync that the device answers with an error");
    plan.bad[0] = 0;
    set_plan();
    EXPECT("R13", result(fsync(disk)), 0, "fsync after one that failed");
    rules_kept();
}

static void read_only(void)
{
    uint64_t data[SECTOR / 8] = { 0 };
    begin();
    plan.fresh = 0;
    change_medium(VDISK_READ_ONLY | VDISK_SEG_MAX, 16, 0, 8);
    until_started();
    get_right("R14", any_sector(), 5);
    unsigned requests = state()->requests;
    EXPECT("R14", put(any_sector(), 1, data), -EROFS, "a write to a read-only device");
    EXPECT("R14", result(fsync(disk)), 0, "fsync of a device that has no flush");
    EXPECT("R14", state()->requests, requests, "counting requests after both");
    change_medium(VDISK_SIZE_MAX | VDISK_SEG_MAX | VDISK_FLUSH, 16, 4096, 8);
    until_started();
    EXPECT("R14", put(any_sector(), 1, data), SECTOR, "a write to a device that can be written");
    EXPECT("R14", result(fsync(disk)), 0, "fsync");
    EXPECT("R14", state()->flushes, 1, "counting flushes");
    rules_kept();
}

static void noise(void)
{
    begin();
    plan.noise = 1;
    set_plan();
    for (unsigned i = 0; i < 12; i++)
        get_right("R15", any_sector(), 1 + lab_below(12));
    EXPECT("R15", state()->requests, 12, "counting requests");
    for (unsigned i = 0; i < 2; i++)
        all_at_once("R15", "of a device that answers twice");
    plan.noise = 0;
    set_plan();
    all_at_once("R15", "after a device that answered twice");
    rules_kept();
}

/* So many times of each that a descriptor lost each time would be missed. */
static void leaks(void)
{
    uint64_t data[SECTOR / 8], bad = any_sector();
    begin();
    plan.bad[0] = bad + 1;
    plan.bad_status = VDISK_IOERR;
    plan.shorten = 40;
    set_plan();
    for (unsigned i = 0; i < 30; i++) {
        EXPECT("R16", get(bad, 1, data), -EIO, "a read that fails, the %uth time", i + 1);
        EXPECT("R16", result(fsync(disk)), 0, "fsync, the %uth time", i + 1);
        result(pread(disk, data, 2, (bad + 1) * SECTOR - 1));
        uint64_t long_read[4 * SECTOR / 8];
        EXPECT("R16", get(bad + 1, 4, long_read), i < 13 ? -EIO : 4 * SECTOR,
               "a read that ends half way, the %uth time", i + 1);
    }
    plan = (struct vdisk_plan){ .seed = plan.seed, .lose = 4, .sticks = 2 };
    set_plan();
    for (unsigned i = 0; i < 4; i++)
        get_right("R16", any_sector(), 64);
    plan.lose = plan.sticks = 0;
    set_plan();
    for (unsigned i = 0; i < 400; i++)
        get_right("R16", any_sector(), 1);
    all_at_once("R16", "after hundreds of requests");
    rules_kept();
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = { { "identify", identify },   { "read", read_test },
                                            { "write", write_test },    { "far", far },
                                            { "large", large },         { "together", together },
                                            { "crowd", crowd },         { "sleeps", sleeps },
                                            { "lost", lost },           { "errors", errors },
                                            { "short", short_test },    { "patient", patient },
                                            { "stuck", stuck },         { "dead", dead },
                                            { "asks", asks },           { "flush", flush_test },
                                            { "read-only", read_only }, { "noise", noise },
                                            { "leaks", leaks },         { NULL, NULL } };
    return lab_main(argc, argv, tests);
}
