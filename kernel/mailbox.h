/* Mailboxes of services: see mailbox.c. Functions that may change which thread runs next return
 * nothing of it; the entry code asks turn_next() afterwards. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "thread.h"

struct conn;

/* The thread that made this call if `holder` (NULL: any service) holds it; NULL otherwise.
 */
static inline struct thread *mail_held(call_t c, const struct task *holder)
{
    struct thread *t = threads[c & (THREADS_MAX - 1)];
    return t && t->call == c && t->state == THREAD_HELD && (!holder || t->holder == holder) ? t
                                                                                            : NULL;
}

/* Sends the request that stands in t (op, words, object, position, flags, window, kind) to a
 * service. t waits. false: no service will ever be there, and t waits for nothing. */
bool mail_send(struct thread *t, struct task *to);
/* t, which waits for nothing, stands in the mailbox of a service, its call made already. */
void mail_queue(struct thread *t, struct task *to);
/* Takes a caller out of the mailbox that it stands in, or a thread out of those that wait in
 * receive. Its state is the caller's business. */
void mail_withdraw(struct thread *t);
/* Sets bits in the service's pending word. */
void mail_notify(struct task *to, uint64_t bits);

/* Delivers the next thing in the mailbox to t, or makes it wait. */
void mail_receive(struct thread *t);
/* What t received last, once more, if that is still to be answered; else the next. */
void mail_receive_again(struct thread *t);
/* The next thing in the mailbox is delivered to a thread of the service that waits in receive and
 * is to run now; NULL: there is no such thread, or nothing that it may take. */
struct thread *mail_enter(struct task *service);
/* A service says how many of its threads receive messages. */
void mail_serves(struct task *service, unsigned servers);

/* The last reference to a connection and the last call in progress on it are gone: it is sent as a
 * release, to the personality server first if that watches it (it may hold locks in its name), then
 * to its own service; then it is freed. */
void mail_release(struct conn *c);
/* A release was delivered, or never will be: on to the next step. */
void mail_released(struct conn *c);

#endif
