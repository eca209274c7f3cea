/* What a name/value server promises. The operations stand in kernel/abi/minnow/protocol.def. This
 * file is not yours to change. */
#ifndef NAMES_H
#define NAMES_H

enum {
    NAMES_MAX = 32,     /* names at a time */
    NAMES_WAITERS = 16, /* calls of NAMES_TAKE that wait at a time */
    NAME_BYTES = 31,    /* of a name: 1 to so many, any bytes */
    VALUE_BYTES = 512,  /* of a value: 0 to so many */
};

#endif
