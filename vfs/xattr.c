/* Extended attributes: setxattr, getxattr, listxattr, removexattr and their variants. VFS decides
 * who may (Linux: xattr_permission), and carries names and values between the program and the file
 * server, in the buffer of a walk: they are small, for a file server keeps them in one block. */
#include "handlers.h"
#include "pass.h"
#include "walk.h"

enum { XATTR_NAME_MAX = 255, XATTR_SIZE_MAX = 65536 };

/* One call. */
struct ON_STACK request {
    struct walk w;    /* to the file */
    struct walk text; /* for its buffer: the name, the value behind it */
    unsigned action;  /* FS_XATTR_... */
    caller_t name;    /* of the program */
    caller_t value;   /* of the program; of LIST the room for names */
    uint64_t size;    /* of that */
    uint32_t flags;   /* XATTR_CREATE, XATTR_REPLACE */
    unsigned length;  /* of the name in the buffer */
};

static bool changes_file(const struct request *r)
{
    return r->action == FS_XATTR_SET || r->action == FS_XATTR_REMOVE;
}

/* Finds the file: by the path in the window of m, from the working directory on, w[0] being
 * AT_FDCWD or VFS_HERE_NOFOLLOW; without a path by the descriptor w[0]. */
static int find(struct request *r, struct message *m)
{
    bool named = m->w[1] || walk_is_cwd(m->w[0]) || m->w[0] == VFS_HERE_NOFOLLOW;
    int error = walk_begin(&r->w, process_of(m->from), walk_is_cwd(m->w[0]) ? WALK_FOLLOW : 0);
    if (error)
        return error;
    error = named ? walk_window(&r->w, m, (uint64_t)(int64_t)AT_FDCWD)
                  : walk_descriptor(&r->w, m->w[0], false);
    if (error)
        walk_end(&r->w);
    return error;
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Whether the user may: 0, -EROFS, -EPERM, -EACCES; -ENODATA for what the user may not even see. */
static int may(const struct request *r)
{
    const char *name = r->text.buffer->text;
    const struct node *n = r->w.node;
    const struct subject *s = &r->w.as;
    bool change = changes_file(r);
    int hidden = change ? -EPERM : -ENODATA;
    if (change && read_only(n))
        return -EROFS;
    if (begins(name, "trusted."))
        return subject_can(s, CAP_SYS_ADMIN) ? 0 : hidden;
    if (begins(name, "security."))
        return change && !subject_can(s, CAP_SYS_ADMIN) ? -EPERM : 0;
    if (begins(name, "system."))
        return 0; /* the file server does not know them */
    if (begins(name, "user.")) {
        if (!S_ISREG(n->mode) && !S_ISDIR(n->mode))
            return hidden;
        if (S_ISDIR(n->mode) && n->mode & S_ISVTX && change && !is_owner(s, n))
            return -EPERM;
    }
    return permission(s, n, change ? MAY_WRITE : MAY_READ);
}

/* Reads name and value of the program. 0, -ERANGE, -E2BIG, -ENOSPC, -EFAULT. */
static int read_texts(struct request *r, struct message *m)
{
    char *text = r->text.buffer->text;
    r->length = 0;
    if (r->action == FS_XATTR_LIST)
        return 0;
    int error = aim(m, r->name, XATTR_NAME_MAX + 1, WINDOW_IN);
    int length = error ? error : copy_string(m, 0, text, XATTR_NAME_MAX + 1);
    if (length <= 0)
        return length == -ENAMETOOLONG || !length ? -ERANGE : length;
    r->length = length;
    if (r->action != FS_XATTR_SET || !r->size)
        return 0;
    if (r->size > ATTRIBUTES_MAX)
        return r->size > XATTR_SIZE_MAX ? -E2BIG : -ENOSPC;
    error = aim(m, r->value, r->size, WINDOW_IN);
    return error ? error : copy_in(m, 0, text + length, r->size);
}

/* Leaves out of `length` bytes of names those that only root may see. What is left. */
static size_t names_visible(const struct request *r, char *names, size_t length)
{
    size_t kept = 0;
    for (size_t at = 0, n; at < length; at += n) {
        n = strnlen(names + at, length - at - 1) + 1;
        if (!subject_can(&r->w.as, CAP_SYS_ADMIN) && begins(names + at, "trusted."))
            continue;
        memmove(names + kept, names + at, n);
        kept += n;
    }
    return kept;
}

/* Asks the file server: the result of the call; what it brings stands in the buffer, behind the
 * name. */
static int64_t ask(struct request *r)
{
    bool set = r->action == FS_XATTR_SET, brings = !changes_file(r);
    const struct node *n = r->w.node;
    int64_t result = call_window(n->service,
                                 &(struct call_args){ .op = FS_XATTR,
                                                      .w0 = node_object(r->w.dir),
                                                      .object = n->object,
                                                      .w3 = r->length,
                                                      .w4 = r->action,
                                                      .w5 = r->flags },
                                 brings ? WINDOW_INOUT : WINDOW_IN, r->text.buffer->text,
                                 brings ? WALK_BUFFER : r->length + (set ? r->size : 0), NULL);
    if (result > (int64_t)(WALK_BUFFER - r->length))
        result = -EIO; /* more than it was given room for */
    if (result == -ENOSYS || result == -EOPNOTSUPP)
        result = r->action == FS_XATTR_LIST ? 0 : -EOPNOTSUPP;
    return result;
}

/* Gives the program what it wanted to read: its size, which is all that it gets with room for none.
 */
static int64_t bring(const struct request *r, struct message *m, size_t length)
{
    if (!r->size || !length)
        return length;
    if (length > r->size)
        return -ERANGE;
    int error = aim(m, r->value, length, WINDOW_OUT);
    if (!error)
        error = copy_out(m, 0, r->text.buffer->text + r->length, length);
    return error ? error : (int64_t)length;
}

static int64_t do_request(struct request *r, struct message *m)
{
    if (r->flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    int64_t result = read_texts(r, m);
    if (!result && r->action != FS_XATTR_LIST)
        result = may(r);
    if (!result)
        result = ask(r);
    if (result > 0 && r->action == FS_XATTR_LIST)
        result = names_visible(r, r->text.buffer->text + r->length, result);
    return result < 0 || changes_file(r) ? result : bring(r, m, result);
}

static int64_t serve(struct message *m, struct request *r)
{
    int64_t result = find(r, m);
    if (result)
        return result;
    result = walk_begin(&r->text, r->w.process, 0);
    if (!result) {
        result = do_request(r, m);
        walk_end(&r->text);
    }
    walk_end(&r->w);
    return result;
}

int64_t do_setxattr(struct message *m)
{
    struct request r = {
        .action = FS_XATTR_SET, .name = m->w[2], .value = m->w[3], .size = m->w[4], .flags = m->w[5]
    };
    return serve(m, &r);
}

int64_t do_getxattr(struct message *m)
{
    struct request r = {
        .action = FS_XATTR_GET, .name = m->w[2], .value = m->w[3], .size = m->w[4]
    };
    return serve(m, &r);
}

int64_t do_listxattr(struct message *m)
{
    struct request r = { .action = FS_XATTR_LIST, .value = m->w[2], .size = m->w[3] };
    return serve(m, &r);
}

int64_t do_removexattr(struct message *m)
{
    struct request r = { .action = FS_XATTR_REMOVE, .name = m->w[2] };
    return serve(m, &r);
}
