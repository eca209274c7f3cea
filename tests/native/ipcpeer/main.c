/* ipcpeer: the other side of the native message tests. See peer.h. */
#include "peer.h"
#include "service.h"
#include "syscalls.h"

static int64_t last;
static call_t held;
static unsigned inside;
static struct condition second_came;

static int64_t do_echo(struct message *m)
{
    reply_words(m, m->w[3], m->w[4], m->w[5]);
    return m->w[0] + m->w[1] + m->w[2] + m->w[3];
}

static int64_t do_sum(struct message *m)
{
    uint8_t bytes[256];
    int64_t sum = 0;
    for (uint64_t at = 0, n; at < m->w[2]; at += n) {
        n = MIN(m->w[2] - at, sizeof bytes);
        int error = copy_in(m, at, bytes, n);
        if (error)
            return error;
        for (uint64_t i = 0; i < n; i++)
            sum += bytes[i];
    }
    return sum;
}

static int64_t do_fill(struct message *m)
{
    uint8_t bytes[256];
    memset(bytes, m->w[3], sizeof bytes);
    for (uint64_t at = 0, n; at < m->w[2]; at += n) {
        n = MIN(m->w[2] - at, sizeof bytes);
        int error = copy_out(m, at, bytes, n);
        if (error)
            return error;
    }
    return m->w[2];
}

static int64_t do_bounds(struct message *m)
{
    static uint8_t bytes[8192];
    int64_t result = ask_copy(m->call, m->w[0], bytes, m->w[3], m->w[4]);
    return result == -EFAULT ? -ERANGE : result; /* an -EFAULT would send the call again */
}

static int64_t do_reply_twice(struct message *m)
{
    reply(m->call, 1);
    last = reply(m->call, 2);
    return LATER;
}

static int64_t do_copy_after_reply(struct message *m)
{
    uint8_t byte = 7;
    reply(m->call, 1);
    last = copy_out_call(m->call, 0, &byte, 1);
    return LATER;
}

static int64_t do_last(struct message *m)
{
    (void)m;
    return last;
}

static int64_t do_hold(struct message *m)
{
    held = m->call;
    return LATER;
}

static int64_t do_release_held(struct message *m) { return reply(held, m->w[0]); }

static int64_t do_forward(struct message *m)
{
    m->op = FS_WRITE;
    int error = forward(m, service_find("ipctest"));
    return error ? error : LATER;
}

static int64_t do_hand_over(struct message *m)
{
    m->op = FS_WRITE;
    return hand_over(m, m->w[3] ? m->w[3] : service_find("ipctest"), m->w[4]);
}

static int64_t do_forge(struct message *m) { return reply(m->w[0], 99); }

static int64_t do_identity(struct message *m)
{
    reply_words(m, m->object, m->position, m->flags);
    return m->from;
}

static int64_t do_notify_me(struct message *m)
{
    (void)m;
    endpoint_t to = service_find("ipctest");
    for (int i = 0; i < 3; i++)
        notify(to, 5);
    notify(to, 6);
    return 0;
}

static int64_t do_reenter(struct message *m)
{
    (void)m;
    if (++inside == 1)
        condition_wait(&second_came);
    else
        condition_wake(&second_came);
    return inside;
}

call_t raw_serve(call_t first, uint64_t rounds);

static int64_t do_raw(struct message *m)
{
    m->call = raw_serve(m->call, m->w[0]);
    return 0;
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(PEER_ECHO)] = do_echo,
        [op_number(PEER_SUM)] = do_sum,
        [op_number(PEER_FILL)] = do_fill,
        [op_number(PEER_COPY_OUT_OF_BOUNDS)] = do_bounds,
        [op_number(PEER_REPLY_TWICE)] = do_reply_twice,
        [op_number(PEER_COPY_AFTER_REPLY)] = do_copy_after_reply,
        [op_number(PEER_LAST)] = do_last,
        [op_number(PEER_HOLD)] = do_hold,
        [op_number(PEER_RELEASE_HELD)] = do_release_held,
        [op_number(PEER_FORWARD)] = do_forward,
        [op_number(PEER_HAND_OVER)] = do_hand_over,
        [op_number(PEER_FORGE)] = do_forge,
        [op_number(PEER_IDENTITY)] = do_identity,
        [op_number(PEER_NOTIFY_ME)] = do_notify_me,
        [op_number(PEER_REENTER)] = do_reenter,
        [op_number(PEER_RAW)] = do_raw,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 2 });
}
