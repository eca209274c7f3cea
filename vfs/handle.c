/* File handles: name_to_handle_at and open_by_handle_at. A handle is an object and its server. An
 * object's number is not used again for another file, so an old handle is -ESTALE; that is not so
 * where a file system is marked `changing`, which has no handles. */
#include "handlers.h"
#include "open.h"
#include "pass.h"
#include "walk.h"

enum { HANDLE_TYPE = 0x4d, HANDLE_MAX = 128 };

/* Linux's struct file_handle, with what is in ours. */
struct handle {
    uint32_t bytes; /* behind the next word */
    int32_t type;
    uint32_t object[2], service;
};
enum { HANDLE_HEAD = 8, HANDLE_BYTES = sizeof(struct handle) - HANDLE_HEAD };

/* Copies to the program's memory at `to`: 0, -EFAULT. */
static int tell(struct message *m, caller_t to, const void *from, size_t size)
{
    int error = aim(m, to, size, WINDOW_OUT);
    return error ? error : copy_out(m, 0, from, size);
}

static int hear(struct message *m, caller_t from, void *to, size_t size)
{
    int error = aim(m, from, size, WINDOW_IN);
    return error ? error : copy_in(m, 0, to, size);
}

int64_t do_name_to_handle(struct message *m)
{
    struct walk w;
    caller_t to = m->w[2], mount_to = m->w[3];
    uint32_t flags = m->w[4];
    if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int64_t error = walk_start(&w, m,
                               (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
                                   (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0));
    if (error)
        return error;
    const struct node *n = w.node;
    struct handle h = { .bytes = HANDLE_BYTES,
                        .type = HANDLE_TYPE,
                        .object = { (uint32_t)n->object, n->object >> 32 },
                        .service = n->service };
    int32_t mount = n->mount + 1;
    uint32_t room = 0;
    error = n->mount == NO_MOUNT || is_changing(n) ? -EOPNOTSUPP : 0;
    walk_end(&w);
    if (!error)
        error = hear(m, to, &room, sizeof room);
    if (!error && room > HANDLE_MAX)
        error = -EINVAL;
    if (!error)
        error = tell(m, mount_to, &mount, sizeof mount);
    if (!error)
        error = tell(m, to, &h, room < HANDLE_BYTES ? sizeof h.bytes : sizeof h);
    return !error && room < HANDLE_BYTES ? -EOVERFLOW : error;
}

/* The node that a handle stands for, pinned, in the mount in which the walk has found its node. 0,
 * -ESTALE, or what mount_node() says. */
static int find(const struct walk *w, const struct handle *h, struct node **n)
{
    uint64_t object = h->object[0] | (uint64_t)h->object[1] << 32;
    if (h->bytes != HANDLE_BYTES || h->type != HANDLE_TYPE || w->node->mount == NO_MOUNT ||
        is_changing(w->node) || mount_of(h->service, object) != w->node->mount)
        return -ESTALE;
    int error = mount_node(h->service, object, n);
    if (!error)
        node_pin(*n);
    return error;
}

int64_t do_open_by_handle(struct message *m)
{
    struct walk w;
    struct handle h = { .bytes = 0 };
    struct node *n;
    caller_t from = m->w[1];
    uint64_t mount = m->w[0];
    uint32_t flags = m->w[2] & O_ALL & ~(uint32_t)(O_CREAT | O_EXCL);
    if (!process_can(process_of(m->from), CAP_DAC_READ_SEARCH))
        return -EPERM;
    int64_t result = hear(m, from, &h, HANDLE_HEAD);
    if (!result && (!h.bytes || h.bytes > HANDLE_MAX))
        result = -EINVAL;
    if (!result)
        result = hear(m, from, &h, MIN((size_t)HANDLE_HEAD + h.bytes, sizeof h));
    if (!result)
        result = walk_begin(&w, process_of(m->from), 0);
    if (result)
        return result;
    result = walk_is_cwd(mount) ? 0 : walk_descriptor(&w, mount, true);
    if (walk_is_cwd(mount)) {
        w.node = w.process->cwd;
        node_pin(w.node);
    }
    if (!result)
        result = find(&w, &h, &n);
    if (!result) {
        result = open_found(m, &w, n, flags);
        node_unpin(n);
    }
    walk_end(&w);
    return result;
}
