/* Files that POSIX itself serves, which have no name: eventfd and its like. (Linux: anonymous
 * inodes.) A descriptor of one is a connection to this service; its calls come here by the routes
 * of all files, not as system calls, and wait like those of a file server: held, in a list of
 * pending calls, from which the kernel takes those that a signal interrupts. */
#ifndef ANON_H
#define ANON_H

#include "service.h"
#include <minnow/protocol.h>

struct anon;
struct stat;
struct thread;

/* What a kind of file does. A read or write that cannot be done now returns -EAGAIN, and is made
 * again after anon_changed(); ANON_MISSING: a page of the caller's buffer is not there. Nothing has
 * changed then. They do not wait. */
struct anon_ops {
    /* Brings what has to be known first: called before reads and FIONREAD. a is held. May wait;
     * NULL: nothing */
    void (*fetch)(struct anon *a);
    /* POLL... that hold for this thread; NULL: for another service. May wait. */
    uint64_t (*events)(struct anon *a, struct thread *asker);
    int64_t (*read)(struct anon *a, call_t call, uint64_t length);  /* NULL: -EINVAL */
    int64_t (*write)(struct anon *a, call_t call, uint64_t length); /* NULL: -EINVAL */
    /* bytes that can be read (FIONREAD); NULL: -ENOTTY */
    uint64_t (*readable)(const struct anon *a);
    uint16_t after_read, after_write; /* POLL... that have happened when one was done */
    void (*end)(struct anon *a);      /* its last descriptor has gone; NULL: nothing to do */
    /* changes what fstat says of a file of mode 0600; NULL: nothing to change */
    void (*stat)(const struct anon *a, struct stat *s);
};
#define ANON_MISSING (INT64_MIN + 3)
/* What a read or write returns whose copy from or to the caller has failed so. */
static inline int64_t anon_copy_failed(int error)
{
    return error == -EFAULT ? ANON_MISSING : error;
}

/* The first member of each such file. */
struct anon {
    const struct anon_ops *ops;
    struct pending_list reads, writes;
    uint64_t object;
    uint32_t user;  /* charged for it */
    uint16_t holds; /* anon_hold() */
    bool gone;      /* no descriptor leads to it any more */
};

/* Starts this service's side of poll; to be called first. */
void anon_start(void);
/* A new file of this kind, of `size` bytes, zeroed but for the head; charged to `user`. Gives the
 * caller of m a descriptor of it, in *descriptor. flags: of O_ACCMODE, O_NONBLOCK, O_CLOEXEC. NULL:
 * *descriptor is an error: -ENFILE: the user has its share; -ENOMEM, -EMFILE. Does not wait. */
void *anon_make(struct message *m, enum anon_kind kind, const struct anon_ops *ops, size_t size,
                uint32_t user, uint64_t flags, int64_t *descriptor);
/* These events have happened: makes the calls again that wait, and tells the polls. */
void anon_changed(struct anon *a, uint16_t events);
/* A handler that waits keeps a's memory: a may be `gone` when anon_drop() gives it back. */
static inline void anon_hold(struct anon *a) { a->holds++; }
void anon_drop(struct anon *a);
/* The last descriptor of an object of this service has gone. */
void anon_release(uint64_t object);
/* The file of this kind behind a descriptor of t's program. NULL: *error is -EBADF, or -EINVAL: the
 * file is another one. */
void *anon_behind(struct thread *t, uint32_t descriptor, enum anon_kind kind, int64_t *error);

/* The file of this kind behind an object; NULL: the object is another service's, another kind's, or
 * has gone. */
void *anon_of(endpoint_t service, uint64_t object, enum anon_kind kind);
/* Likewise, behind an object of this service. */
void *anon_here(uint64_t object, enum anon_kind kind);

/* The handlers of protocol FS. */
extern const struct protocol anon_protocol;

#endif
