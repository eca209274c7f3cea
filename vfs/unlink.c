/* unlink and rmdir. */
#include "handlers.h"
#include "walk.h"

/* Removes the name at which the walk ended: rmdir if `directory`, else unlink. A directory whose
 * name goes is NODE_REMOVED; its ".." stays in the name cache, since the file server may not know
 * it any more. May wait. */
static int remove_name(struct walk *w, bool directory)
{
    if (w->last != LAST_NAME) {
        if (!directory)
            return -EISDIR;
        return w->last == LAST_DOT ? -EINVAL : w->last == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
    }
    if (read_only(w->dir))
        return -EROFS;
    if (!w->node)
        return -ENOENT;
    if (w->slash && !directory)
        return S_ISDIR(w->node->mode) ? -EISDIR : -ENOTDIR;
    int error = may_delete(&w->as, w->dir, w->node, directory);
    if (error)
        return error;
    if (directory)
        node_hold(w->node);
    error = call_window(w->dir->service,
                        &(struct call_args){ .op = FS_UNLINK,
                                             .object = w->dir->object,
                                             .w3 = directory ? AT_REMOVEDIR : 0 },
                        WINDOW_IN, (void *)(uintptr_t)w->name, w->length, NULL);
    changes++;
    if (error)
        name_drop(w->dir, w->name, w->length);
    else
        name_gone(w->dir, w->name, w->length, w->node);
    if (!error && directory) {
        w->node->flags |= NODE_REMOVED;
        name_set(w->node, "..", 2, w->dir);
    }
    return error;
}

int64_t do_unlink(struct message *m)
{
    struct walk w;
    if (m->w[2] & 0xffffffff & ~(uint64_t)AT_REMOVEDIR)
        return -EINVAL;
    bool directory = m->w[2] & AT_REMOVEDIR;
    int error = walk_start(&w, m, WALK_ENTRY | WALK_ABSENT);
    if (error)
        return error;
    error = remove_name(&w, directory);
    walk_end(&w);
    return error;
}
