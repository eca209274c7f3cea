/* The tree: which files there are, and the operations of a directory. */
#include "procfs.h"

#define TEXT(n, p, m, f) { n, p, KIND_TEXT, S_IFREG | (m), f },
const struct file files[] = {
    TEXT("stat", KIND_ROOT, 0444, make_stat) TEXT("meminfo", KIND_ROOT, 0444, make_meminfo)
        TEXT("uptime", KIND_ROOT, 0444, make_uptime) TEXT("loadavg", KIND_ROOT, 0444, make_loadavg)
            TEXT("filesystems", KIND_ROOT, 0444, make_filesystems)
                TEXT("version", KIND_ROOT, 0444, make_version)
                    TEXT("cpuinfo", KIND_ROOT, 0444, make_cpuinfo)
                        TEXT("cmdline", KIND_ROOT, 0444, make_cmdline){
                            "mounts", KIND_ROOT, KIND_MOUNTS, S_IFREG | 0444, NULL },
    { "self", KIND_ROOT, KIND_SELF, S_IFLNK | 0777, NULL },
    { "minnow", KIND_ROOT, KIND_MINNOW, S_IFDIR | 0555, NULL },
    { "sys", KIND_ROOT, KIND_SYS, S_IFDIR | 0555, NULL },
    { "kernel", KIND_SYS, KIND_SYS_KERNEL, S_IFDIR | 0555, NULL },
    TEXT("ostype", KIND_SYS_KERNEL, 0444, make_sys_ostype)
        TEXT("osrelease", KIND_SYS_KERNEL, 0444, make_sys_osrelease)
            TEXT("version", KIND_SYS_KERNEL, 0444, make_sys_version)
                TEXT("hostname", KIND_SYS_KERNEL, 0444, make_sys_hostname)
                    TEXT("domainname", KIND_SYS_KERNEL, 0444, make_sys_domainname)
                        TEXT("pid_max", KIND_SYS_KERNEL, 0444, make_sys_pid_max)
                            TEXT("threads-max", KIND_SYS_KERNEL, 0444, make_sys_threads_max)
                                TEXT("ngroups_max", KIND_SYS_KERNEL, 0444, make_sys_ngroups_max)
                                    TEXT("tainted", KIND_SYS_KERNEL, 0444, make_sys_tainted)
                                        TEXT("cap_last_cap", KIND_SYS_KERNEL, 0444,
                                             make_sys_cap_last_cap){ "fs", KIND_SYS, KIND_SYS_FS,
                                                                     S_IFDIR | 0555, NULL },
    TEXT("pipe-max-size", KIND_SYS_FS, 0444, make_sys_pipe_max_size)
        TEXT("nr_open", KIND_SYS_FS, 0444, make_sys_nr_open)
            TEXT("services", KIND_MINNOW, 0444, make_services)
                TEXT("threads", KIND_MINNOW, 0444, make_threads)
                    TEXT("sched", KIND_MINNOW, 0444, make_sched)
                        TEXT("compat", KIND_MINNOW, 0444, make_compat)
                            TEXT("system", KIND_MINNOW, 0444, make_counters){
                                "log", KIND_MINNOW, KIND_LOG, S_IFREG | 0400, NULL },
    { "trace", KIND_MINNOW, KIND_TRACE, S_IFREG | 0600, NULL },
    TEXT("stat", KIND_PROCESS, 0444, make_process_stat)
        TEXT("status", KIND_PROCESS, 0444, make_process_status)
            TEXT("statm", KIND_PROCESS, 0444, make_process_statm){
                "cmdline", KIND_PROCESS, KIND_ARGUMENTS, S_IFREG | 0444, NULL },
    { "environ", KIND_PROCESS, KIND_ENVIRONMENT, S_IFREG | 0400, NULL },
    TEXT("comm", KIND_PROCESS, 0444, make_process_comm){ "exe", KIND_PROCESS, KIND_EXE,
                                                         S_IFLNK | 0777, NULL },
    { "cwd", KIND_PROCESS, KIND_CWD, S_IFLNK | 0777, NULL },
    { "root", KIND_PROCESS, KIND_PROCESS_ROOT, S_IFLNK | 0777, NULL },
    { "fd", KIND_PROCESS, KIND_FDS, S_IFDIR | 0500, NULL },
    { "maps", KIND_PROCESS, KIND_MAPS, S_IFREG | 0444, NULL },
    { "mounts", KIND_PROCESS, KIND_MOUNTS, S_IFREG | 0444, NULL },
};
const unsigned files_count = ARRAY_SIZE(files);

