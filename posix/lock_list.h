/* The list of advisory locks: see lock_list.c. It knows nothing of threads, and its functions do
 * not wait. */
#ifndef LOCK_LIST_H
#define LOCK_LIST_H

#include <minnow/types.h>

/* A lock that is held, or a wish for one. */
struct held {
    struct held *next;
    uint64_t object; /* the file: object of a service */
    endpoint_t service;
    uint32_t pid;        /* the owner: a process, or 0 */
    uint32_t file;       /* the owner: an open file (conn_info.id), or 0 */
    uint32_t user;       /* the lock is accounted to this user */
    int64_t first, last; /* bytes; INT64_MAX: whatever the file's size will be */
    bool write;          /* else for reading, beside other readers */
    bool whole;          /* taken by flock(), whose locks and all others ignore each other */
};

bool lock_same_file(const struct held *a, const struct held *b);
bool lock_same_owner(const struct held *a, const struct held *b);
/* The first lock of another owner that forbids the wish; NULL: none does. */
const struct held *lock_conflict(const struct held *wish);
/* The first lock that the owner of `of` holds on the file of `of`; NULL: none. */
const struct held *lock_owned(const struct held *of);
/* Gives the owner the lock, which no other forbids, or takes the range away from the owner
 * (unlock). 0, or -ENOLCK: the user has no more places, and nothing has changed. */
int64_t lock_change(const struct held *wish, bool unlock);
/* Drops all locks that the owner of `all` holds on the file of `all`. */
void lock_drop_file(const struct held *all);
/* Drops all locks of an owner. */
void lock_drop_owner(const struct held *owner);
/* Drops all locks of a process on the files for which in() returns true. Returns whether there were
 * any. */
bool lock_drop_files(uint32_t pid, bool (*in)(endpoint_t service, uint64_t object));

#endif
