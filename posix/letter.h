/* The bytes of messages that wait in queues, of System V and of POSIX: see letter.c. */
#ifndef LETTER_H
#define LETTER_H

#include "process.h"

enum { LETTER_INLINE = 64 };

/* A message. Its queue owns it. */
struct letter {
    struct letter *next; /* for the queue */
    struct piece *rest;  /* the bytes that do not stand in `first` */
    int64_t kind;        /* for the queue: type, or priority */
    uint64_t number;     /* for the queue */
    uint32_t user;       /* charged for it */
    uint32_t length;     /* bytes */
    char first[LETTER_INLINE];
};

/* A new message of `length` bytes of t's memory, which t's user is charged for. NULL: *error is
 * -ENOMEM, -EFAULT, or LATER: the call has been thrown back. */
struct letter *letter_read(struct thread *t, caller_t from, uint32_t length, int64_t *error);
/* Writes the first `length` bytes of the message. Results as of user_write. */
int64_t letter_write(struct thread *t, caller_t to, const struct letter *l, uint32_t length);
void letter_free(struct letter *l);

#endif
