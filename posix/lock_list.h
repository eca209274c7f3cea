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
    bool whole;          /* flock's: these and the other locks know nothing of each other */
};

bool lock_same_file(const struct held *a, const struct held *b);
bool lock_same_owner(const struct held *a, const struct held *b);
/* The first lock that keeps the wish out; NULL: none does. */
const struct held *lock_conflict(const struct held *wish);
/* The first lock that the owner of `of` holds on its file; NULL: none. */
const struct held *lock_owned(const struct held *of);
/* Gives the owner the lock, which nothing keeps out, or takes the range away (unlock). 0, or
 * -ENOLCK: the user has no more places, and nothing has changed. */
int64_t lock_change(const struct held *wish, bool unlock);
/* Takes all away that the owner of `all` holds on its file. */
void lock_drop_file(const struct held *all);
/* Takes all away that an owner holds. */
void lock_drop_owner(const struct held *owner);
/* Takes all away that a process holds on those files of which `in` says so. Whether anything went.
 */
bool lock_drop_files(uint32_t pid, bool (*in)(endpoint_t service, uint64_t object));

#endif
