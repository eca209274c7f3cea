/* rename, renameat2: checks in the order in which Linux makes them, then one request to the file
 * server. */
#include "handlers.h"
#include "walk.h"

/* 0; -ENOTDIR if slashes stand behind a name that is not, or will not be, a directory's. */
static int check_slashes(const struct walk *from, const struct walk *to, uint32_t flags)
{
    if (flags & RENAME_EXCHANGE && to->slash && !S_ISDIR(to->node->mode))
        return -ENOTDIR;
    if (S_ISDIR(from->node->mode))
        return 0;
    if (from->slash || (to->slash && !(flags & RENAME_EXCHANGE)))
        return -ENOTDIR;
    return 0;
}

/* 0 if the user may take both names out of their directories, or create the new one. */
static int check_permissions(const struct walk *from, const struct walk *to, uint32_t flags)
{
    bool directory = S_ISDIR(from->node->mode), exchange = flags & RENAME_EXCHANGE;
    int error = may_delete(&from->as, from->dir, from->node, directory);
    if (error)
        return error;
    if (!to->node)
        error = may_create(&to->as, to->dir);
    else
        error = may_delete(&to->as, to->dir, to->node,
                           exchange ? S_ISDIR(to->node->mode) : directory);
    /* A directory that moves to another has its ".." changed, which is a write to it. */
    if (!error && from->dir != to->dir && directory)
        error = permission(&from->as, from->node, MAY_WRITE);
    if (!error && from->dir != to->dir && exchange && S_ISDIR(to->node->mode))
        error = permission(&to->as, to->node, MAY_WRITE);
    return error;
}

/* Brings the name cache up to date. A rename that failed may have been done in part: the cache then
 * knows nothing of both names. */
static void remember(const struct walk *from, const struct walk *to, uint32_t flags, bool done)
{
    changes++;
    if (!done) {
        name_drop(from->dir, from->name, from->length);
        name_drop(to->dir, to->name, to->length);
        return;
    }
    name_set(from->dir, from->name, from->length, flags & RENAME_EXCHANGE ? to->node : NULL);
    name_set(to->dir, to->name, to->length, from->node);
    if (S_ISDIR(from->node->mode))
        name_drop(from->node, "..", 2);
    if (to->node && S_ISDIR(to->node->mode)) {
        name_drop(to->node, "..", 2);
        if (!(flags & RENAME_EXCHANGE)) {
            to->node->flags |= NODE_REMOVED;
            name_set(to->node, "..", 2, to->dir);
        }
    }
}

/* Renames what the walks found; both stay pinned by them while the file server works. */
static int rename_walked(const struct walk *from, const struct walk *to, uint32_t flags)
{
    const struct node *from_at = from->dir ? from->dir : from->node,
                      *to_at = to->dir ? to->dir : to->node;
    if (from_at->mount != to_at->mount)
        return -EXDEV;
    if (from->last != LAST_NAME)
        return -EBUSY;
    if (to->last != LAST_NAME)
        return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    if (read_only(from->dir))
        return -EROFS;
    if (!from->node)
        return -ENOENT;
    if (flags & RENAME_NOREPLACE && to->node)
        return -EEXIST;
    if (flags & RENAME_EXCHANGE && !to->node)
        return -ENOENT;
    int error = check_slashes(from, to, flags);
    if (error)
        return error;
    if (from->node == to->node)
        return 0;
    error = check_permissions(from, to, flags);
    if (error)
        return error;
    if (to->node && S_ISDIR(to->node->mode) && !(flags & RENAME_EXCHANGE))
        node_hold(to->node);
    char both[2 * NAME_MAX];
    memcpy(both, from->name, from->length);
    memcpy(both + from->length, to->name, to->length);
    error = call_window(from->dir->service,
                        &(struct call_args){ .op = FS_RENAME,
                                             .object = from->dir->object,
                                             .w3 = from->length,
                                             .w4 = to->dir->object,
                                             .w5 = flags },
                        WINDOW_IN, both, from->length + to->length, NULL);
    remember(from, to, flags, error == 0);
    return error;
}

int64_t do_rename(struct message *m)
{
    struct walk from, to;
    uint64_t directory = m->w[2];
    caller_t path = m->w[3];
    uint32_t flags = m->w[4];
    if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    int error = walk_start(&from, m, WALK_ENTRY | WALK_ABSENT);
    if (error)
        return error;
    error = walk_begin(&to, process_of(m->from), WALK_ENTRY | WALK_ABSENT);
    if (!error) {
        error = walk_at(&to, m, directory, path);
        if (!error)
            error = rename_walked(&from, &to, flags);
        walk_end(&to);
    }
    walk_end(&from);
    return error;
}
