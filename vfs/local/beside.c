/* What goes beside the bytes of a call. A call has one window, and it is on the bytes; so an
 * address comes by a call of POSIX's before the program's own (SOCKET_BESIDE), and goes by one
 * behind it (SOCKET_REST). In between it stands here, one for each thread of a program at most. It
 * holds nothing but memory: one whose thread has died is forgotten when the next thread with this
 * number has one. */
#include "local.h"

struct beside {
    uint32_t user;
    struct socket_beside what;
};

static struct beside *besides[THREADS_MAX];
static struct share beside_share = SHARE(1024, 128, 512);

static void forget(unsigned thread)
{
    struct beside *b = besides[thread];
    if (!b)
        return;
    share_give(&beside_share, b->user, 1);
    memory_free(b);
    besides[thread] = NULL;
}

/* A place for what goes beside the call of that thread, charged to the user. NULL: no memory, or
 * the user has its share. */
static struct socket_beside *place(unsigned thread, uint32_t user)
{
    forget(thread);
    if (share_take(&beside_share, user, 1, -ENOBUFS))
        return NULL;
    struct beside *b = memory_zalloc(sizeof *b);
    if (!b) {
        share_give(&beside_share, user, 1);
        return NULL;
    }
    b->user = user;
    besides[thread] = b;
    return &b->what;
}

int64_t do_beside(struct message *m)
{
    struct socket_beside what = { 0 };
    unsigned thread = m->w[0] % THREADS_MAX;
    if (m->w[2] != sizeof what)
        return -EINVAL;
    if (copy_in(m, 0, &what, sizeof what))
        return -EFAULT;
    struct socket_beside *b = place(thread, m->w[3]);
    if (!b)
        return -ENOBUFS;
    *b = what;
    return 0;
}

bool beside_take(call_t call, struct socket_beside *to)
{
    unsigned thread = call_thread(call);
    if (!besides[thread])
        return false;
    *to = besides[thread]->what;
    forget(thread);
    return true;
}

void beside_put(call_t call, const struct socket_beside *what)
{
    struct socket_beside *b = place(call_thread(call), call_user(call));
    if (b)
        *b = *what;
}

int64_t do_rest(struct message *m)
{
    unsigned thread = m->w[0] % THREADS_MAX;
    if (!besides[thread])
        return -ENOENT;
    int error = copy_out(m, 0, &besides[thread]->what, MIN(m->w[2], sizeof(struct socket_beside)));
    if (error)
        return error;
    forget(thread);
    return 0;
}

bool hand_up(struct message *m, int64_t result, uint32_t flags)
{
    m->w[0] = result;
    m->w[1] = m->op;
    m->w[2] = service_self();
    m->w[3] = flags;
    m->op = POSIX_SOCKET_DONE;
    m->position = 0;
    return forward(m, service_find("posix")) == 0;
}
