/* Mailboxes of services: see mailbox.c. Which thread runs next may change in any of these; the
 * entry code asks turn_next() afterwards. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "thread.h"

struct conn;

/* The thread that made call c, if `holder` (NULL: any service) holds that call; else NULL. A number
 * from a service may be anything. */
static inline struct thread *mail_held(call_t c, const struct task *holder)
{
    struct thread *t = threads[c & (THREADS_MAX - 1)];
    return t && t->call == c && t->state == THREAD_HELD && (!holder || t->holder == holder) ? t
                                                                                            : NULL;
}

/* Sends the request that stands in t (op, words, object, position, flags, window, kind) to a
 * service; t, which runs or waits for nothing, waits for the reply. false: the slot will have no
 * service any more, and t is PARKED. */
bool mail_send(struct thread *t, struct task *to);
/* Puts t, which waits for nothing and whose call has its number already, into the mailbox of a
 * service. */
void mail_queue(struct thread *t, struct task *to);
/* Takes a QUEUED caller out of the mailbox it stands in, or a RECEIVING thread out of its service's
 * list. The caller of this function sets the thread's state. */
void mail_withdraw(struct thread *t);
/* Sets bits in the service's pending word and wakes a thread of it, if one may enter. */
void mail_notify(struct task *to, uint64_t bits);

/* Delivers the next thing in the mailbox to t, which runs, or makes it wait. */
void mail_receive(struct thread *t);
/* Delivers to t what it received last, if that is still to be answered; else the next message. */
void mail_receive_again(struct thread *t);
/* The monitor of `service` is free: delivers the next mail to a thread that waits in receive, and
 * returns that thread, which the caller makes ready. NULL: no thread waits, or no mail is for
 * it. */
struct thread *mail_enter(struct task *service);
/* `servers` threads of the service receive messages (SYS_READY). */
void mail_serves(struct task *service, unsigned servers);

/* Releases c, whose last reference and last call in progress are gone: to the personality server
 * first if c is watched (record locks), then to c's own service; then c is freed. */
void mail_release(struct conn *c);
/* A release of c was delivered, or never will be: takes the next step of those. */
void mail_released(struct conn *c);

#endif
