/* Pipes and FIFOs inside. A pipe is a ring of bytes with two kinds of ends. Its object number is
 * pipe_object(); the access mode in a connection's flags tells which ends an open file is. No
 * function here waits: a call that cannot end yet is left with LATER, in a list of its pipe. One
 * thread serves. */
#ifndef PIPE_H
#define PIPE_H

#include "fs.h"
#include "pollable.h"
#include "share.h"

enum {
    PIPE_FIRST = PAGE_SIZE, /* the ring of a new pipe, */
    PIPE_USUAL = 65536,     /* how large it may become, unless fcntl has said otherwise, */
    PIPE_MOST = 1 << 20,    /* and how large at most */
    PIPE_BLOCK = 65536,     /* memory for rings comes in blocks of so many bytes */
    PIPE_ATOMIC = 4096,
    PIPES = 1024,
    PIPE_DEV = 12,
    END_READ = 0,
    END_WRITE = 1
};

struct pipe {
    bool used_now; /* the pipe exists */
    bool small;    /* its ring could not become large when it should have */
    bool peeked;   /* POSIX has looked at the first bytes, and will take some (PIPE_PEEK) */
    bool fifo;     /* the pipe is the FIFO of the file (key1, key2) */
    uint32_t number;
    /* counts how often a pipe with this number has begun and ended: odd while there is one */
    uint32_t generation;
    uint32_t user; /* the user who made the pipe, and is charged for it */
    uint8_t *ring;
    struct block *block; /* the first block of memory that the ring is, or what it is a part of */
    /* of the ring: its bytes, a power of 2; where the first byte stands; how many are in it */
    uint32_t size, head, used;
    uint32_t capacity;         /* what `size` becomes when more bytes are to be in it */
    uint32_t readers, writers; /* open files */
    /* counts opens of a FIFO for writing, from 1 to 255 and again. An end for reading that is
     * opened while there is no writer has this number in its object: until it changes, that end has
     * seen no writer, and so none that has gone (POLLHUP) */
    uint8_t opened;
    /* calls that wait for bytes, and for room; w[5] of a write counts its bytes that are in */
    struct pending_list reads, writes;
    /* opens of a FIFO that wait for the other end */
    struct pending_list open_reads, open_writes;
    struct pollable poll[2]; /* by END_... */
    uint64_t key1, key2;
    struct timespec64 born;
    struct pipe *next_free;
    struct packets *packets; /* NULL: there have been none */
};

/* ---- ring.c ---- */
/* Gives a pipe a ring of PIPE_FIRST bytes, charged to p->user. 0, or -ENFILE: no memory, or the
 * user has its share. */
int ring_begin(struct pipe *p);
/* Whether `bytes` more have room, if need be by making a small ring large. false: the large ring
 * has too little room; or, with p->small set, the ring stays small since there is no memory, or the
 * user has its share. */
bool ring_room(struct pipe *p, uint32_t bytes);
/* Gives the ring another size, for good: a power of 2 from PIPE_FIRST to PIPE_MOST, and not less
 * than what is in it. 0; -EPERM: the user has its share; -ENOMEM. */
int ring_resize(struct pipe *p, uint32_t size);
/* Copies the first bytes of a ring behind the last one of another, which has room for them, without
 * taking or adding them. */
void ring_copy(const struct pipe *from, struct pipe *to, uint32_t bytes);
/* Gives the ring's memory back, and what is in it. */
void ring_drop(struct pipe *p);
/* Copies the first bytes of the ring to the window of a call at `offset`, or from there to behind
 * its last byte, without taking or adding them. The caller has checked that so many are there, or
 * have room. 0 or -EFAULT. */
int ring_copy_out(struct pipe *p, call_t call, size_t offset, uint32_t bytes);
int ring_copy_in(struct pipe *p, call_t call, size_t offset, uint32_t bytes);

/* ---- packets.c ---- */
/* Gives a pipe of `capacity` bytes its table of packets, unless it has one that more packets stand
 * in. false: no memory. */
