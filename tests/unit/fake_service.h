/* The stand-in for libservice on the host (fake_service.c), as a unit test sets it up and looks
 * into it: windows of the calls that the test makes, a disk in memory, faults, time, and threads
 * under one monitor as in a real service. */
#ifndef FAKE_SERVICE_H
#define FAKE_SERVICE_H

#include "service.h"

/* the service that is the disk; its objects are disk numbers */
enum { FAKE_DISK = 40 };

/* The answer of a handler. */
struct fake_answer {
    int64_t result;
    uint64_t r1, r2, r3, position;
    bool has_position;
    bool replied; /* false while it is left with LATER */
};

/* Calls a handler with the window [buffer, buffer + length), which becomes w[1] and w[2].
 * Thrown-back calls are made again as long as the window has no real hole. */
struct fake_answer fake_call(handler_t handler, struct message *m, void *buffer, size_t length);
/* The same, but a call left with LATER stays in flight under the number returned; fake_finish()
 * sees how it ended. */
call_t fake_begin(handler_t handler, struct message *m, void *buffer, size_t length);
bool fake_finish(call_t call, struct fake_answer *answer); /* false: not answered yet */
extern bool fake_writes_fail;                              /* the disks answer writes with -EIO */
extern uint32_t fake_errors; /* the number of the last connection_errors() */
/* the bytes of the handler's last call_moved() */
size_t fake_moved(call_t call);
/* the caller was interrupted: later replies fail */
void fake_cancel(call_t call);

/* offset in the window from which on every access fails; normally all ones */
extern uint64_t fake_hole;
/* one copy in so many fails at first, as if its page were missing; 0: none */
extern unsigned fake_fault_rate;

/* Disks. */
void fake_disk_load(unsigned number, const char *path);
void fake_disk_save(unsigned number, const char *path);
uint8_t *fake_disk(unsigned number, size_t *size);
/* so many writes reach the disk, then none (the power is off); -1: all */
extern int64_t fake_writes_left;
extern unsigned fake_reads, fake_writes; /* calls to the disk so far */

extern size_t fake_budget;     /* bytes that memory_alloc and memory_pages still give */
extern uint64_t fake_clock;    /* nanoseconds; advances by itself a little */
extern uint64_t fake_alarm;    /* when, or 0 */
extern uint64_t fake_notified; /* bits that the service sent to posix */
/* show what the service prints; also by the environment variable VERBOSE */
extern bool fake_verbose;
extern uint32_t fake_user;       /* the user of all calls: call_user() */
extern bool fake_no_descriptors; /* connect() fails */
struct fake_connection {
    uint64_t object, flags;
};
extern struct fake_connection fake_connections[1024]; /* by descriptor, of connect() */

/* Runs `count` threads of a service at once, each run(0 .. count - 1); returns when all have ended.
 */
void fake_threads(unsigned count, void (*run)(unsigned number));

#endif
