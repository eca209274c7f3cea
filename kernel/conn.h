/* Connections: what a file descriptor is. An open file (struct conn) may stand in several tables
 * and under several numbers (fork, dup); the position belongs to the open file. */
#ifndef CONN_H
#define CONN_H

#include "thread.h"

struct conn {
    /* in its service's mailbox, as a release, when the last reference is gone */
    struct mail mail;
    uint64_t object, position;
    uint32_t flags; /* O_..., CONN_... */
    /* how many entries of tables name it; a call in progress is not counted but sets `busy` */
    uint32_t refs;
    endpoint_t service; /* slot */
    uint32_t id;        /* conn_info.id */
    uint64_t word;      /* of the personality server's own (CONN_SET_WORD); 0 at first */
    uint8_t busy;       /* a call holds the position */
    /* the last failed write that fsync has reported here, as in message.flags
     * (CALL_ERRORS_SHIFT) */
    uint64_t errors;
    struct queue waiting; /* calls that wait for the position */
};

enum { CONN_CHUNK = 64, CONN_CHUNKS = DESCRIPTORS_MAX / CONN_CHUNK };

struct conn_table {
    uint32_t refs;   /* tasks that share it */
    uint32_t limit;  /* RLIMIT_NOFILE */
    uint32_t lowest; /* every descriptor below is taken */
    uint32_t used;
    uint32_t user; /* for whom memory is taken: TASK_USER of the last task that was told its own */
    uint32_t chunks_used; /* all chunks from here on are NULL */
    /* Each entry is a struct conn * whose bit 0 says close-on-exec. A chunk is NULL until
     * needed. */
    uintptr_t *chunks[CONN_CHUNKS];
};

/* An empty table; a copy that shares t's open files. The caller owns its one reference. NULL: no
 * memory. */
struct conn_table *conn_table_create(void);
struct conn_table *conn_table_copy(const struct conn_table *t);
/* Gives one reference up; with the last one all descriptors are closed and the table is freed. */
void conn_table_drop(struct conn_table *t);
/* Closes the descriptors that are marked close-on-exec. */
void conn_table_exec(struct conn_table *t);

/* The entry of descriptor fd; NULL: fd is too large, or its chunk does not exist. */
static inline uintptr_t *conn_entry(const struct conn_table *t, uint32_t fd)
{
    uintptr_t *chunk = fd < DESCRIPTORS_MAX ? t->chunks[fd / CONN_CHUNK] : NULL;
    return chunk ? &chunk[fd % CONN_CHUNK] : NULL;
}

/* The open file of descriptor fd, which t keeps; NULL: fd is not open. */
static inline struct conn *conn_get(const struct conn_table *t, uint32_t fd)
{
    const uintptr_t *e = conn_entry(t, fd);
    return e ? (struct conn *)(*e & ~(uintptr_t)1) : NULL;
}

/* Opens a file: a new struct conn, under the lowest free descriptor at or above `lowest`. flags:
 * O_..., CONN_.... The descriptor, or -EMFILE, -ENOMEM. */
int64_t conn_install(struct conn_table *t, unsigned lowest, endpoint_t service, uint64_t object,
                     uint64_t position, uint32_t flags);
/* Another descriptor of the open file fd: the lowest free one from `lowest` on, or, with DUP_EXACT,
 * `lowest` itself, closed before. how: DUP_.... The descriptor, or -EBADF, -EINVAL, -EMFILE,
 * -ENOMEM. */
int64_t conn_dup(struct conn_table *t, uint32_t fd, unsigned lowest, unsigned how);
/* A descriptor in t of the open file c, at the lowest free place from `lowest` on. The descriptor,
 * or -EMFILE, -ENOMEM. */
int64_t conn_share(struct conn_table *t, unsigned lowest, struct conn *c, bool cloexec);
/* 0 or -EBADF. With the last reference the open file is released to its service (mail_release). */
int64_t conn_close(struct conn_table *t, uint32_t fd);
/* Closes the descriptors that the holder of t's call has given t during this call. */
void conn_take_back(struct thread *t);
/* t's call takes the position of c. true: the call holds it. false: another call does, and t stands
 * in c's queue; the caller makes t wait (THREAD_POSITION). */
bool conn_position_take(struct conn *c, struct thread *t);
/* t's call gives up the position that it holds. Returns the next call in the queue, which holds the
 * position now; NULL: none waits. */
struct thread *conn_position_give(struct thread *t);
void conn_position_leave(struct thread *t); /* takes t out of the queue */

#endif