bool packets_room(struct pipe *p, uint32_t capacity);
/* Of a pipe that has had packets: how many there are, and how many more may come; */
uint32_t packets_count(const struct packets *k);
uint32_t packets_free(const struct packets *k);
/* how many of its bytes come before the first packet, and how many before the end of that. If there
 * is none: all, `used`. */
uint32_t packet_begin(const struct packets *k, uint32_t used);
uint32_t packet_end(const struct packets *k, uint32_t used);
/* How many bytes come before the first packet, how many one read gets at most, and how many leave
 * the pipe when it has got so many. */
static inline uint32_t read_lead(const struct pipe *p)
{
    return __builtin_expect(!p->packets, 1) ? p->used : packet_begin(p->packets, p->used);
}
static inline uint32_t read_most(const struct pipe *p)
{
    return __builtin_expect(!p->packets, 1) ? p->used : packet_end(p->packets, p->used);
}
static inline uint32_t read_takes(const struct pipe *p, uint32_t bytes)
{
    return bytes <= read_lead(p) ? bytes : read_most(p);
}
/* So many bytes leave the pipe. */
void packets_pass(struct packets *k, uint32_t bytes);
/* The last bytes of the ring are packets. They have been put in as packets_room() and
 * packets_free() allow. */
void packets_add(struct pipe *p, uint32_t bytes);

/* A pipe is writable, for poll, when PIPE_ATOMIC bytes have room: a write of so many does not
 * wait. */
static inline bool pipe_writable(const struct pipe *p)
{
    return (p->small ? p->size : p->capacity) - p->used >= PIPE_ATOMIC &&
           (__builtin_expect(!p->packets, 1) || packets_free(p->packets));
}
/* Takes the first bytes, which have been copied out. */
static inline void ring_take(struct pipe *p, uint32_t bytes)
{
    bool full = !pipe_writable(p);
    if (__builtin_expect(p->packets != NULL, 0))
        packets_pass(p->packets, bytes);
    p->used -= bytes;
    p->head = p->used ? (p->head + bytes) & (p->size - 1) : 0;
    if (full && pipe_writable(p))
        pollable_happened(&p->poll[END_WRITE], POLLOUT | POLLWRNORM);
}
/* Adds bytes, which have been copied in behind the last one. */
static inline void ring_put(struct pipe *p, uint32_t bytes)
{
    p->used += bytes;
    if (bytes)
        pollable_happened(&p->poll[END_READ], POLLIN | POLLRDNORM);
}

/* ---- ends.c ---- */
struct pipe *pipe_of(uint64_t object);    /* NULL: there is no such pipe any more */
int64_t do_create(struct message *m);     /* PIPE_CREATE */
int64_t do_limit(struct message *m);      /* PIPE_LIMIT */
int64_t do_open_fifo(struct message *m);  /* PIPE_OPEN */
int64_t do_open(struct message *m);       /* FS_OPEN */
void do_release(const struct message *m); /* KERNEL_RELEASE: an open file has ended */

/* ---- transfer.c ---- */
/* Go on with the calls that wait, in their order, as far as bytes and room allow. */
void serve_reads(struct pipe *p);
void serve_writes(struct pipe *p);
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);

/* ---- splice.c: for splice and tee, which POSIX does ---- */
int64_t do_peek(struct message *m);
int64_t do_take(struct message *m);
int64_t do_move(struct message *m);

/* ---- status.c ---- */
void pipe_tell(struct pipe *p);
/* The answer of poll may have changed, for either end. */
static inline void pipe_changed(struct pipe *p)
{
    if (pollable_watched(&p->poll[END_READ]) || pollable_watched(&p->poll[END_WRITE]))
        pipe_tell(p);
}
int64_t do_poll(struct message *m);
int64_t do_ioctl(struct message *m);
int64_t do_stat(struct message *m);
int64_t do_statfs(struct message *m);
int64_t do_resize(struct message *m); /* PIPE_RESIZE */

#endif
