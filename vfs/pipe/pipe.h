/* Pipes and FIFOs inside. A pipe is a ring of bytes with two kinds of ends; its object number is
 * pipe_object(), and which ends an open file is follows from the access mode in its connection's
 * flags. Nothing here ever waits: callers who must are left with LATER, in lists. One thread
 * serves. */
#ifndef PIPE_H
#define PIPE_H

#include "fs.h"
#include "share.h"

enum {
    PIPE_MAX = 65536,
    PIPE_FIRST = PAGE_SIZE,
    PIPE_ATOMIC = 4096,
    PIPES = 1024,
    PIPE_DEV = 12,
    END_READ = 0,
    END_WRITE = 1
};

struct pipe {
    bool used_now; /* the pipe exists */
    bool small;    /* its ring could not become large when it should have */
    bool fifo;     /* it is that of the file (key1, key2) */
    uint32_t number;
    /* of the number: counts its pipes' beginnings and ends, so it is even when there is none */
    uint32_t generation;
    uint32_t user; /* the user who made the pipe, and is charged for it */
    uint8_t *ring;
    struct block *block; /* of memory that the ring is, or is a page of */
    /* of the ring: bytes, a power of 2; where the first byte stands; how many there are */
    uint32_t size, head, used;
    uint32_t readers, writers; /* open files */
    /* callers waiting for bytes, for room; a write's w[5] is how much is done */
    struct pending_list reads, writes;
    /* callers opening a FIFO, waiting for the other end */
    struct pending_list open_reads, open_writes;
    /* services to notify when poll's answer may have changed, by bit */
    uint64_t armed;
    uint64_t key1, key2;
    struct timespec64 born;
    struct pipe *next_free;
};

/* ---- ring.c ---- */
int ring_begin(struct pipe *p); /* a ring of PIPE_FIRST bytes: 0 or -ENFILE */
/* makes the ring large enough for so many more, if it can be */
bool ring_room(struct pipe *p, uint32_t bytes);
void ring_drop(struct pipe *p);
/* Copies from or to the window of a call at `offset`, without taking or adding the bytes. 0 or
 * -EFAULT. */
int ring_copy_out(struct pipe *p, call_t call, size_t offset, uint32_t bytes);
int ring_copy_in(struct pipe *p, call_t call, size_t offset, uint32_t bytes);
static inline void ring_take(struct pipe *p, uint32_t bytes)
{
    p->used -= bytes;
    p->head = p->used ? (p->head + bytes) & (p->size - 1) : 0;
}

/* ---- ends.c ---- */
struct pipe *pipe_of(uint64_t object);   /* NULL: no such */
void pipe_changed(struct pipe *p);       /* poll's answer may have */
int64_t do_changed(struct message *m);   /* FS_CHANGED */
int64_t do_create(struct message *m);    /* PIPE_CREATE */
int64_t do_open_fifo(struct message *m); /* PIPE_OPEN */
int64_t do_open(struct message *m);
void do_release(const struct message *m);

/* ---- transfer.c ---- */
/* callers that wait, as far as they can go on now */
void serve_reads(struct pipe *p);
void serve_writes(struct pipe *p);
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);

/* ---- status.c ---- */
int64_t do_poll(struct message *m);
int64_t do_ioctl(struct message *m);
int64_t do_stat(struct message *m);
int64_t do_seek(struct message *m);
int64_t do_ignore(struct message *m);
int64_t do_refuse(struct message *m);

#endif
