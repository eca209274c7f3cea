/* The tree: which files there are, and the node that an object stands for.
 *
 *     63     56 55          40 39        24 23        8 7     0
 *     | mount  | process's pid | thread's tid | descriptor | kind |
 *
 * The object tells all that is needed to make its node, so nothing is kept between requests. `kind`
 * is KIND_TEXT plus the place in files[], or a kind of its own for the root, a process's directory
 * and the links in fd/. An object whose process has gone still has a node, without links: a lookup
 * and a stat of it are -ENOENT, a read is -ESRCH. If its pid is used again an old object stands for
 * the new process, unlike on Linux; therefore an open file of /proc/N/maps and the like asks for
 * permission at each read. That would not do for /proc/N/mem: a program that begins with a right
 * could be made to write into its own memory, or into that of another such program, by a descriptor
 * that it was given. So its object has, in the place of thread and descriptor, the serial number of
 * the memory that the process had when the file was looked up. */
#include "procfs.h"

#define TEXT(name, parent, mode, make)                     \
    {                                                      \
        name, parent, KIND_TEXT, S_IFREG | (mode), make, 0 \
    }
#define PRIVATE(name, parent, make)                         \
    {                                                       \
        name, parent, KIND_PRIVATE, S_IFREG | 0400, make, 0 \
    }
#define SETTING(name, parent, make, setting)                     \
    {                                                            \
        name, parent, KIND_TEXT, S_IFREG | 0644, make, (setting) \
    }
#define MQ_LIMIT(name, make, limit) SETTING(name, KIND_SYS_MQUEUE, make, PROC_SET_MQ + (limit))
#define OTHER(name, parent, kind, mode)   \
    {                                     \
        name, parent, kind, mode, NULL, 0 \
    }