enum { NUMBER_MAX = 12, PROCESSES_FROM = 1000 /* position in the root of the first process */ };

/* The kind in an object is KIND_TEXT plus the place in files[]; the few that have no place have
 * their own kind. */
const struct file *file_of(uint64_t object)
{
    unsigned kind = object_kind(object);
    return kind >= KIND_TEXT && kind - KIND_TEXT < files_count ? &files[kind - KIND_TEXT] : NULL;
}

uint64_t file_object(const struct file *f, unsigned mount, uint32_t pid)
{
    return object_make(mount, pid, 0, KIND_TEXT + (f - files));
}

/* What an object is. */
static unsigned kind_of(uint64_t object)
{
    const struct file *f = file_of(object);
    return f ? f->kind : object_kind(object);
}

static const struct file *find(unsigned parent, const char *name)
{
    for (unsigned i = 0; i < files_count; i++)
        if (files[i].parent == parent && strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

/* A number without leading zeros; -1 for anything else. */
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

static bool descriptor_open(const struct posix_proc *p, unsigned fd)
{
    struct conn_info c;
    return p->task && ask_conn_get(p->task, fd, &c) >= 0;
}

/* Mode and owner of an object. 0, -ENOENT when its process has gone. */
static int describe(uint64_t object, uint32_t *mode, uint32_t *uid, uint32_t *gid)
{
    struct posix_proc p;
    const struct file *f = file_of(object);
    *uid = *gid = 0;
    if (object_pid(object)) {
        if (!source_process(object_pid(object), &p))
            return -ENOENT;
        *uid = p.euid;
        *gid = p.egid;
    }
    switch (object_kind(object)) {
    case KIND_ROOT:
    case KIND_PROCESS: *mode = S_IFDIR | 0555; return 0;
    case KIND_FD:
        *mode = S_IFLNK | 0700;
        return descriptor_open(&p, object_fd(object)) ? 0 : -ENOENT;
    default: *mode = f ? f->mode : 0; return f ? 0 : -ENOENT;
    }
}

static uint64_t parent_of(uint64_t object)
{
    unsigned mount = object_mount(object), kind = kind_of(object);
    if (kind == KIND_FDS)
        return object_make(mount, object_pid(object), 0, KIND_PROCESS);
    return kind == KIND_SYS_KERNEL || kind == KIND_SYS_FS
               ? file_object(find(KIND_ROOT, "sys"), mount, 0)
               : object_make(mount, 0, 0, KIND_ROOT);
}

/* The object that a directory has under a name; 0 when there is none. */
static uint64_t entry(uint64_t dir, const char *name)
{
    unsigned kind = kind_of(dir), mount = object_mount(dir);
    int64_t n = number(name);
    const struct file *f = find(kind, name);
    if (strcmp(name, ".") == 0)
        return dir;
    if (strcmp(name, "..") == 0)
        return parent_of(dir);
    if (f)
        return file_object(f, mount, object_pid(dir));
    if (kind == KIND_ROOT && n > 0)
        return object_make(mount, n, 0, KIND_PROCESS);
    if (kind == KIND_FDS && n >= 0 && n <= 0xffff)
        return object_make(mount, object_pid(dir), n, KIND_FD);
    return 0;
}

int64_t do_lookup(struct message *m)
{
    char name[NAME_MAX + 1];
    uint32_t mode, uid, gid;
    int error = describe(m->object, &mode, &uid, &gid);
    if (error)
        return error;
    if (!S_ISDIR(mode))
        return -ENOTDIR;
    error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    uint64_t object = entry(m->object, name);
    error = object ? describe(object, &mode, &uid, &gid) : -ENOENT;
    if (error)
        return error;
    reply_words(m, object, mode, (uint64_t)uid << 32 | gid);
    return 0;
}

/* ---- reading directories ---- */

/* A directory is read by position: 0 "." 1 ".." 2.. the files[] that are in it, from PROCESSES_FROM
 * on places of POSIX's table, or descriptors. */
static int add_fixed(struct dents *d, uint64_t dir, uint64_t *at)
{
    int more = 1;
    for (; *at < files_count + 2; ++*at) {
        const struct file *f = &files[*at - 2];
        if (*at == 0)
            more = dents_add(d, dir, 1, DT_DIR, ".", 1);
        else if (*at == 1)
            more = dents_add(d, parent_of(dir), 2, DT_DIR, "..", 2);
        else if (f->parent == kind_of(dir))
            more = dents_add(d, file_object(f, object_mount(dir), object_pid(dir)), *at + 1,
                             fs_dtype(f->mode), f->name, strlen(f->name));
        if (more <= 0)
            return more;
    }
    return 1;
}

static int add_number(struct dents *d, uint64_t object, uint64_t next, uint8_t type, unsigned n)
{
    char name[NUMBER_MAX];
    size_t length = format(name, sizeof name, "%u", n);
    return dents_add(d, object, next, type, name, length);
}

static int add_processes(struct dents *d, uint64_t dir, uint64_t *at)
{
    struct posix_table table;
    struct posix_proc p;
    if (!source_table(&table))
        return 1;
    for (; *at - PROCESSES_FROM < table.count; ++*at) {
        if (!source_process_at(*at - PROCESSES_FROM, &p))
            continue;
        int more = add_number(d, object_make(object_mount(dir), p.pid, 0, KIND_PROCESS), *at + 1,
                              DT_DIR, p.pid);
        if (more <= 0)
            return more;
    }
    return 1;
}

static int add_descriptors(struct dents *d, uint64_t dir, uint64_t *at)
{
    struct posix_proc p;
    struct task_info t;
    if (!source_process(object_pid(dir), &p) || !p.task || !source_task(endpoint_index(p.task), &t))
        return 1;
    for (; *at - PROCESSES_FROM < DESCRIPTORS_MAX; ++*at) {
        unsigned fd = *at - PROCESSES_FROM;
        if (!descriptor_open(&p, fd))
            continue;
        int more = add_number(d, object_make(object_mount(dir), p.pid, fd, KIND_FD), *at + 1,
                              DT_LNK, fd);
        if (more <= 0)
            return more;
    }
    return 1;
}

int64_t do_dents(struct message *m)
{
    struct dents d;
    uint64_t at = m->position;
    unsigned kind = kind_of(m->object);
    const struct file *directory = file_of(m->object);
    struct posix_proc p;
    if (kind != KIND_ROOT && kind != KIND_PROCESS && !(directory && S_ISDIR(directory->mode)))
        return -ENOTDIR;
    if (kind == KIND_FDS &&
        !(source_process(object_pid(m->object), &p) && may_look_into(m->from, &p)))
        return -EACCES;
    dents_start(&d, m);
    int more = add_fixed(&d, m->object, &at);
    if (more > 0 && at < PROCESSES_FROM)
        at = PROCESSES_FROM;
    if (more > 0 && kind == KIND_ROOT)
        more = add_processes(&d, m->object, &at);
    else if (more > 0 && kind == KIND_FDS)
        more = add_descriptors(&d, m->object, &at);
    return more < 0 ? more : dents_end(&d, at, !more);
}

/* ---- asking ---- */

int64_t do_stat(struct message *m)
{
    uint32_t mode, uid, gid;
    int error = describe(m->object, &mode, &uid, &gid);
    if (error)
        return error;
    struct timespec64 now = fs_now();
    struct stat s = { .dev = object_mount(m->object) + 1,
                      .ino = m->object & 0xffffffffffffff,
                      .nlink = S_ISDIR(mode) ? 2 : 1,
                      .mode = mode,
                      .uid = uid,
                      .gid = gid,
                      .blksize = 1024,
                      .atime = now,
                      .mtime = now,
                      .ctime = now };
    return copy_out(m, 0, &s, sizeof s);
}

int64_t do_name(struct message *m)
{
    char name[NUMBER_MAX];
    uint64_t object = m->w[3];
    const struct file *f = file_of(object);
    const char *text = f ? f->name : name;
    format(name, sizeof name, "%u",
           object_kind(object) == KIND_FD ? object_fd(object) : object_pid(object));
    size_t length = MIN(strlen(text), m->w[2]);
    int error = copy_out(m, 0, text, length);
    return error ? error : (int64_t)length;
}
