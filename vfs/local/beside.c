/* What goes beside the bytes of a call. A call has one window, and it is on the bytes; so an
 * address comes by a call of POSIX's before the program's own (SOCKET_BESIDE), and goes by one
 * behind it (SOCKET_REST). In between it stands here, one for each thread of a program at most. It
 * holds nothing but memory: one whose thread has died is forgotten when the next thread with this
 * number has one. */
#include "local.h"

struct beside {
    uint32_t user;
    uint32_t room; /* for so many rights */
    struct socket_beside what;
};

static struct beside *besides[THREADS_MAX];
static struct share beside_share = SHARE(1024, 128, 512);

/* What it takes of the share: one, and one more for as many bytes again. */
static uint32_t cost(uint32_t rights) { return 1 + rights / 32; }

static void forget(unsigned thread)
{
    struct beside *b = besides[thread];
    if (!b)
        return;
    share_give(&beside_share, b->user, cost(b->room));
    memory_free(b);
    besides[thread] = NULL;
}

/* A place for what goes beside the call of that thread, charged to the user. NULL: no memory, or
 * the user has its share. */
static struct socket_beside *place(unsigned thread, uint32_t user, uint32_t rights)
{
    forget(thread);
    if (share_take(&beside_share, user, cost(rights), -ENOBUFS))
        return NULL;
    struct beside *b = memory_zalloc(offsetof(struct beside, what.rights) +
                                     rights * sizeof b->what.rights[0]);
    if (!b) {
        share_give(&beside_share, user, cost(rights));
        return NULL;
    }
    b->user = user;
    b->room = rights;
    besides[thread] = b;
    return &b->what;
}

int64_t do_beside(struct message *m)
{
    struct socket_beside what;
    unsigned thread = m->w[0] % THREADS_MAX;
    if (m->w[2] < offsetof(struct socket_beside, rights) || m->w[2] > sizeof what)
        return -EINVAL;
    if (copy_in(m, 0, &what, m->w[2]))
        return -EFAULT;
    if (what.count > RIGHTS_MOST || beside_bytes(&what) != m->w[2])
        return -EINVAL;
    struct socket_beside *b = place(thread, m->w[3], what.count);
    if (!b)
        return -ENOBUFS;
    memcpy(b, &what, m->w[2]);
    return 0;
}

const struct socket_beside *beside_of(call_t call)
{
    const struct beside *b = besides[call_thread(call)];
    return b ? &b->what : NULL;
}

void beside_forget(call_t call) { forget(call_thread(call)); }

struct socket_beside *beside_place(call_t call, uint32_t rights)
{
    return place(call_thread(call), call_user(call), rights);
}

int64_t do_rest(struct message *m)
{
    unsigned thread = m->w[0] % THREADS_MAX;
    struct beside *b = besides[thread];
    if (!b)
        return -ENOENT;
    size_t length = beside_bytes(&b->what);
    if (length > m->w[2])
        return -EINVAL;
    int error = copy_out(m, 0, &b->what, length);
    if (error)
        return error;
    forget(thread);
    return length;
}

bool hand_up(struct message *m, int64_t result, uint32_t flags)
{
    m->w[0] = result;
    m->w[1] = m->op;
    m->w[2] = service_self();
    m->w[3] = flags | (m->w[3] & MESSAGE_FLAGS);
    m->op = POSIX_SOCKET_DONE;
    m->flags &= ~CALL_MOVED;
    m->position = 0;
    return forward(m, service_find("posix")) == 0;
}

int64_t write_up(struct message *m)
{
    m->w[0] = service_self();
    m->op = POSIX_SOCKET_SEND;
    m->position = 0;
    return hand_over(m, service_find("posix"), WINDOW_NONE);
}
