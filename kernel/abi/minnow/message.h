/* The one message. It travels in registers; a server's receive stub lays it down in this order.
 *
 *   rax call   rbx op   rbp from   rdi rsi rdx r10 r8 r9 w[0..5]
 *   r12 object   r13 position   r14 flags   r15 label
 *
 * A Linux system call is such a message: rax is looked up in the caller's routing table and becomes
 * op, and its six argument registers are w[0..5] as they stand. */
#ifndef MINNOW_MESSAGE_H
#define MINNOW_MESSAGE_H

#include <minnow/types.h>

struct message {
    /* the call to reply to; 0: a notification or a release, which needs no reply */
    call_t call;
    uint64_t op;   /* from protocol.def */
    uint64_t from; /* the caller's endpoint; 0 is the kernel */
    uint64_t w[6]; /* the operation's words */
    /* on a connection: the number that the service gave when it connected; from a program to its
     * personality: the thread's mask (SYS_MASK); else the caller's choice */
    uint64_t object;
    /* on a connection: the open file's position, in bytes (or the argument of pread) */
    uint64_t position;
    /* on a connection: O_... and CONN_...; from a program to its personality: its stack pointer */
    uint64_t flags;
    /* set by the personality server for the calling process: process group << 32 | session */
    uint64_t label;
};

/* How a call shows a piece of its caller's memory to the service that holds the call. At most one
 * window a call. */
enum window {
    WINDOW_NONE,
    WINDOW_IN,  /* the holder may read it */
    WINDOW_OUT, /* the holder may write it */
    WINDOW_INOUT,
    /* or'ed in: base is an array of struct iovec, length its count (IOV_MAX at most) */
    WINDOW_IOVEC = 4
};

/* Connection flags beside the O_... of file.h; they start above them. */
enum {
    /* has no position, but can be read and written at any (pread, pwrite) */
    CONN_OFFSETS = 1u << 27,
    /* has a position: of the calls that use it, the kernel lets one in at a time, and a program may
     * set it to anything up to SEEK_SURE without asking the service (ROUTE_SEEKS) */
    CONN_SEEKABLE = 1u << 28,
    CONN_READY = 1u << 29, /* never blocks: poll need not ask its service */
    /* when its last descriptor is closed the personality server is told first (it holds locks) */
    CONN_WATCH = 1u << 30,
    /* SYS_CONN_GET only: the manifest of the service that asks does not allow it to call the
     * connection's service with this object */
    CONN_APART = 1u << 31,
};

/* A position that is possible in each file. */
enum { SEEK_SURE = INT32_MAX };

/* Flags of the call itself, above those of the connection. */

/* Two flags below say more in a word of a read or write, behind the operation's own words. */
enum { LIMIT_WORD = 4, MOVED_WORD = 5 };
/* The call is made again; w[MOVED_WORD] says how many bytes of it are done already (SYS_MOVED). */
#define CALL_MOVED (1ull << 32)
/* The call's window is shorter than the caller asked for: behind it lies an address that is not
 * mapped. */
#define CALL_CUT (1ull << 33)
/* A write or truncation: w[LIMIT_WORD] says how long a file of the caller may become
 * (TASK_FILE_SIZE). */
#define CALL_LIMITED (1ull << 34)
/* Set by a reply (REPLY_QUIET). */
#define CALL_QUIET (1ull << 62)
/* A service's write for a program: that program may keep a file's set-id bits. */
#define CALL_FOR_ROOT (1ull << 63)
/* From this bit on: the number of the last failed write that this open file's fsync has reported
 * (SYS_CONN_ERRORS). */
#define CALL_ERRORS_SHIFT 35

#endif