static const struct file files[] = {
    TEXT("stat", KIND_ROOT, 0444, make_stat),
    TEXT("meminfo", KIND_ROOT, 0444, make_meminfo),
    TEXT("uptime", KIND_ROOT, 0444, make_uptime),
    TEXT("loadavg", KIND_ROOT, 0444, make_loadavg),
    TEXT("filesystems", KIND_ROOT, 0444, make_filesystems),
    TEXT("version", KIND_ROOT, 0444, make_version),
    TEXT("cpuinfo", KIND_ROOT, 0444, make_cpuinfo),
    TEXT("cmdline", KIND_ROOT, 0444, make_cmdline),
    OTHER("mounts", KIND_ROOT, KIND_MOUNTS, S_IFREG | 0444),
    OTHER("self", KIND_ROOT, KIND_SELF, S_IFLNK | 0777),
    OTHER("thread-self", KIND_ROOT, KIND_THREAD_SELF, S_IFLNK | 0777),
    TEXT("devices", KIND_ROOT, 0444, make_devices),
    TEXT("swaps", KIND_ROOT, 0444, make_swaps),
    TEXT("interrupts", KIND_ROOT, 0444, make_interrupts),
    TEXT("misc", KIND_ROOT, 0444, make_misc),
    TEXT("partitions", KIND_ROOT, 0444, make_partitions),
    TEXT("diskstats", KIND_ROOT, 0444, make_diskstats),
    OTHER("minnow", KIND_ROOT, KIND_MINNOW, S_IFDIR | 0555),
    OTHER("sys", KIND_ROOT, KIND_SYS, S_IFDIR | 0555),
    OTHER("kernel", KIND_SYS, KIND_SYS_KERNEL, S_IFDIR | 0555),
    TEXT("ostype", KIND_SYS_KERNEL, 0444, make_sys_ostype),
    TEXT("osrelease", KIND_SYS_KERNEL, 0444, make_sys_osrelease),
    TEXT("version", KIND_SYS_KERNEL, 0444, make_sys_version),
    SETTING("hostname", KIND_SYS_KERNEL, make_sys_hostname, PROC_SET_HOST_NAME),
    SETTING("domainname", KIND_SYS_KERNEL, make_sys_domainname, PROC_SET_DOMAIN_NAME),
    SETTING("core_pattern", KIND_SYS_KERNEL, make_sys_core_pattern, PROC_SET_CORE_PATTERN),
    SETTING("core_uses_pid", KIND_SYS_KERNEL, make_sys_core_uses_pid, PROC_SET_CORE_USES_PID),
    TEXT("pid_max", KIND_SYS_KERNEL, 0444, make_sys_pid_max),
    TEXT("threads-max", KIND_SYS_KERNEL, 0444, make_sys_threads_max),
    TEXT("ngroups_max", KIND_SYS_KERNEL, 0444, make_sys_ngroups_max),
    TEXT("tainted", KIND_SYS_KERNEL, 0444, make_sys_tainted),
    TEXT("cap_last_cap", KIND_SYS_KERNEL, 0444, make_sys_cap_last_cap),
    TEXT("arch", KIND_SYS_KERNEL, 0444, make_sys_arch),
    TEXT("dmesg_restrict", KIND_SYS_KERNEL, 0444, make_sys_dmesg_restrict),
    TEXT("shm_rmid_forced", KIND_SYS_KERNEL, 0444, make_sys_shm_rmid_forced),
    TEXT("overflowuid", KIND_SYS_KERNEL, 0444, make_sys_overflow_id),
    TEXT("overflowgid", KIND_SYS_KERNEL, 0444, make_sys_overflow_id),
    TEXT("randomize_va_space", KIND_SYS_KERNEL, 0444, make_sys_randomize_va_space),
    TEXT("sched_rr_timeslice_ms", KIND_SYS_KERNEL, 0444, make_sys_sched_rr_timeslice_ms),
    OTHER("random", KIND_SYS_KERNEL, KIND_SYS_RANDOM, S_IFDIR | 0555),
    TEXT("entropy_avail", KIND_SYS_RANDOM, 0444, make_sys_random_bits),
    TEXT("poolsize", KIND_SYS_RANDOM, 0444, make_sys_random_bits),
    TEXT("panic", KIND_SYS_KERNEL, 0444, make_sys_panic),
    TEXT("ns_last_pid", KIND_SYS_KERNEL, 0444, make_sys_last_pid),
    OTHER("vm", KIND_SYS, KIND_SYS_VM, S_IFDIR | 0555),
    TEXT("overcommit_memory", KIND_SYS_VM, 0444, make_sys_overcommit_memory),
    TEXT("max_map_count", KIND_SYS_VM, 0444, make_sys_max_map_count),
    TEXT("mmap_min_addr", KIND_SYS_VM, 0444, make_sys_mmap_min_addr),
    TEXT("nr_hugepages", KIND_SYS_VM, 0444, make_sys_nr_hugepages),
    TEXT("min_free_kbytes", KIND_SYS_VM, 0444, make_sys_min_free_kbytes),
    TEXT("admin_reserve_kbytes", KIND_SYS_VM, 0444, make_sys_admin_reserve_kbytes),
    TEXT("panic_on_oom", KIND_SYS_VM, 0444, make_sys_panic_on_oom),
    TEXT("oom_kill_allocating_task", KIND_SYS_VM, 0444, make_sys_oom_kill_allocating_task),
    TEXT("legacy_va_layout", KIND_SYS_VM, 0444, make_sys_legacy_va_layout),
    OTHER("fs", KIND_SYS, KIND_SYS_FS, S_IFDIR | 0555),
    SETTING("pipe-max-size", KIND_SYS_FS, make_sys_pipe_max_size, PROC_SET_PIPE_MAX),
    SETTING("lease-break-time", KIND_SYS_FS, make_sys_lease_break, PROC_SET_LEASE_BREAK),
    TEXT("leases-enable", KIND_SYS_FS, 0444, make_sys_leases_enable),
    TEXT("file-max", KIND_SYS_FS, 0444, make_sys_file_max),
    TEXT("file-nr", KIND_SYS_FS, 0444, make_sys_file_nr),
    TEXT("nr_open", KIND_SYS_FS, 0444, make_sys_nr_open),
    TEXT("protected_hardlinks", KIND_SYS_FS, 0444, make_sys_protected_hardlinks),
    TEXT("protected_symlinks", KIND_SYS_FS, 0444, make_sys_unprotected),
    TEXT("protected_fifos", KIND_SYS_FS, 0444, make_sys_unprotected),
    TEXT("protected_regular", KIND_SYS_FS, 0444, make_sys_unprotected),
    TEXT("overflowuid", KIND_SYS_FS, 0444, make_sys_overflow_id),
    TEXT("overflowgid", KIND_SYS_FS, 0444, make_sys_overflow_id),
    TEXT("sem", KIND_SYS_KERNEL, 0444, make_sys_sem),
    SETTING("sem_next_id", KIND_SYS_KERNEL, make_sys_sem_next, PROC_SET_SEM_NEXT),
    SETTING("msg_next_id", KIND_SYS_KERNEL, make_sys_msg_next, PROC_SET_MSG_NEXT),
    SETTING("shm_next_id", KIND_SYS_KERNEL, make_sys_shm_next, PROC_SET_SHM_NEXT),
    TEXT("msgmax", KIND_SYS_KERNEL, 0444, make_sys_msgmax),
    TEXT("msgmnb", KIND_SYS_KERNEL, 0444, make_sys_msgmnb),
    TEXT("msgmni", KIND_SYS_KERNEL, 0444, make_sys_msgmni),
    TEXT("shmmax", KIND_SYS_KERNEL, 0444, make_sys_shmmax),
    TEXT("shmall", KIND_SYS_KERNEL, 0444, make_sys_shmall),
    TEXT("shmmni", KIND_SYS_KERNEL, 0444, make_sys_shmmni),
    OTHER("inotify", KIND_SYS_FS, KIND_SYS_INOTIFY, S_IFDIR | 0555),
    SETTING("max_user_instances", KIND_SYS_INOTIFY, make_sys_inotify_instances,
            PROC_SET_INOTIFY_INSTANCES),
    TEXT("max_user_watches", KIND_SYS_INOTIFY, 0444, make_sys_inotify_watches),
    TEXT("max_queued_events", KIND_SYS_INOTIFY, 0444, make_sys_inotify_events),
    OTHER("mqueue", KIND_SYS_FS, KIND_SYS_MQUEUE, S_IFDIR | 0555),
    MQ_LIMIT("queues_max", make_sys_queues_max, MQ_LIMIT_QUEUES),
    MQ_LIMIT("msg_max", make_sys_msg_max, MQ_LIMIT_MOST),
    MQ_LIMIT("msg_default", make_sys_msg_default, MQ_LIMIT_MOST_DEFAULT),
    MQ_LIMIT("msgsize_max", make_sys_msgsize_max, MQ_LIMIT_SIZE),
    MQ_LIMIT("msgsize_default", make_sys_msgsize_default, MQ_LIMIT_SIZE_DEFAULT),
    OTHER("sysvipc", KIND_ROOT, KIND_SYSVIPC, S_IFDIR | 0555),
    TEXT("msg", KIND_SYSVIPC, 0444, make_sysvipc_msg),
    TEXT("sem", KIND_SYSVIPC, 0444, make_sysvipc_sem),
    TEXT("shm", KIND_SYSVIPC, 0444, make_sysvipc_shm),
    TEXT("services", KIND_MINNOW, 0444, make_services),
    TEXT("threads", KIND_MINNOW, 0444, make_threads),
    TEXT("sched", KIND_MINNOW, 0444, make_sched),
    TEXT("compat", KIND_MINNOW, 0444, make_compat),
    TEXT("system", KIND_MINNOW, 0444, make_counters),
    OTHER("log", KIND_MINNOW, KIND_LOG, S_IFREG | 0400),
    OTHER("trace", KIND_MINNOW, KIND_TRACE, S_IFREG | 0600),
    TEXT("stat", KIND_PROCESS, 0444, make_process_stat),
    TEXT("status", KIND_PROCESS, 0444, make_process_status),
    TEXT("statm", KIND_PROCESS, 0444, make_process_statm),
    OTHER("cmdline", KIND_PROCESS, KIND_ARGUMENTS, S_IFREG | 0444),
    OTHER("environ", KIND_PROCESS, KIND_ENVIRONMENT, S_IFREG | 0400),
    OTHER("auxv", KIND_PROCESS, KIND_AUXV, S_IFREG | 0400),
    SETTING("comm", KIND_PROCESS, make_process_comm, PROC_SET_THREAD_NAME),
    SETTING("coredump_filter", KIND_PROCESS, make_process_coredump_filter, PROC_SET_CORE_FILTER),
    OTHER("exe", KIND_PROCESS, KIND_EXE, S_IFLNK | 0777),
    OTHER("cwd", KIND_PROCESS, KIND_CWD, S_IFLNK | 0777),
    OTHER("root", KIND_PROCESS, KIND_PROCESS_ROOT, S_IFLNK | 0777),
    OTHER("fd", KIND_PROCESS, KIND_FDS, S_IFDIR | 0500),
    OTHER("mem", KIND_PROCESS, KIND_MEMORY, S_IFREG | 0600),
    OTHER("maps", KIND_PROCESS, KIND_MAPS, S_IFREG | 0444),
    OTHER("smaps", KIND_PROCESS, KIND_SMAPS, S_IFREG | 0444),
    OTHER("smaps_rollup", KIND_PROCESS, KIND_SMAPS_ROLLUP, S_IFREG | 0444),
    OTHER("mounts", KIND_PROCESS, KIND_MOUNTS, S_IFREG | 0444),
    OTHER("mountinfo", KIND_PROCESS, KIND_MOUNTINFO, S_IFREG | 0444),
    OTHER("mountstats", KIND_PROCESS, KIND_MOUNTSTATS, S_IFREG | 0400),
    OTHER("task", KIND_PROCESS, KIND_TASKS, S_IFDIR | 0555),
    OTHER("fdinfo", KIND_PROCESS, KIND_FDINFOS, S_IFDIR | 0555),
    TEXT("limits", KIND_PROCESS, 0444, make_process_limits),
    PRIVATE("io", KIND_PROCESS, make_process_io),
    SETTING("oom_score_adj", KIND_PROCESS, make_process_oom_score_adj, PROC_SET_OOM_SCORE_ADJUST),
    SETTING("oom_adj", KIND_PROCESS, make_process_oom_adj, PROC_SET_OOM_ADJUST),
    TEXT("oom_score", KIND_PROCESS, 0444, make_process_oom_score),
    PRIVATE("personality", KIND_PROCESS, make_process_personality),
    TEXT("schedstat", KIND_PROCESS, 0444, make_process_schedstat),
    TEXT("wchan", KIND_PROCESS, 0444, make_process_wchan),
};

