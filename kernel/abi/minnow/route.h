/* A personality's routing table: what happens to each of its system calls. POSIX hands the table to
 * the kernel with SYS_ROUTES; it is written in posix/syscalls.def. */
#ifndef MINNOW_ROUTE_H
#define MINNOW_ROUTE_H

#include <minnow/message.h>

enum route_kind {
    ROUTE_PERSONALITY, /* to the personality server, as KERNEL_SYSCALL or as op */
    ROUTE_SERVICE,     /* to the service in slot `to`, as op */
    /* to the service behind the descriptor in the first argument, as op; -EBADF if it is not
     * open */
    ROUTE_CONNECTION,
    ROUTE_KERNEL,   /* the kernel call op, with the same registers */
    ROUTE_CONSTANT, /* word number `op` of the task (SYS_TASK_SET, TASK_WORD) */
    ROUTE_VALUE,    /* a fixed error, -op */
    /* the kernel's own: the thread tells of the call (THREAD_REPORTS) */
    ROUTE_REPORTED,
};

enum route_flags {
    /* the call has no directory argument: AT_FDCWD is put before its arguments */
    ROUTE_AT = 1,
    ROUTE_POSITION = 2, /* uses and moves the open file's position: one at a time */
    ROUTE_OFFSET = 4,   /* the position is argument 3 (pread, pwrite); -ESPIPE unless CONN_OFFSETS
                         * or CONN_SEEKABLE */
    ROUTE_READS = 8,    /* -EBADF if the descriptor was opened for writing only */
    /* -EBADF if it was opened for reading only; TASK_FILE_SIZE goes with it */
    ROUTE_WRITES = 16,
    ROUTE_COUNTED = 32, /* unsupported: counted, for the list of what was missed */
    ROUTE_WORDS = 64,   /* the message's words are those that `words` names */
    ROUTE_SEEKS = 128,  /* offset and whence are arguments 1 and 2: of a seekable file the kernel
                           sets the position itself, but from the end, or beyond SEEK_SURE */
};

/* What stands in a word of the message: the argument of that number, or one of these. */
enum route_word {
    WORD_ZERO = 6,
    WORD_HERE,  /* AT_FDCWD */
    WORD_VALUE, /* `value` */
    WORD_MASK,  /* the thread's mask of signals */
    WORD_KINDS
};

enum { WINDOW_FIXED = 7 /* window_length: not a word but `bytes` */ };

struct route {
    uint8_t kind, flags;
    uint8_t window;     /* enum window */
    uint8_t base : 4;   /* which word is the window's address */
    uint8_t length : 4; /* which word is its length, or WINDOW_FIXED */
    uint16_t bytes;
    uint16_t op;
    uint16_t to;
    uint16_t value; /* WORD_VALUE */
    uint32_t words; /* four bits for each word, the lowest for the first: enum route_word */
};
_Static_assert(sizeof(struct route) == 16, "a route is looked up by shifting");

enum { ROUTES_MAX = 512 };

#endif
