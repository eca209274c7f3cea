/* A pipe or FIFO: a ring of bytes between its two ends, and those who wait there. */
#ifndef PIPE_H
#define PIPE_H

#include "fs.h"

enum { PIPE_BUF = 4096, RING_SMALL = 4096, RING_LARGE = 65536, PIPES_MAX = 1024 };
enum { END_READ = 1, END_WRITE = 2 };   /* an object is the pipe's number * 4 + which ends it is */

struct pipe {
    uint8_t *ring;
    uint32_t size, first, count;        /* of the ring; where the oldest byte stands; how many there are */
    uint32_t number;
    uint32_t readers, writers;          /* connections */
    bool     armed;                     /* somebody polls: POSIX is told of the next change */
    uint64_t key1, key2;                /* the FIFO's file; 0, 0 for a pipe */
    struct pending_list reading, writing, opening;
};

/* ring.c: bytes in and out. None of them waits. */
bool ring_init(struct pipe *p);
void ring_free(struct pipe *p);
void ring_grow(struct pipe *p);         /* to the large size, if there is memory */
static inline uint32_t ring_space(const struct pipe *p) { return p->size - p->count; }
/* Copies n bytes from the window of a call, `offset` bytes into it, behind the newest; they count only after ring_added. */
int  ring_fill(struct pipe *p, call_t c, size_t offset, uint32_t n);
static inline void ring_added(struct pipe *p, uint32_t n) { p->count += n; }
/* Copies the oldest n bytes to the window; they stay until ring_taken. */
int  ring_show(struct pipe *p, call_t c, uint32_t n);
static inline void ring_taken(struct pipe *p, uint32_t n)
{
    p->first = (p->first + n) & (p->size - 1);
    p->count -= n;
}

/* flow.c */
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);
void    pipe_changed(struct pipe *p);   /* an end was closed, bytes came or went: goes on with those who wait */

/* main.c */
struct pipe *pipe_of(uint64_t object);

#endif
