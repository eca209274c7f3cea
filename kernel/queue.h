/* Queues of threads, linked by thread.next, so a thread stands in one at most. Run queues,
 * monitors and positions of open files are such queues. */
#ifndef QUEUE_H
#define QUEUE_H

#include "thread.h"

static inline void queue_prepend(struct queue *q, struct thread *t)
{
    t->next = q->first;
    if (!q->first)
        q->last = t;
    q->first = t;
}

static inline void queue_append(struct queue *q, struct thread *t)
{
    t->next = NULL;
    if (q->first)
        q->last->next = t;
    else
        q->first = t;
    q->last = t;
}

/* Takes the first thread out of a queue that is not empty. */
static inline struct thread *queue_take(struct queue *q)
{
    struct thread *t = q->first;
    q->first = t->next;
    return t;
}

/* Takes t out of the queue if it is in there. (The running thread of a frozen service is READY but
 * in no queue.) Linear in the queue's length. */
static inline void queue_remove(struct queue *q, struct thread *t)
{
    struct thread *before = NULL, *x = q->first;
    for (; x && x != t; x = x->next)
        before = x;
    if (!x)
        return;
    *(before ? &before->next : &q->first) = t->next;
    if (q->last == t)
        q->last = before;
}

#endif
