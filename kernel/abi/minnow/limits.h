/* Sizes of the kernel's tables, and how numbers that name their entries are put together. A table
 * by task, thread or descriptor takes its size from here. */
#ifndef MINNOW_LIMITS_H
#define MINNOW_LIMITS_H

#include <minnow/types.h>

enum {
    TASKS_MAX = 2048,
    THREADS_MAX = 4096,
    DESCRIPTORS_MAX = 4096,   /* of one table of descriptors, */
    DESCRIPTORS_FIRST = 1024, /* unless its program asks for more (RLIMIT_NOFILE) */
    IOV_MAX = 1024,           /* buffers of one call (struct iovec), as on Linux */
    BOOT_OPTIONS_MAX = 256,   /* bytes of the kernel's command line, the end included */
};

/* Bytes that one call moves at most; its result tells, as Linux's does at 2 GiB. While a server
 * copies no other thread runs, and an iovec may name the same memory a thousand times. */
enum { TRANSFER_MAX = 16 << 20 };

/* The memory of programs ends here: the lower half of the address space but for its last page,
 * which Linux leaves out as well (a system call at its end would return to an address that the
 * processor rejects). An address with a bit set from USER_TOP_SHIFT on is the kernel's, or no
 * address at all. */
enum { USER_TOP_SHIFT = 47 };
#define USER_TOP ((1ul << USER_TOP_SHIFT) - PAGE_SIZE)

/* An endpoint is a task's index and its generation; endpoints of services are their slots. */
enum { INDEX_BITS = 16 };
static inline unsigned endpoint_index(endpoint_t e) { return e & ((1u << INDEX_BITS) - 1); }
static inline endpoint_t endpoint_of(unsigned index, uint16_t generation)
{
    return index | (endpoint_t)generation << INDEX_BITS;
}

/* A call's number is the index of the thread that makes it and a sequence that its next call
 * raises by CALL_NEXT. */
#define CALL_NEXT ((call_t)1 << INDEX_BITS)
static inline unsigned call_thread(call_t c) { return c & (CALL_NEXT - 1); }

/* The index of SYS_INFO's INFO_PUBLISHED: a service's slot, and a place in what it publishes. */
static inline uint64_t published_at(endpoint_t service, uint64_t offset)
{
    return service | offset << INDEX_BITS;
}
static inline unsigned published_service(uint64_t index) { return endpoint_index(index); }
static inline uint64_t published_offset(uint64_t index) { return index >> INDEX_BITS; }

#endif
