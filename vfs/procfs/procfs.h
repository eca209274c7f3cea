/* procfs: /proc. Nothing is kept: a file's text is made when it is read, from what the kernel tells
 * (SYS_INFO) and what POSIX and PM publish. What only VFS or PM can say, they say themselves: the
 * reader is forwarded to them. procfs never calls them, because they call it.
 *
 * One thread, so the text being made stands in one static buffer. */
#ifndef PROCFS_H
#define PROCFS_H

#include <minnow/proc.h>

#include "fs.h"
#include "service.h"
#include "syscalls.h"

/* An object says all about itself: mount << 56 | pid << 24 | descriptor << 8 | kind. */
enum kind {
    KIND_ROOT = 1,
    KIND_PROCESS,
    KIND_FDS,
    KIND_FD,
    KIND_MINNOW,
    KIND_SELF,
    KIND_EXE,
    KIND_CWD,
    KIND_PROCESS_ROOT,
    KIND_MOUNTS,
    KIND_MAPS,
    KIND_LOG,
    KIND_TRACE,
    KIND_ENVIRONMENT,
    KIND_ARGUMENTS,
    KIND_SYS,
    KIND_SYS_KERNEL,
    KIND_SYS_FS,
    KIND_TEXT, /* the first of the files that are made by a function */
};

static inline uint64_t object_make(unsigned mount, uint32_t pid, unsigned fd, unsigned kind)
{
    return (uint64_t)mount << 56 | (uint64_t)pid << 24 | fd << 8 | kind;
}
static inline unsigned object_mount(uint64_t object) { return object >> 56; }
static inline uint32_t object_pid(uint64_t object) { return object >> 24; }
static inline unsigned object_fd(uint64_t object) { return object >> 8 & 0xffff; }
static inline unsigned object_kind(uint64_t object) { return object & 0xff; }

struct text;

/* One file or directory. Those of the same parent make up the directory. */
struct file {
    const char *name;
    uint8_t parent; /* the directory that it is in: KIND_ROOT, KIND_PROCESS ... */
    uint8_t kind;   /* KIND_TEXT: made by `make` */
    uint16_t mode;
    /* p: of a file in a process's directory, else NULL */
    void (*make)(struct text *t, const struct posix_proc *p);
};

/* What an object stands for, made for a request: nothing is kept. */
struct node {
    struct fs_node; /* links: 0 when its process or descriptor has gone */
    bool used;
    uint8_t kind;
    const struct file *file; /* NULL for the root, a process's directory and what is in fd/ */
    struct posix_proc
        process; /* the process in the object, if there is one and the node has links */
};
static inline struct node *node_of(struct fs_node *n) { return (struct node *)n; }

/* ---- text.c ---- */
/* Text being made; what does not fit is cut. */
struct text {
    char *buffer;
    size_t size, length;
};
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- facts.c ---- */

/* What the kernel tells (SYS_INFO), and what POSIX and PM publish. None waits. Where nothing is
 * known, numbers are 0, and the functions that return bool return false. */
bool fact_task(unsigned index, struct task_info *info);
void fact_system(struct system_info *info);
bool fact_table(struct posix_table *table);
/* The process at this place of the table, if there is one. */
bool fact_process_at(unsigned place, struct posix_proc *p);
bool fact_process(uint32_t pid, struct posix_proc *p);
void fact_usage(endpoint_t task, struct pm_usage *usage);
void fact_programs(struct pm_usage *sum); /* frames: those that PM has, and those in use */
/* Whether a thread of the task is running or could run. */
bool fact_runs(endpoint_t task);
extern endpoint_t fact_reader; /* the task that reads now; it counts as running */
unsigned fact_running(void);
uint32_t fact_pid(endpoint_t task);
/* Whether the task may see what p has: descriptors, directories, memory. The rule is ptrace's
 * (ptrace(2), PTRACE_MODE_READ): p itself, root, and a process of the same user in all of p's ids,
 * unless p holds what was another user's (dumpable). */
bool may_look_into(endpoint_t task, const struct posix_proc *p);
/* The name of a service by its slot; "" for none. */
const char *fact_service(endpoint_t service);

/* ---- the texts: system.c, process.c, minnow.c ---- */

/* Each makes the text of one file into t, from the facts as they are now. p: the process whose file
 * it is, or NULL. None waits for another service but make_services(), which asks rs. */
void make_stat(struct text *t, const struct posix_proc *p);
void make_meminfo(struct text *t, const struct posix_proc *p);
void make_uptime(struct text *t, const struct posix_proc *p);
void make_loadavg(struct text *t, const struct posix_proc *p);
void make_filesystems(struct text *t, const struct posix_proc *p);
void make_version(struct text *t, const struct posix_proc *p);
void make_cpuinfo(struct text *t, const struct posix_proc *p);
void make_cmdline(struct text *t, const struct posix_proc *p);
void make_sys_ostype(struct text *t, const struct posix_proc *p);
void make_sys_osrelease(struct text *t, const struct posix_proc *p);
void make_sys_version(struct text *t, const struct posix_proc *p);
void make_sys_hostname(struct text *t, const struct posix_proc *p);
void make_sys_domainname(struct text *t, const struct posix_proc *p);
void make_sys_pid_max(struct text *t, const struct posix_proc *p);
void make_sys_threads_max(struct text *t, const struct posix_proc *p);
void make_sys_ngroups_max(struct text *t, const struct posix_proc *p);
void make_sys_tainted(struct text *t, const struct posix_proc *p);
void make_sys_cap_last_cap(struct text *t, const struct posix_proc *p);
void make_sys_pipe_max_size(struct text *t, const struct posix_proc *p);
void make_sys_nr_open(struct text *t, const struct posix_proc *p);

void make_process_stat(struct text *t, const struct posix_proc *p);
void make_process_status(struct text *t, const struct posix_proc *p);
void make_process_statm(struct text *t, const struct posix_proc *p);
void make_process_comm(struct text *t, const struct posix_proc *p);

void make_services(struct text *t, const struct posix_proc *p);
void make_threads(struct text *t, const struct posix_proc *p);
void make_sched(struct text *t, const struct posix_proc *p);
void make_compat(struct text *t, const struct posix_proc *p);
void make_counters(struct text *t, const struct posix_proc *p);
/* These end as fs_ops.read and write do; trace_read moves m->position over what has been lost. */
int64_t trace_read(struct message *m);
int64_t trace_write(struct message *m);
int64_t log_read(struct message *m);

/* ---- read.c, link.c, tree.c: for the table ---- */

int read_open(struct fs_node *n, struct message *m, uint64_t *flags);
int64_t read_file(struct fs_node *n, struct message *m, uint64_t position, uint64_t length);
int64_t write_file(struct fs_node *n, struct message *m, uint64_t position, uint64_t length);
int64_t link_read(struct fs_node *n, struct message *m);
struct fs_node *tree_mount(const struct fs_source *s);
int tree_unmount(uint64_t root);
struct fs_node *tree_get(uint64_t object);
void tree_put(struct fs_node *n);
int tree_stat(struct fs_node *n, struct stat *s);
struct fs_node *tree_lookup(struct fs_node *dir, struct fs_name *name);
int tree_list(struct fs_node *dir, struct dents *d);
int tree_name_of(struct fs_node *dir, uint64_t object, char *name);

#endif