_Static_assert(KIND_TEXT + ARRAY_SIZE(files) <= 256, "an object has eight bits for the kind");
enum { FILES = ARRAY_SIZE(files), MOUNTS = 32, NODES = 8, NUMBER_MAX = 12 };
enum { PROCESSES_FROM = 1000 /* position in the root of the first process */ };

/* dev 0: free, or the service has been started afresh since the mount */
static struct fs_mount mounts[MOUNTS] = { [0 ... MOUNTS - 1] = { .size_max = INT64_MAX } };
static struct node nodes[NODES]; /* one request needs fewer */

/* The file of an object; NULL for the kinds that have no place in files[]. */
static const struct file *file_of(uint64_t object)
{
    unsigned kind = object_parts(object).kind;
    return kind >= KIND_TEXT && kind - KIND_TEXT < FILES ? &files[kind - KIND_TEXT] : NULL;
}

/* The object of a file in a directory. */
static uint64_t file_object(const struct file *f, const struct node *dir)
{
    struct object o = object_parts(dir->object);
    o.kind = KIND_TEXT + (f - files);
    if (f->kind == KIND_MEMORY) { /* of the process as it is now, not of what its number will be */
        o.tid = dir->process.memory_serial >> 16;
        o.fd = dir->process.memory_serial & 0xffff;
    }
    return object_make(o);
}

