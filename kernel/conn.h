/* Connections: what a file descriptor is. An open file (struct conn) may stand in several tables
 * and under several numbers (fork, dup); the position belongs to it. */
#ifndef CONN_H
#define CONN_H

#include "thread.h"

struct conn {
    /* when the last reference goes it is sent to its service as a release */
    struct mail mail;
    uint64_t object, position;
    uint32_t flags; /* O_..., CONN_... */
    /* entries of tables; calls in progress are not counted: they hold `busy` */
    uint32_t refs;
    endpoint_t service; /* slot */
    uint32_t id;        /* conn_info.id */
    uint8_t busy;       /* a call holds the position */
    /* of which errors this open file has been told, as in message.flags (CALL_ERRORS_SHIFT) */
    uint64_t errors;
    struct queue waiting; /* for the position */
};

enum { CONN_CHUNK = 64, CONN_CHUNKS = DESCRIPTORS_MAX / CONN_CHUNK };

struct conn_table {
    uint32_t refs;   /* tasks that share it */
    uint32_t limit;  /* RLIMIT_NOFILE */
    uint32_t lowest; /* no free place below */
    uint32_t used;
    /* of entries: struct conn *, bit 0: close on exec. NULL until one is needed */
    uintptr_t *chunks[CONN_CHUNKS];
};

struct conn_table *conn_table_create(void);
struct conn_table *conn_table_copy(const struct conn_table *t);
void conn_table_drop(struct conn_table *t);
void conn_table_exec(struct conn_table *t);

/* Where descriptor fd stands, NULL when its chunk is not there. */
static inline uintptr_t *conn_entry(const struct conn_table *t, uint64_t fd)
{
    uintptr_t *chunk = fd < DESCRIPTORS_MAX ? t->chunks[fd / CONN_CHUNK] : NULL;
    return chunk ? &chunk[fd % CONN_CHUNK] : NULL;
}

static inline struct conn *conn_get(const struct conn_table *t, uint64_t fd)
{
    const uintptr_t *e = conn_entry(t, fd);
    return e ? (struct conn *)(*e & ~(uintptr_t)1) : NULL;
}

int64_t conn_install(struct conn_table *t, unsigned lowest, endpoint_t service, uint64_t object,
                     uint64_t position, uint32_t flags);
int64_t conn_dup(struct conn_table *t, uint64_t fd, unsigned lowest, unsigned how);
int64_t conn_close(struct conn_table *t, uint64_t fd);
/* The position of c, for t's call. false: another call holds it, and t stands in line. */
bool conn_position_take(struct conn *c, struct thread *t);
/* t's call gives up the position that it holds. The next one in line, which holds it now; NULL:
 * there is none. */
struct thread *conn_position_give(struct thread *t);
void conn_position_leave(struct thread *t); /* t does not stand in line any more */

#endif
