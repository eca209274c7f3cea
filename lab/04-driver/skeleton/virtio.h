/* What driver and device have agreed on: registers, queue, requests. Not yours to change. (Virtio
 * 1.2, the legacy interface: 4.1.4.8, 2.7, 5.2.6.) */
#ifndef VIRTIO_H
#define VIRTIO_H

#include <stdint.h>

/* Registers, for bus_in and bus_out. */
enum {
    HOST_FEATURES = 0,  /* 32 bits: what the device offers */
    GUEST_FEATURES = 4, /* 32: what the driver takes of it */
    QUEUE_PFN = 8,      /* 32: the address of the queue / PAGE_SIZE */
    QUEUE_SIZE = 12,    /* 16: descriptors; a power of two, 64 at most */
    QUEUE_SELECT = 14,  /* 16: the queue that the three before mean; there is only 0 */
    QUEUE_NOTIFY = 16,  /* 16: write 0: there is something new in queue 0 */
    STATUS = 18,        /* 8: STATUS_...; write 0: reset */
    ISR = 19,           /* 8: ISR_...; reading it clears it and lowers the interrupt line */
    CAPACITY = 20,      /* 64, by two reads of 32: sectors */
    MAX_BYTES = 28,     /* 32, with FEATURE_SIZE_MAX: bytes of one descriptor of data, at most */
    MAX_PIECES = 32     /* 32, with FEATURE_SEG_MAX: descriptors of data in one request, at most */
};
enum { STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4, STATUS_NEEDS_RESET = 64 };
enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };
enum {
    FEATURE_SIZE_MAX = 1 << 1,
    FEATURE_SEG_MAX = 1 << 2,
    FEATURE_READ_ONLY = 1 << 5,
    FEATURE_FLUSH = 1 << 9
};

/* The queue of n descriptors: an array of those, directly behind it the available ring, and on the
 * next page that begins behind it the used ring. */
enum { QUEUE_SIZE_MAX = 64 };
enum { NEXT = 1, DEVICE_WRITES = 2 }; /* flags */
struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};
struct available {
    uint16_t flags, index, ring[];
};
struct used_entry {
    uint32_t id, length; /* first descriptor; bytes that the device has written, the status too */
};
struct used {
    uint16_t flags, index;
    struct used_entry ring[];
};

/* A request: this, the data (whole sectors in each descriptor), and a byte for the answer. */
enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4 };
struct header {
    uint32_t type, reserved;
    uint64_t sector;
};
enum { ANSWER_OK = 0, ANSWER_ERROR = 1, ANSWER_UNSUPPORTED = 2 };

#endif
