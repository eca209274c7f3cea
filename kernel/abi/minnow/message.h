/* The one message. It travels in registers; a server's receive stub lays it down in this order.
 *
 *   rax call   rbx op   rbp from   rdi rsi rdx r10 r8 r9 w[0..5]
 *   r12 object   r13 position   r14 flags   r15 label
 *
 * A Linux system call is such a message: rax is looked up in the caller's routing table and becomes op,
 * and its six argument registers are w[0..5] as they stand. */
#ifndef MINNOW_MESSAGE_H
#define MINNOW_MESSAGE_H

#include <minnow/types.h>

struct message {
    call_t   call;      /* reply to this; 0 for a notification or a release, which nobody waits for */
    uint64_t op;        /* from protocol.def */
    uint64_t from;      /* the caller's endpoint; 0 is the kernel */
    uint64_t w[6];      /* the operation's words */
    uint64_t object;    /* on a connection: what the service called it when it connected; else given by the caller */
    uint64_t position;  /* on a connection: where the open file stands, in bytes (or the argument of pread) */
    uint64_t flags;     /* on a connection: O_... and CONN_... */
    uint64_t label;     /* what the personality server wrote on the calling process: process group << 32 | session */
};

/* How a call shows a piece of its caller's memory to whoever holds the call. At most one window a call. */
enum window {
    WINDOW_NONE,
    WINDOW_IN,       /* the holder may read it */
    WINDOW_OUT,      /* the holder may write it */
    WINDOW_INOUT,
    WINDOW_IOVEC = 4 /* or'ed in: base is an array of struct iovec, length its count (at most 1024) */
};

/* Connection flags beside the O_... of file.h; they start above them. */
enum {
    CONN_SEEKABLE = 1u << 28,  /* has a position: the kernel lets calls that use it in one at a time */
    CONN_READY    = 1u << 29,  /* never blocks: poll need not ask its service */
    CONN_WATCH    = 1u << 30,  /* when the last descriptor of it has gone, the personality server is told first (it holds locks) */
    CONN_APART    = 1u << 31,  /* of SYS_CONN_GET only: whoever asks may not call its service with this object; it would break its manifest */
};

/* Flags of the call itself, above those. */
#define CALL_MOVED (1ull << 32)  /* it is made again; w[5]: bytes of it that are done already (SYS_MOVED) */
#define CALL_CUT   (1ull << 33)  /* its window is shorter than what the caller named: behind it is an address that is nobody's */
#define CALL_LIMITED (1ull << 34) /* a write or truncation: w[4]: how long a file of the caller may become (TASK_FILE_SIZE) */
#define CALL_FOR_ROOT (1ull << 63) /* of a service's write for a program: that one may keep a file's set-id bits */
#define CALL_ERRORS_SHIFT 35     /* above: the number of the last failed write that this open file's fsync has told of (SYS_CONN_ERRORS) */

#endif