/* The object of a directory's entry that is no file of files[], by its kind and number. */
static uint64_t entry_object(const struct node *dir, unsigned kind, unsigned number)
{
    struct object o = object_parts(dir->object);
    o.kind = kind;
    switch (kind) {
    case KIND_PROCESS: o.pid = number; break;
    case KIND_TASK: o.tid = number; break;
    default: o.fd = number; break;
    }
    return object_make(o);
}

/* The kind of the entries of a directory that have numbers; 0: it has none. */
static unsigned entry_kind(const struct node *dir)
{
    switch (dir->kind) {
    case KIND_ROOT: return KIND_PROCESS;
    case KIND_TASKS: return KIND_TASK;
    case KIND_FDS: return KIND_FD;
    case KIND_FDINFOS: return KIND_FDINFO;
    default: return 0;
    }
}

static bool is_in(const struct file *f, const struct node *dir)
{
    if (dir->kind == KIND_TASK)
        return f->parent == KIND_PROCESS && f->kind != KIND_TASKS;
    return f->parent == dir->kind;
}

static bool descriptor_open(struct subject *p, unsigned fd)
{
    return p->task && ask_conn_get(p->task, fd, &p->file) >= 0;
}

/* ---- Nodes ---- */

/* The mode of a link to an open file tells what the file is open for. */
static uint32_t mode_of_link(uint32_t flags)
{
    uint32_t access = flags & O_ACCMODE, mode = S_IFLNK;
    if (flags & O_PATH)
        return mode;
    if (access != O_WRONLY)
        mode |= 0500;
    if (access != O_RDONLY)
        mode |= 0300;
    return mode;
}

