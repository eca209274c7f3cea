/* The ends of pipes: making, opening and closing them. */
#include "pipe.h"

static struct pipe pipes[PIPES];

/* The number of an object says the pipe's place, its generation and the end: pipe_object() in
 * minnow/protocol.h makes it. A pipe that takes a place gets the next generation. */
struct pipe *pipe_of(uint64_t object)
{
    uint32_t number = pipe_number(object);
    struct pipe *p = number < PIPES ? &pipes[number] : NULL;
    return p && p->there && pipe_object(number, p->generation, object & 1) == object ? p : NULL;
}

/* pipe2: w[2] has the flags; the window, 8 bytes, gets the two descriptors. */
int64_t do_create(struct message *m)
{
    (void)m;
    return -ENOSYS;
}

/* open() of a FIFO: w[0] has the flags; w[1] and w[2] say which file it is. */
int64_t do_open_fifo(struct message *m)
{
    (void)m;
    return -ENOSYS;
}

/* open() of a pipe that is open already, m->object, by its name in /proc: w[1] has the flags. */
int64_t do_open(struct message *m)
{
    (void)m;
    return -ENOSYS;
}

/* The last descriptor of an open file of m->object is closed; m->flags has its access mode. */
void do_release(const struct message *m) { (void)m; }
