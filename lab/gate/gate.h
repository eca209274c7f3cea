/* How a program calls a service directly: ioctl(fd of /dev/gate, GATE_CALL, &call). For the labs' tests, whose programs are ordinary
 * ones: they can be killed in the middle of a call, and their pages can be missing. */
#ifndef GATE_H
#define GATE_H

#include <stdint.h>

enum { GATE_CALL = 0x4d4e0001, GATE_MINOR = 251 };

struct gate_call {
    char     service[16];     /* its name, NUL-terminated */
    uint64_t op;              /* from minnow/protocol.def */
    uint64_t w0;
    uint64_t base, length;    /* of the window, in the program's memory; w1 and w2 of the message */
    uint64_t w3, w4, w5;
    uint64_t window;          /* enum window of minnow/message.h */
};

#endif