/* The mode, type included; 0: there is no such object. */
static uint32_t mode_of(const struct node *n)
{
    switch (n->kind) {
    case KIND_ROOT:
    case KIND_TASK:
    case KIND_PROCESS: return S_IFDIR | 0555;
    case KIND_FD: return S_IFLNK | 0700;
    case KIND_FDINFO: return S_IFREG | 0444;
    default: return n->file ? n->file->mode : 0;
    }
}

struct fs_node *tree_get(uint64_t object)
{
    struct node *n = nodes;
    struct object o = object_parts(object);
    while (n->used)
        n++;
    ASSERT(n < nodes + NODES);
    n->file = file_of(object);
    n->kind = n->file ? n->file->kind : o.kind;
    n->mount = &mounts[o.mount % MOUNTS];
    n->object = object;
    n->ino = object & ((1ull << 56) - 1);
    n->mode = mode_of(n);
    if (!n->mode)
        return fs_failed(-ENOENT);
    n->links = S_ISDIR(n->mode) ? 2 : 1;
    n->uid = n->gid = 0;
    n->process.pid = 0;
    uint32_t serial = n->kind == KIND_MEMORY ? o.tid << 16 | o.fd : 0;
    unsigned tid = n->kind == KIND_MEMORY ? 0 : o.tid;
    if (o.pid && (!fact_process(o.pid, &n->process) || (tid && !fact_thread(tid, &n->process)) ||
                  (serial && serial != n->process.memory_serial))) {
        n->links = 0;
    } else if (o.pid) {
        n->uid = n->process.euid;
        n->gid = n->process.egid;
    }
    if ((n->kind == KIND_FD || n->kind == KIND_FDINFO) && n->links) {
        if (!descriptor_open(&n->process, o.fd))
            n->links = 0;
        else if (n->kind == KIND_FD)
            n->mode = mode_of_link(n->process.file.flags);
    }
    n->used = true;
    return (struct fs_node *)n;
}

void tree_put(struct fs_node *n) { node_of(n)->used = false; }

bool tree_is_setting(const struct node *n)
{
    switch (n->file ? n->file->parent : 0) {
    case KIND_SYS_KERNEL:
    case KIND_SYS_VM:
    case KIND_SYS_FS:
    case KIND_SYS_RANDOM:
    case KIND_SYS_INOTIFY:
    case KIND_SYS_MQUEUE: return S_ISREG(n->mode);
    default: return false;
    }
}

/* Linux makes some files whole at the first read, and knows of others that they are empty. */
bool tree_endless(const struct fs_node *fs_node)
{
    const struct node *n = (const struct node *)fs_node;
    if (!S_ISREG(n->mode) || n->kind == KIND_ENVIRONMENT || n->kind == KIND_ARGUMENTS ||
        n->kind == KIND_AUXV)
        return false;
    return !tree_is_setting(n);
}

