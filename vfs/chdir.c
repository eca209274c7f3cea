/* chdir, fchdir, chroot. */
#include "handlers.h"
#include "walk.h"

/* The directory that the walk found becomes the root or the working directory of its process, if
 * the thread that wants that is still there: the process may be running another program by now. 0,
 * -ENOTDIR, -EACCES, -ESRCH. May wait. */
static int enter(struct walk *w, call_t call, bool root)
{
    if (!call_alive(call) || !subject_lives(&w->as))
        return -ESRCH;
    if (!S_ISDIR(w->node->mode))
        return -ENOTDIR;
    int error = permission(&w->as, w->node, MAY_EXEC);
    if (!error)
        process_enter(w->process, root, w->node);
    return error;
}

int64_t do_chdir(struct message *m)
{
    struct walk w;
    int error = walk_start(&w, m, WALK_FOLLOW);
    if (error)
        return error;
    error = enter(&w, m->call, false);
    walk_end(&w);
    return error;
}

int64_t do_fchdir(struct message *m)
{
    struct walk w;
    int error = walk_begin(&w, process_of(m->from), 0);
    if (error)
        return error;
    error = walk_descriptor(&w, m->w[0], true);
    if (!error)
        error = enter(&w, m->call, false);
    walk_end(&w);
    return error;
}

int64_t do_chroot(struct message *m)
{
    struct walk w;
    int error = walk_start(&w, m, WALK_FOLLOW);
    if (error)
        return error;
    error = !S_ISDIR(w.node->mode) ? -ENOTDIR : permission(&w.as, w.node, MAY_EXEC);
    if (!error && w.as.uid)
        error = -EPERM;
    if (!error)
        error = enter(&w, m->call, true);
    walk_end(&w);
    return error;
}
