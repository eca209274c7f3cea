/* Symbolic links: self, exe, cwd, root, and fd/N. FS_READLINK comes from a program that wants a
 * path, or from VFS, which wants to follow the link:
 *
 *     link         answer to a program              answer to VFS, in r1, r2, r3
 *     self         the pid, as text                 the pid, as text (r1 is 0)
 *     thread-self  pid/task/tid, as text            likewise
 *     exe          forwarded to VFS (VFS_PATH)      service and object of the program's file
 *     cwd, root    forwarded to VFS                 VFS itself, the task, which of the two
 *     fd/N         the name of a device, a pipe or  service and object of the connection
 *                  a file of POSIX's own, else
 *                  forwarded to VFS
 *
 * Only VFS knows the paths of directories and files, so a program's call is forwarded there; VFS
 * writes the path into the same window. */
#include "procfs.h"

#include <minnow/devices.h>

/* VFS is the only service that reads links. */
static bool is_vfs(endpoint_t e) { return e < MAX_SERVICE; }

/* Answers with a text, which is not terminated and may be cut; for VFS, with no object. */
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

/* The file of the program that p runs. VFS looks the program's present name up in the directory in
 * which it was found. If it has none there any more VFS uses the name that it had, which procfs
 * leaves in the reader's buffer for that. */
static int64_t read_program(struct message *m, const struct subject *p)
{
    if (!p->task || !p->exe_object)
        return -ENOENT;
    if (is_vfs(m->from)) {
        reply_words(m, p->exe_service, p->exe_object, 0);
        return 0;
    }
    if (!p->exe_dir)
        return ask_vfs(m, m->from, VFS_PATH_FILE, p->exe_service, p->exe_object);
    int error = copy_out(m, 0, p->exe_name, MIN(strlen(p->exe_name) + 1, m->w[2]));
    if (error)
        return error;
    m->object = p->exe_dir;
    return ask_vfs(m, m->from, VFS_PATH_PROGRAM, p->exe_service, p->exe_object);
}

static int64_t read_directory(struct message *m, const struct subject *p, unsigned which)
{
    if (!p->task)
        return -ENOENT;
    if (!is_vfs(m->from))
        return ask_vfs(m, p->task, which, 0, 0);
    reply_words(m, m->from, p->task, which); /* VFS's own: a task's directory */
    return 0;
}

/* The path of a device, or the name of a pipe, by service and object; "" for all others. */
static void device_name(char *to, size_t size, const char *service, uint64_t object)
{
#define DEVICE(id, node, service, kind, mode, group, major, minor, object) \
    { service, object, "/dev/" node },
#define DISK(id, node, service, major, minor)                                               \
    { service, minor, "/dev/" node }, { service, minor + 1, "/dev/" node "1" },             \
        { service, minor + 2, "/dev/" node "2" }, { service, minor + 3, "/dev/" node "3" }, \
        { service, minor + 4, "/dev/" node "4" },
#define NUMBER(id, service, kind, major, minor, object)
#define RANGE(id, service, kind, major, count)
    static const struct {
        const char *service;
        uint64_t object;
        const char *path;
    } devices[] = {
#include <minnow/devices.def>
    };
    static const char *const anon[] = {
        [ANON_EVENT] = "[eventfd]",   [ANON_TIMER] = "[timerfd]", [ANON_SIGNAL] = "[signalfd]",
        [ANON_EPOLL] = "[eventpoll]", [ANON_MQUEUE] = "[mqueue]", [ANON_PID] = "[pidfd]",
        [ANON_INOTIFY] = "inotify"
    };
    to[0] = 0;
    if (strcmp(service, "pty") == 0)
        format(to, size, object < PTY_MASTER ? "/dev/pts/%lu" : "/dev/ptmx",
               object < PTY_MASTER ? object - DEV_PTS : 0);
    if (strcmp(service, "pipe") == 0)
        format(to, size, "pipe:[%lu]", pipe_inode(object));
    if (strcmp(service, "local") == 0)
        format(to, size, "socket:[%lu]", socket_inode(object));
    if (strcmp(service, "posix") == 0 && anon_kind(object) == ANON_NETLINK)
        format(to, size, "socket:[%u]", anon_number(object) + 1);
    else if (strcmp(service, "posix") == 0 && anon_kind(object) < ARRAY_SIZE(anon))
        format(to, size, "anon_inode:%s", anon[anon_kind(object)]);
    /* the last row with this object: /dev/console, a row before it, is another name of a terminal
     */
    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
        if (devices[i].object == object && strcmp(devices[i].service, service) == 0)
            format(to, size, "%s", devices[i].path);
}

/* The open file behind a descriptor of p, which the object names. */
static int64_t read_descriptor(struct message *m, const struct subject *p)
{
    struct conn_info c;
    char name[48];
    if (!p->task || ask_conn_get(p->task, object_parts(m->object).fd, &c) < 0)
        return -ENOENT;
    if (is_vfs(m->from)) {
        if (strcmp(fact_service(c.service), "posix") == 0)
            return -ENXIO; /* VFS may not call POSIX, and there is nothing to open */
        reply_words(m, c.service, c.object, 0);
        return 0;
    }
    device_name(name, sizeof name, fact_service(c.service), c.object);
    return name[0] ? answer(m, name) : ask_vfs(m, m->from, VFS_PATH_FILE, c.service, c.object);
}

static int64_t read_self(struct message *m, unsigned kind, endpoint_t reader)
{
    char text[32];
    uint32_t self = fact_pid(reader);
    call_t call = is_vfs(m->from) ? (call_t)m->w[3] : m->call;
    if (kind == KIND_SELF)
        format(text, sizeof text, "%u", self);
    else
        format(text, sizeof text, "%u/task/%u", self, fact_thread_at(call_thread(call)).tid);
    return self ? answer(m, text) : -ENOENT;
}

int64_t link_read(struct fs_node *f, struct message *m)
{
    const struct node *n = node_of(f);
    const struct subject *p = &n->process;
    endpoint_t reader = is_vfs(m->from) ? (endpoint_t)m->w[0] : m->from;
    if (n->kind == KIND_SELF || n->kind == KIND_THREAD_SELF)
        return read_self(m, n->kind, reader);
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