int tree_stat(struct fs_node *n, struct stat *s)
{
    s->blksize = 1024;
    s->atime = s->mtime = s->ctime = fs_now();
    return n->links ? 0 : -ENOENT;
}

struct fs_node *tree_mount(const struct fs_source *s)
{
    unsigned n = 0;
    (void)s;
    while (n < MOUNTS && mounts[n].dev)
        n++;
    if (n == MOUNTS)
        return fs_failed(-ENOMEM);
    mounts[n].dev = n + 1;
    return tree_get(object_make((struct object){ .mount = n, .kind = KIND_ROOT }));
}

int tree_unmount(uint64_t root)
{
    mounts[object_parts(root).mount % MOUNTS].dev = 0;
    return 0;
}

/* ---- Names ---- */

/* The file with this name in a directory, or NULL. */
static const struct file *find(const struct node *dir, const char *name)
{
    for (unsigned i = 0; i < FILES; i++)
        if (is_in(&files[i], dir) && strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

/* The value of a decimal number without leading zeros; -1 for anything else. */
static int64_t number(const char *s)
{
    int64_t n = 0;
    if (!*s || (*s == '0' && s[1]))
        return -1;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || n > INT32_MAX / 10)
            return -1;
        n = n * 10 + (*s - '0');
    }
    return n;
}

static uint64_t parent_of(const struct node *dir)
{
    struct object o = object_parts(dir->object);
    unsigned parent = dir->file                ? dir->file->parent
                      : dir->kind == KIND_TASK ? KIND_TASKS
                                               : KIND_ROOT;
    o.kind = parent;
    if (dir->kind == KIND_TASK)
        o.tid = 0;
    if (parent == KIND_ROOT)
        o.pid = 0;
    if (parent == KIND_PROCESS && o.tid)
        o.kind = KIND_TASK;
    for (unsigned i = 0; i < FILES; i++)
        if (files[i].kind == parent)
            o.kind = KIND_TEXT + i;
    return object_make(o);
}

/* The object that a directory has under a name, whether or not there is such a process; 0 if there
 * is no such name. */
static uint64_t object_named(const struct node *dir, const struct fs_name *name)
{
    int64_t n = number(name->text);
    const struct file *f = find(dir, name->text);
    unsigned kind = entry_kind(dir);
    bool descriptor = kind == KIND_FD || kind == KIND_FDINFO;
    if (fs_is_dot(name))
        return dir->object;
    if (fs_is_dotdot(name))
        return parent_of(dir);
    if (f)
        return file_object(f, dir);
    return kind && n >= !descriptor && n <= 0xffff ? entry_object(dir, kind, n) : 0;
}

struct fs_node *tree_lookup(struct fs_node *dir, struct fs_name *name)
{
    uint64_t object = dir->links ? object_named(node_of(dir), name) : 0;
    struct fs_node *n = object ? tree_get(object) : fs_failed(-ENOENT);
    if (fs_error(n) || n->links)
        return n;
    tree_put(n);
    return fs_failed(-ENOENT);
}

int tree_name_of(struct fs_node *dir, uint64_t object, char *name)
{
    const struct file *f = file_of(object);
    struct object o = object_parts(object);
    (void)dir;
    if (f)
        return format(name, NAME_MAX + 1, "%s", f->name);
    return format(name, NAME_MAX + 1, "%u",
                  o.kind == KIND_PROCESS ? o.pid
                  : o.kind == KIND_TASK  ? o.tid
                                         : o.fd);
}

/* ---- Listing ---- */

/* A directory is read by position: 0 is ".", 1 "..", 2 + k the file files[k] if it is in the
 * directory, PROCESSES_FROM + k the k-th place of POSIX's table, or the thread with the kernel's
 * index k, or descriptor k. So a process that comes or goes moves no other. Each of these functions
 * lists its part: 1 to go on, 0 if the window is full, or an error. */

