/* Helpers that file servers share; the contracts stand in fs.h. */
#include "fs.h"

#include <minnow/tty.h>

int fs_copy_name(struct message *m, size_t offset, size_t length, char *name)
{
    if (length == 0)
        return -ENOENT;
    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    if (copy_in(m, offset, name, length))
        return -EFAULT;
    name[length] = 0;
    for (size_t i = 0; i < length; i++)
        if (name[i] == '/' || name[i] == 0)
            return -EINVAL;
    return 0;
}

bool fs_is_dots(const char *name, size_t length)
{
    return name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
}

int64_t fs_text(struct message *m, const char *text, size_t length)
{
    length = MIN(length, m->w[2]);
    int error = copy_out(m, 0, text, length);
    return error ? error : (int64_t)length;
}

struct timespec64 fs_now(void)
{
    struct timespec64 now;
    time_wall(&now.sec, &now.nsec);
    return now;
}

static inline uint64_t load32(const char *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* The last bytes of a name, fewer than 8, as one number: two names of the same length that differ
 * in them give different numbers. */
static inline uint64_t last_bytes(const char *p, unsigned n)
{
    if (n >= 4)
        return load32(p) | load32(p + n - 4) << 32;
    return n ? (uint8_t)p[0] | (uint8_t)p[n / 2] << 8 | (uint8_t)p[n - 1] << 16 : 0;
}

uint32_t fs_hash(const char *name, unsigned length)
{
    uint64_t h = length;
    for (; length >= 8; name += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, name, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
    }
    h = (h ^ last_bytes(name, length)) * 0x9e3779b97f4a7c15ull;
    return h >> 32;
}

/* The records become such as getdents has: the name begins at the place of the type, which is the
 * last byte. Both kinds have the same length. */
static void make_old(struct dents *d)
{
    for (size_t at = 0; at < d->filled;) {
        struct dirent64 *e = (struct dirent64 *)(d->buffer + at);
        uint8_t type = e->type;
        at += e->reclen;
        memmove(&e->type, e->name, strlen(e->name) + 1);
        d->buffer[at - 1] = type;
    }
}

/* After an error, -EFAULT, the call ends. */
static int dents_flush(struct dents *d)
{
    if (d->m->op == FS_DENTS_OLD)
        make_old(d);
    if (d->filled && copy_out(d->m, d->sent, d->buffer, d->filled))
        return -EFAULT;
    d->sent += d->filled;
    d->filled = 0;
    return 0;
}

int dents_add(struct dents *d, uint64_t ino, int64_t next, uint8_t type, const char *name,
              size_t length)
{
    size_t head = offsetof(struct dirent64, name);
    size_t bytes = (head + length + 1 + 7) & ~(size_t)7;
    if (d->sent + d->filled + bytes > d->m->w[2]) {
        d->full = true;
        return 0;
    }
    if (d->filled + bytes > sizeof d->buffer && dents_flush(d))
        return -EFAULT;
    struct dirent64 *e = (struct dirent64 *)(d->buffer + d->filled);
    *(uint64_t *)((uint8_t *)e + bytes - 8) = 0; /* the NUL and the padding */
    e->ino = ino;
    e->next = next;
    *(uint64_t *)&e->reclen = bytes | (uint64_t)type << 16; /* one store: each is logged */
    memcpy((uint8_t *)e + head, name, length);
    d->filled += bytes;
    d->position = next;
    return 1;
}

int64_t dents_end(struct dents *d, int error)
{
    bool some = d->sent + d->filled != 0;
    if (error && (error == -EFAULT || !some))
        return error;
    if (d->full && !some)
        return d->m->flags & CALL_CUT ? -EFAULT : -EINVAL;
    if (dents_flush(d))
        return -EFAULT;
    reply_position(d->m, d->position);
    return d->sent;
}

void deletion_ends(struct deletions *d)
{
    d->under_way--;
    condition_wake(&d->ended);
}

bool deletion_awaited(struct deletions *d)
{
    if (!d->under_way)
        return false;
    condition_wait(&d->ended);
    return true;
}

void deletions_awaited(struct deletions *d)
{
    for (unsigned n = d->under_way; n && deletion_awaited(d); n--)
        ;
}

int64_t fs_seek(struct message *m, uint64_t size, uint64_t most)
{
    int64_t offset = (int64_t)m->w[1], from;
    switch (m->w[2]) {
    case SEEK_SET: from = 0; break;
    case SEEK_CUR: from = m->position; break;
    case SEEK_END: from = size; break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (offset < 0 || (uint64_t)offset >= size)
            return -ENXIO;
        from = m->w[2] == SEEK_DATA ? 0 : (int64_t)size - offset;
        break;
    default: return -EINVAL;
    }
    int64_t position;
    if (__builtin_add_overflow(from, offset, &position) || position < 0 ||
        (uint64_t)position > most)
        return -EINVAL;
    reply_position(m, position);
    return position;
}

int64_t fs_ioctl(struct message *m, uint64_t size)
{
    if (m->w[1] != FIONREAD)
        return -ENOTTY;
    uint64_t rest = m->position < size ? size - m->position : 0;
    int32_t answer = MIN(rest, (uint64_t)INT32_MAX);
    return copy_out(m, 0, &answer, sizeof answer);
}

int64_t fs_poll(struct message *m)
{
    return m->w[1] & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}
