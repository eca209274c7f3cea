/* The back of the device vdisk, for the tests of labs. A program opens it by GATE_CALL with
 * FS_OPEN; then pread and pwrite at VDISK_PLAN, VDISK_STATE and VDISK_LOG move the structures
 * below, and anywhere else the medium itself, a sector at a time, past driver and rings. */
#ifndef VDISK_H
#define VDISK_H

#include <stdint.h>

enum { VDISK_SECTOR = 512, VDISK_QUEUE_MAX = 64, VDISK_LOG_MAX = 256, VDISK_BAD_MAX = 4 };
#define VDISK_SECTORS ((1ull << 33) + 12345)
#define VDISK_PLAN    (1ull << 50)
#define VDISK_STATE   (1ull << 51)
#define VDISK_LOG     (1ull << 52)

/* What the device offers: as in Virtio 1.2, 5.2.3. */
enum {
    VDISK_SIZE_MAX = 1 << 1,
    VDISK_SEG_MAX = 1 << 2,
    VDISK_READ_ONLY = 1 << 5,
    VDISK_FLUSH = 1 << 9
};

/* Answers of a request: also as in Virtio. */
enum { VDISK_OK, VDISK_IOERR, VDISK_UNSUPPORTED };

/* What the device does from now on. A new plan clears counters and log. */
struct vdisk_plan {
    uint64_t seed;     /* of what the medium holds, if `fresh`, and of all that is drawn */
    uint32_t fresh;    /* 1: all sectors are as the seed says */
    uint32_t hold;     /* when so many requests are on the way they are answered, in any order */
    uint64_t delay_ns; /* from a request to its answer; with hold: to that of one that is alone */
    uint32_t lose;     /* so many interrupts do not come */
    uint32_t shorten;  /* so many reads end half way, in good order */
    uint32_t sticks;   /* 1: answers no request any more until it is reset; n: so n times */
    uint32_t noise;    /* 1: answers twice, answers what nobody asked, interrupts for nothing */
    uint64_t bad[VDISK_BAD_MAX]; /* sectors + 1 whose requests end with... */
    uint32_t bad_status;         /* ...this */
    uint32_t ask_reset;          /* 1: another medium is put in: NEEDS_RESET, and then... */
    uint32_t features;           /* ...these are offered, */
    uint32_t queue_size, size_max, seg_max; /* with these limits */
    uint32_t cut_power;                     /* 1: what is not flushed is lost, now */
};

struct vdisk_state {
    uint32_t requests, reads, writes, flushes, refused; /* that have come; answered with an error */
    uint32_t answered, on_way, most_on_way;
    uint32_t resets, started; /* writes of 0 to STATUS; of DRIVER_OK */
    uint32_t notified;        /* writes to QUEUE_NOTIFY */
    uint32_t accesses;        /* of all registers */
    uint32_t interrupts, lost;
    uint32_t features; /* that the driver has taken */
    uint32_t wrong;    /* violations of the device's rules since the machine was started */
    char first_wrong[104];
    uint64_t last_answer; /* when, in ns since boot */
};

struct vdisk_entry {
    uint64_t sector, arrived; /* ns since boot */
    uint32_t type, bytes, segments, after_resets;
};
struct vdisk_log {
    uint64_t count; /* entries, of which the first VDISK_LOG_MAX are kept */
    struct vdisk_entry entries[VDISK_LOG_MAX];
};

/* Word i of a sector that was never written. */
static inline uint64_t vdisk_word(uint64_t seed, uint64_t sector, unsigned i)
{
    uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15ull ^ (sector * 64 + i) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 31) * 0x94d049bb133111ebull;
    return x ^ x >> 29;
}

#endif