static int list_files(const struct node *dir, struct dents *d)
{
    int more = 1;
    for (uint64_t at = d->position; at < FILES + 2 && more == 1; at++) {
        const struct file *f = &files[at - 2];
        if (at == 0)
            more = dents_add(d, dir->object, 1, DT_DIR, ".", 1);
        else if (at == 1)
            more = dents_add(d, parent_of(dir), 2, DT_DIR, "..", 2);
        else if (is_in(f, dir))
            more = dents_add(d, file_object(f, dir), at + 1, fs_dtype(f->mode), f->name,
                             strlen(f->name));
    }
    return more;
}

static int add_number(struct dents *d, uint64_t object, uint64_t next, uint8_t type, unsigned n)
{
    char name[NUMBER_MAX];
    size_t length = format(name, sizeof name, "%u", n);
    return dents_add(d, object, next, type, name, length);
}

static int list_processes(const struct node *dir, struct dents *d)
{
    struct posix_table table;
    struct subject p;
    int more = 1;
    if (!fact_table(&table))
        return 1;
    for (uint64_t at = MAX(d->position, (uint64_t)PROCESSES_FROM);
         at - PROCESSES_FROM < table.count && more == 1; at++)
        if (fact_process_at(at - PROCESSES_FROM, &p))
            more = add_number(d, entry_object(dir, KIND_PROCESS, p.pid), at + 1, DT_DIR, p.pid);
    for (uint64_t at = MAX(d->position, (uint64_t)PROCESSES_FROM + table.count);
         at - PROCESSES_FROM - table.count < MAX_SERVICE && more == 1; at++) {
        uint32_t pid = SERVICES_FROM + (at - PROCESSES_FROM - table.count);
        if (fact_process(pid, &p))
            more = add_number(d, entry_object(dir, KIND_PROCESS, pid), at + 1, DT_DIR, pid);
    }
    return more;
}

static int list_threads(const struct node *dir, struct dents *d)
{
    unsigned index = MAX(d->position, (uint64_t)PROCESSES_FROM) - PROCESSES_FROM;
    int more = 1;
    for (uint32_t tid; more == 1 && (tid = fact_next_thread(dir->process.pid, index, &index));
         index++)
        more = add_number(d, entry_object(dir, KIND_TASK, tid), index + 1 + PROCESSES_FROM, DT_DIR,
                          tid);
    return more;
}

static int list_descriptors(const struct node *dir, struct dents *d)
{
    enum { AT_ONCE = 32 };
    const struct subject *p = &dir->process;
    struct task_info t;
    int more = 1;
    if (!p->task || !fact_task(endpoint_index(p->task), &t))
        return 1;
    for (uint64_t at = MAX(d->position, (uint64_t)PROCESSES_FROM);
         at - PROCESSES_FROM < DESCRIPTORS_MAX && more == 1; at += AT_ONCE) {
        struct conn_info info[AT_ONCE];
        uint32_t fd[AT_ONCE];
        for (unsigned i = 0; i < AT_ONCE; i++)
            fd[i] = at + i - PROCESSES_FROM;
        if (ask_conn_list(p->task, fd, sizeof fd[0], AT_ONCE, info) < 0)
            return 1;
        for (unsigned i = 0; i < AT_ONCE && more == 1; i++)
            if (info[i].service)
                more = add_number(d, entry_object(dir, entry_kind(dir), fd[i]), at + i + 1,
                                  dir->kind == KIND_FDS ? DT_LNK : DT_REG, fd[i]);
    }
    return more;
}

int tree_list(struct fs_node *f, struct dents *d)
{
    const struct node *dir = node_of(f);
    bool descriptors = dir->kind == KIND_FDS || dir->kind == KIND_FDINFOS;
    if (descriptors && !may_look_into(d->m->from, &dir->process))
        return -EACCES;
    int more = list_files(dir, d);
    if (more == 1 && dir->kind == KIND_ROOT)
        more = list_processes(dir, d);
    else if (more == 1 && dir->kind == KIND_TASKS)
        more = list_threads(dir, d);
    else if (more == 1 && descriptors)
        more = list_descriptors(dir, d);
    return MIN(more, 0);
}
