/* Pipes and FIFOs inside. A pipe is a ring of bytes, two counts of open files, and lines of calls
 * that wait. No function here waits: a call that cannot end yet is left with LATER, in a line of
 * its pipe, and serve() goes on with it when something has changed. */
#ifndef PIPE_H
#define PIPE_H

#include "limits.h"
#include "pollable.h"
#include "service.h"

struct pipe {
    bool there;          /* the pipe exists */
    bool fifo;           /* it is the FIFO of the file (key1, key2) */
    uint32_t number;     /* its place in the table */
    uint32_t generation; /* a pipe in the same place before or after has another one */
    uint64_t key1, key2;
    uint32_t readers, writers; /* open files that read, and that write */
    uint32_t head, used; /* where the first byte stands in the ring; how many bytes there are */
    /* calls that wait for bytes, and for room; w[5] of a write counts its bytes that are in */
    struct pending_list reads, writes;
    struct pending_list open_reads, open_writes; /* opens of a FIFO that wait for the other side */
    struct pollable poll[2];                     /* by END_... */
    uint8_t ring[PIPE_CAPACITY];
};

/* ---- ends.c ---- */
struct pipe *pipe_of(uint64_t object);    /* NULL: there is no such pipe any more */
int64_t do_create(struct message *m);     /* PIPE_CREATE */
int64_t do_open_fifo(struct message *m);  /* PIPE_OPEN */
int64_t do_open(struct message *m);       /* FS_OPEN */
void do_release(const struct message *m); /* an open file has ended */

/* ---- transfer.c ---- */
/* Goes on with the calls that wait, each in its line, as far as bytes and room allow, and tells who
 * polls. To be called behind every change of a pipe. */
void serve(struct pipe *p);
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);

/* ---- status.c ---- */
void tell_pollers(struct pipe *p); /* the answer of poll may have changed, for either end */
int64_t do_poll(struct message *m);
int64_t do_ioctl(struct message *m);
int64_t do_resize(struct message *m); /* PIPE_RESIZE: F_GETPIPE_SZ */

#endif
