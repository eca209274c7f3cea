/* How a program calls a service directly: ioctl(fd of /dev/gate, GATE_CALL, &call). It is for the
 * tests of the labs, which are ordinary programs: they can be killed in the middle of a call, and
 * their pages can be missing.
 *
 * ioctl(fd, GATE_SCHED, &list): what the kernel knows of the programs' threads, as
 * /proc/minnow/sched, for a tenth of the time. */
#ifndef GATE_H
#define GATE_H

#include <stdint.h>

#include <minnow/syscall.h>

enum { GATE_CALL = 0x4d4e0001, GATE_SCHED = 0x4d4e0002, GATE_THREADS = 32 };

/* the ioctl returns how many there are */
struct gate_sched {
    struct sched_info threads[GATE_THREADS];
};

struct gate_call {
    char service[16]; /* its name, NUL-terminated */
    uint64_t op;      /* from minnow/protocol.def */
    uint64_t w0;
    uint64_t base, length; /* of the window, in the program's memory; w1 and w2 of the message */
    uint64_t w3, w4, w5;
    uint64_t window; /* enum window of minnow/message.h */
};

#endif
