/* sendmmsg and recvmmsg are one call for each message, which comes back when that is done
 * (MESSAGE_MANY), and goes on with the next one. How many are done is told to the kernel as what
 * the call has moved (call_moved), before anything is done for the next one, and goes along with
 * that. So the number stands in the call itself, and whatever becomes of the call, no message is
 * sent or received twice, and none is lost:
 *
 *     what happens                          the result, or what follows
 *     a page is missing                     the call is made again, with the number (CALL_MOVED)
 *     and there is none                     the number, by the kernel; -EFAULT if it is 0
 *     a signal, before the message          the number, by the kernel; if it is 0, as for any call
 *     a signal, when a part of it is done   the number and one: messages_interrupted()
 *     an error of the message               the number, or the error if it is 0
 *     this service dies                     it goes on behind its last call_moved() or hand-over
 */
#include "socket.h"

#include "clock.h"
#include "handlers.h"
#include "signal.h"
#include "socket_file.h"
#include "socket_message.h"
#include "syscalls.h"
#include "user_memory.h"

/* What a program's struct mmsghdr is. */
struct mmsghdr {
    struct msghdr header;
    uint32_t length, pad;
};
enum { MANY_MOST = 1024, MSG_WAITFORONE = 0x10000 };

struct many {
    uint32_t descriptor, flags;
    int32_t count, done;
    caller_t at;      /* struct mmsghdr[] */
    caller_t timeout; /* of recvmmsg: struct timespec of the program, or 0; */
    uint64_t until;   /* when its time is over, ns since boot; 0: never */
    bool receives;
};

/* What the program asks for, from the registers of its call. */
static struct many many_asked(const struct regs *r, bool receives)
{
    return (struct many){ .descriptor = r->rdi,
                          .at = r->rsi,
                          .count = (int32_t)MIN((uint32_t)r->rdx, (uint32_t)MANY_MOST),
                          .flags = r->r10,
                          .timeout = receives ? r->r8 : 0,
                          .receives = receives };
}

/* Where the next message of k stands. */
static caller_t message_at(const struct many *k)
{
    return k->at + (uint64_t)k->done * sizeof(struct mmsghdr);
}

/* Passes the next message of k on. The result of the call if that fails. */
static int64_t many_next(struct thread *t, struct message *m, const struct many *k)
{
    struct conn_info c;
    uint64_t more = MESSAGE_MANY | (uint64_t)k->done << MESSAGE_DONE_SHIFT;
    uint32_t flags = k->flags & ~(uint32_t)MSG_WAITFORONE;
    if (k->receives && k->flags & MSG_WAITFORONE && k->done)
        flags |= MSG_DONTWAIT;
    int64_t result = socket_behind(t, k->descriptor, &c);
    if (!result)
        result = user_probe(t, message_at(k), sizeof(struct mmsghdr));
    if (!result) {
        m->w[5] = k->done;
        result = k->receives ? socket_receive_message(t, m, &c, message_at(k), flags | more,
                                                      (uint64_t[2]){ k->until, k->done })
                             : socket_send_message(t, m, &c, message_at(k), flags | more);
    }
    if (result == FORWARDED && k->done)
        m->flags |= CALL_MOVED;
    return result == LATER || result == FORWARDED || !k->done ? result : k->done;
}

/* Begins k, or goes on with it when the call is made again. */
static int64_t many_begin(struct thread *t, struct message *m, struct many *k)
{
    if (m->position & CALL_MOVED)
        call_moved(m->call, k->done = MIN(m->w[5], (uint64_t)k->count));
    if (k->done < k->count)
        return many_next(t, m, k);
    struct conn_info c;
    int64_t error = socket_behind(t, k->descriptor, &c);
    return error ? error : k->done;
}

static struct many many_of(const struct message *m, bool receives)
{
    const struct regs r = {
        .rdi = m->w[0], .rsi = m->w[1], .rdx = m->w[2], .r10 = m->w[3], .r8 = m->w[4]
    };
    return many_asked(&r, receives);
}

int64_t linux_sendmmsg(struct thread *t, struct message *m)
{
    struct many k = many_of(m, false);
    if (k.flags & MSG_CMSG_COMPAT)
        return -EINVAL;
    return many_begin(t, m, &k);
}

int64_t linux_recvmmsg(struct thread *t, struct message *m)
{
    struct many k = many_of(m, true);
    struct timespec64 timeout;
    if (k.flags & MSG_CMSG_COMPAT)
        return -EINVAL;
    int64_t error = k.timeout ? timespec_read(t, k.timeout, &timeout) : 0;
    if (!error && k.timeout)
        error = user_probe(t, k.timeout, sizeof timeout);
    if (error)
        return error;
    if (k.timeout && __builtin_add_overflow(time_now(), timespec_ns(&timeout), &k.until))
        k.until = UINT64_MAX;
    return many_begin(t, m, &k);
}

/* recvmmsg tells how much of its time is left. true: none. */
static bool time_is_over(struct thread *t, const struct many *k)
{
    if (!k->timeout)
        return false;
    uint64_t now = time_now(), left = k->until > now ? k->until - now : 0;
    struct timespec64 rest = { left / SECOND, left % SECOND };
    user_poke(t, k->timeout, &rest, sizeof rest);
    return !left;
}

/* One of many messages has ended, with the result in m. The result of the call. */
static int64_t many_done(struct thread *t, struct message *m, bool receives)
{
    struct regs r;
    struct socket_beside b;
    int32_t length = m->w[0];
    uint64_t flags = m->w[3];
    struct conn_info c = { .service = m->w[2], .object = m->object, .flags = m->flags };
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return -ESRCH;
    struct many k = many_asked(&r, receives);
    k.done = flags >> MESSAGE_DONE_SHIFT;
    k.until = receives ? m->w[4] : 0;
    caller_t at = message_at(&k);
    if (length < 0) {
        if (length == -EPIPE && k.done && !(flags & MSG_NOSIGNAL))
            signal_self(t, SIGPIPE);
        if (length == -EPIPE && flags & MSG_NOSIGNAL)
            reply_of(m)->flags |= REPLY_QUIET;
        return t->dead ? LATER : k.done ? k.done : length;
    }
    if (receives) {
        socket_rest(t, &c, &b);
        if (t->dead)
            return LATER;
    }
    if ((receives && socket_header_poke(t, at, flags, &b)) ||
        user_poke(t, at + offsetof(struct mmsghdr, length), &length, sizeof length))
        return k.done ? k.done : -EFAULT;
    k.done++;
    call_moved(t->call, k.done);
    bool over = receives ? time_is_over(t, &k) : flags & MSG_TRUNC;
    return over || k.done >= k.count ? k.done : many_next(t, m, &k);
}

void messages_interrupted(struct thread *t, uint64_t moved)
{
    struct regs r;
    uint32_t number = moved >> 32, bytes = moved;
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return;
    user_poke(t, r.rsi + (number - 1ul) * sizeof(struct mmsghdr) + offsetof(struct mmsghdr, length),
              &bytes, sizeof bytes);
    r.rax = number;
    sys_regs_set(t->index, &r, 0);
}

/* ---- what services hand up ---- */

int64_t socket_done(struct thread *t, struct message *m)
{
    if (m->w[3] & MESSAGE_MANY)
        return many_done(t, m, m->w[1] == SOCKET_RECEIVE);
    return m->w[1] == SOCKET_ACCEPT ? socket_accepted(t, m) : socket_received(t, m);
}
