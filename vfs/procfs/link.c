/* Symbolic links: self, exe, cwd, root, and fd/N. * A program that reads a link gets a path. For
 * cwd, root and open files VFS alone knows the path, so the program's call is forwarded there. VFS
 * itself, following a link, gets the object instead of a text, in the reply's words (service,
 * object). */
#include "procfs.h"

static bool is_vfs(endpoint_t e)
{
    return e < MAX_SERVICE;
} /* VFS is the only service that reads links */

static int64_t answer(struct message *m, const char *text)
{
    size_t length = MIN(strlen(text), m->w[2]);
    int error = copy_out(m, 0, text, length);
    reply_words(m, 0, 0, 0); /* a text, not an object */
    return error ? error : (int64_t)length;
}

static int64_t forward_up(struct message *m, const char *service)
{
    endpoint_t to = service_find(service);
    return to && forward(m, to) != -EPERM ? LATER : -ENOENT;
}

/* The reader goes on to VFS, which writes the path into the same window. */
static int64_t ask_vfs(struct message *m, endpoint_t task, unsigned which, uint64_t service,
                       uint64_t object)
{
    m->op = VFS_PATH;
    m->w[0] = task;
    m->w[3] = which;
    m->w[4] = service;
    m->w[5] = object;
    return forward_up(m, "vfs");
}

/* The file of the program that p runs, whatever its name is now. What the reader is told is found
 * by VFS in the directory that it was in; should there be none, VFS finds the name it had in the
 * reader's buffer. */
static int64_t read_program(struct message *m, const struct posix_proc *p)
{
    if (!p->task || !p->exe_object)
        return -ENOENT;
    if (is_vfs(m->from)) {
        reply_words(m, p->exe_service, p->exe_object, 0);
        return 0;
    }
    if (!p->exe_dir)
        return ask_vfs(m, m->from, VFS_PATH_OBJECT, p->exe_service, p->exe_object);
    int error = copy_out(m, 0, p->exe_name, MIN(strlen(p->exe_name) + 1, m->w[2]));
    if (error)
        return error;
    m->object = p->exe_dir;
    return ask_vfs(m, m->from, VFS_PATH_PROGRAM, p->exe_service, p->exe_object);
}

static int64_t read_directory(struct message *m, const struct posix_proc *p, unsigned which)
{
    if (!p->task)
        return -ENOENT;
    if (!is_vfs(m->from))
        return ask_vfs(m, p->task, which, 0, 0);
    reply_words(m, m->from, p->task, which); /* VFS's own: a task's directory */
    return 0;
}

/* The path of a device or a pipe, by service and object; "" for what is neither. */
static void device_name(char *to, size_t size, const char *service, uint64_t object)
{
#define DEVICE(id, node, service, kind, mode, group, major, minor, object) \
    { service, object, "/dev/" node },
#define DISK(id, node, service, major, minor)                                               \
    { service, minor, "/dev/" node }, { service, minor + 1, "/dev/" node "1" },             \
        { service, minor + 2, "/dev/" node "2" }, { service, minor + 3, "/dev/" node "3" }, \
        { service, minor + 4, "/dev/" node "4" },
#define NUMBER(id, service, kind, major, minor, object)
    static const struct {
        const char *service;
        uint64_t object;
        const char *path;
    } devices[] = {
#include <minnow/devices.def>
    };
    to[0] = 0;
    if (strcmp(service, "pipe") == 0)
        format(to, size, "pipe:[%lu]", pipe_inode(object));
    /* the last one with this object: /dev/console is another name of a terminal */
    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
        if (devices[i].object == object && strcmp(devices[i].service, service) == 0)
            format(to, size, "%s", devices[i].path);
}

static int64_t read_descriptor(struct message *m, const struct posix_proc *p)
{
    struct conn_info c;
    char name[48];
    if (!p->task || ask_conn_get(p->task, object_fd(m->object), &c) < 0)
        return -ENOENT;
    if (is_vfs(m->from)) {
        reply_words(m, c.service, c.object, 0);
        return 0;
    }
    device_name(name, sizeof name, fact_service(c.service), c.object);
    return name[0] ? answer(m, name) : ask_vfs(m, m->from, VFS_PATH_OBJECT, c.service, c.object);
}

int64_t link_read(struct fs_node *f, struct message *m)
{
    const struct node *n = node_of(f);
    const struct posix_proc *p = &n->process;
    endpoint_t reader = is_vfs(m->from) ? (endpoint_t)m->w[0] : m->from;
    if (n->kind == KIND_SELF) {
        char pid[12];
        uint32_t self = fact_pid(reader);
        format(pid, sizeof pid, "%u", self);
        return self ? answer(m, pid) : -ENOENT;
    }
    if (!n->links)
        return -ENOENT;
    if (!may_look_into(reader, p))
        return -EACCES;
    switch (n->kind) {
    case KIND_EXE: return read_program(m, p);
    case KIND_CWD: return read_directory(m, p, VFS_PATH_CWD);
    case KIND_PROCESS_ROOT: return read_directory(m, p, VFS_PATH_ROOT);
    case KIND_FD: return read_descriptor(m, p);
    default: return -EINVAL;
    }
}
