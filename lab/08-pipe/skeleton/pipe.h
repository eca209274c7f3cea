/* Pipes and FIFOs inside. This file is yours. */
#ifndef PIPE_H
#define PIPE_H

#include "limits.h"
#include "pollable.h"
#include "service.h"

struct pipe {
    bool there;          /* the pipe exists */
    uint32_t generation; /* a pipe in the same place before or after has another one */
    uint8_t ring[PIPE_CAPACITY];
    /* What else must be known of a pipe? */
};

/* ---- ends.c ---- */
struct pipe *pipe_of(uint64_t object);    /* NULL: there is no such pipe any more */
int64_t do_create(struct message *m);     /* PIPE_CREATE */
int64_t do_open_fifo(struct message *m);  /* PIPE_OPEN */
int64_t do_open(struct message *m);       /* FS_OPEN */
void do_release(const struct message *m); /* an open file has ended */

/* ---- transfer.c ---- */
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);

/* ---- status.c ---- */
int64_t do_poll(struct message *m);
int64_t do_ioctl(struct message *m);
int64_t do_resize(struct message *m); /* PIPE_RESIZE: F_GETPIPE_SZ */

#endif
