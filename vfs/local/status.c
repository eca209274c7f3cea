/* Poll, ioctl, stat: the state of a socket. As on Linux a socket is writable, for poll, while at
 * most a quarter of its buffer is on the way. */
#include "local.h"
#include "statfs.h"

#include <minnow/tty.h>

enum { SIOCOUTQ = 0x5411, POLLWRBAND = 0x200 };

/* What poll says of s. When its peer has room again, s is looked at again. */
static uint64_t events_now(struct socket *s)
{
    bool full = datagram_full(s, s->peer);
    bool writable = s->sent * 4ul <= s->send_buffer && !s->listens && !full;
    bool apart = s->type != SOCK_DGRAM && !s->connected && !s->listens;
    if (full)
        s->peer->awaited = true;
    return (s->error ? POLLERR : 0) | (s->gone == GONE_BOTH || apart ? POLLHUP : 0) |
           (s->gone & GONE_READ ? POLLRDHUP | POLLIN | POLLRDNORM : 0) |
           (s->first || s->first_end ? POLLIN | POLLRDNORM : 0) |
           (writable ? POLLOUT | POLLWRNORM | POLLWRBAND : 0);
}

int64_t do_poll(struct message *m)
{
    struct socket *s = socket_of(m->object);
    return s ? pollable_answer(&s->poll, m, events_now(s)) : POLLERR;
}

void socket_tell(struct socket *s, uint16_t news)
{
    uint64_t now = events_now(s);
    pollable_changed(&s->poll, now);
    pollable_happened(&s->poll, now & news);
}

int64_t do_ioctl(struct message *m)
{
    struct socket *s = socket_of(m->object);
    if (!s || (m->w[1] != FIONREAD && m->w[1] != SIOCOUTQ))
        return -ENOTTY;
    if (s->listens)
        return -EINVAL;
    uint32_t unread = s->type == SOCK_DGRAM && s->first ? s->first->length : s->received;
    int32_t bytes = m->w[1] == FIONREAD ? unread : s->sent;
    return copy_out(m, 0, &bytes, sizeof bytes) ? -EFAULT : 0;
}

int64_t do_stat(struct message *m)
{
    struct socket *s = socket_of(m->object);
    if (!s)
        return -EBADF;
    struct stat st = { .dev = SOCKET_DEV,
                       .ino = socket_inode(m->object),
                       .nlink = 1,
                       .mode = S_IFSOCK | 0777,
                       .uid = s->owner.uid,
                       .gid = s->owner.gid,
                       .blksize = PAGE_SIZE,
                       .atime = s->born,
                       .mtime = s->born,
                       .ctime = s->born };
    return copy_out(m, 0, &st, sizeof st) ? -EFAULT : 0;
}

int64_t do_statfs(struct message *m)
{
    enum { SOCKET_MAGIC = 0x534f434b };
    return statfs_without_disk(m, SOCKET_MAGIC);
}

int64_t do_open(struct message *m)
{
    (void)m;
    return -ENXIO;
}
