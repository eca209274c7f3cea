/* The protocol between ipctest and ipcpeer: one operation for each behaviour. */
#ifndef PEER_H
#define PEER_H

#include <minnow/protocol.h>

/* In the number space of protocol FS, which the peer does not speak otherwise. */
enum peer {
    PEER_ECHO = FS_READ, /* replies w0 + w1 + w2 + w3; r1..r3 = w3, w4, w5 */
    PEER_SUM,            /* adds up the bytes of an in-window of w2 bytes */
    PEER_FILL,           /* fills an out-window of w2 bytes with w3 */
    /* result of a copy of w3 bytes at offset w0 in direction w4, as the kernel gives it */
    PEER_COPY_OUT_OF_BOUNDS,
    PEER_REPLY_TWICE,      /* replies 1, then again: keeps the second result for PEER_LAST */
    PEER_COPY_AFTER_REPLY, /* replies 1, then copies: likewise */
    PEER_LAST,             /* what was kept */
    PEER_HOLD,             /* never replies by itself; PEER_RELEASE_HELD does */
    PEER_RELEASE_HELD,     /* replies w0 to the call that is held: result of that reply */
    PEER_FORWARD,          /* forwards the call to ipctest with op FS_WRITE */
    PEER_HAND_OVER, /* the same as the handler's end; w3: to which slot, 0 ipctest; w4: enum window
                     */
    PEER_FORGE,     /* replies to a call it does not hold (w0): the result */
    PEER_IDENTITY,  /* r1 object, r2 position, r3 flags as they came */
    PEER_NOTIFY_ME, /* notifies ipctest three times with bit 5 and once with bit 6 */
    /* answers this call and the next w0 - 1 of whatever kind without looking at them */
    PEER_RAW,
    /* two at once: the first waits in a condition until the second has come */
    PEER_REENTER,
};

#endif
