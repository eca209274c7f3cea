/* Message queues of POSIX: see mqueue.c. */
#ifndef MQUEUE_H
#define MQUEUE_H

#include "process.h"

/* p ends or becomes another program: no queue is to notify it any more. */
void mqueue_forget(struct process *p);
/* p is closing a descriptor of this file: the queue behind it, if it is one, notifies p no more. */
void mqueue_closes(struct process *p, const struct conn_info *info);

#endif
