/* procfs: /proc. Nothing is kept: a file's text is made when it is read, from what the kernel tells
 * (SYS_INFO) and what POSIX and PM publish. A read of what only VFS or PM knows (maps, mounts,
 * paths) is forwarded to them. procfs never calls them, because they call it.
 *
 * The life of a read:
 *
 *     FS_READ -> tree_get()    the object tells mount, pid, descriptor and kind: makes a node of it
 *             -> read_file()   by kind: a text, memory of the process, the log, the trace, or a
 *                              forward, whose answer the reader gets from PM or VFS
 *             -> make_x()      the whole text from its beginning, of which the reader gets the part
 *                              at its position
 *
 * So a reader that takes a text in several reads may see two of its states. There is one thread, so
 * the text being made stands in one static buffer. */
#ifndef PROCFS_H
#define PROCFS_H

#include <minnow/disk.h>
#include <minnow/proc.h>
#include <minnow/sysv.h>

#include "fs.h"
#include "service.h"
#include "syscalls.h"

/* What an object consists of: tree.c has a drawing. The kinds that need code of their own; those of
 * the files that a function makes are from KIND_PRIVATE on. */
enum kind {
    KIND_ROOT = 1,
    KIND_PROCESS = PROC_DIRECTORY, /* known to the personality too */
    KIND_TASKS,
    KIND_TASK, /* of one thread: has the files of KIND_PROCESS */
    KIND_FDS,
    KIND_FD,
    KIND_FDINFOS,
    KIND_FDINFO,
    KIND_MINNOW,
    KIND_SELF,
    KIND_THREAD_SELF,
    KIND_EXE,
    KIND_CWD,
    KIND_PROCESS_ROOT,
    KIND_MOUNTS,
    KIND_MOUNTINFO,
    KIND_MOUNTSTATS,
    KIND_MAPS,
    KIND_SMAPS,
    KIND_SMAPS_ROLLUP,
    KIND_LOG,
    KIND_TRACE,
    KIND_ENVIRONMENT,
    KIND_MEMORY,
    KIND_ARGUMENTS,
    KIND_AUXV,
    KIND_SYS,
    KIND_SYS_KERNEL,
    KIND_SYS_VM,
    KIND_SYS_FS,
    KIND_SYS_MQUEUE,
    KIND_SYS_RANDOM,
    KIND_SYS_INOTIFY,
    KIND_SYSVIPC,
    KIND_PRIVATE, /* as KIND_TEXT, for who may look into the process */
    KIND_TEXT,    /* of an object: this plus the place in files[], so there is none behind it */
};

struct object {
    unsigned mount, pid, tid, fd, kind;
};
static inline uint64_t object_make(struct object o)
{
    return (uint64_t)o.mount << 56 | (uint64_t)o.pid << 40 | (uint64_t)o.tid << 24 | o.fd << 8 |
           o.kind;
}
static inline struct object object_parts(uint64_t object)
{
    return (struct object){ object >> 56, object >> 40 & 0xffff, object >> 24 & 0xffff,
                            object >> 8 & 0xffff, object & 0xff };
}

struct text;

/* Services are shown as processes with this number + their slot, as Linux shows the kernel's
 * threads; no signal reaches them by it. */
enum { SERVICES_FROM = PROC_PID_MAX };

/* Whom a file is about. */
struct subject {
    struct posix_proc; /* the process */
    uint64_t pending;  /* the signals that wait for the process */
    /* the thread, if the file is in a thread's directory; else tid is 0 */
    uint32_t tid;
    struct posix_thread record;
    struct thread_info thread;
    struct conn_info file; /* of a file in fdinfo */
};

/* A file or directory. A directory has all those of which it is the parent. */
struct file {
    const char *name;
    uint8_t parent; /* the kind of its directory: KIND_ROOT, KIND_PROCESS ... */
    uint8_t kind;   /* KIND_TEXT, KIND_PRIVATE: made by `make` */
    uint16_t mode;
    /* p: the process in whose directory the file is; else NULL */
    void (*make)(struct text *t, const struct subject *p);
    uint8_t setting; /* enum proc_setting: what a write changes, if the mode lets anybody write */
};

/* The node of an object, made for one request. */
struct node {
    struct fs_node; /* links: 0 if its process or descriptor has gone */
    bool used;
    uint8_t kind;
    const struct file *file; /* NULL for the root, a process's directory and the links in fd/ */
    /* the process in the object, if there is one and the node has links */
    struct subject process;
};
static inline struct node *node_of(struct fs_node *n) { return (struct node *)n; }

static inline bool is_service(const struct subject *p) { return p->pid > SERVICES_FROM; }

/* ---- text.c ---- */
/* A text being made: `length` of `size` bytes are there. */
struct text {
    char *buffer;
    size_t size, length;
};
/* Adds to the text, as printf; what has no room is cut. */
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- facts.c ---- */

/* Facts from the kernel (SYS_INFO), and from what POSIX and PM publish. No function waits. If a
 * fact is not known, numbers are 0, and the functions that return bool return false. */

const char *fact_options(void);                         /* the kernel's command line */
bool fact_task(unsigned index, struct task_info *info); /* the task with this index */
void fact_system(struct system_info *info);
bool fact_irq(unsigned line, struct irq_info *info);
/* What a driver of disks tells of them. */
bool fact_disks(const char *driver, struct disk_published *disks);
bool fact_table(struct posix_table *table); /* where POSIX's table of processes is */
/* The process at this place of the table; false also for an empty place. */
bool fact_process_at(unsigned place, struct subject *p);
/* The object of System V IPC at a place; false: there is none. */
bool fact_sysv(enum sysv_kind kind, unsigned place, struct posix_sysv *i);
/* How often the shared memory at a place is attached. */
unsigned fact_attached(unsigned place);
/* How many signals with details wait for processes of a user. */
unsigned fact_signals(uint32_t user);
bool fact_process(uint32_t pid, struct subject *p); /* a service too, by its number */
/* The thread of p with this number: fills in what p has of it. */
bool fact_thread(uint32_t tid, struct subject *p);
/* The number of the thread that the kernel's index `from` or the next one above has that is of
 * process pid; *index becomes which. 0: there is none. */
uint32_t fact_next_thread(uint32_t pid, unsigned from, unsigned *index);
/* The thread with the kernel's index, whose numbers are given; 0 0: it is of no process. */
struct posix_thread fact_thread_at(unsigned index);
void fact_usage(endpoint_t task, struct pm_usage *usage); /* the memory of a task */
/* What its pages are, counted; `next` is 0. */
void fact_resident(endpoint_t task, struct resident_info *sum);
/* Of all programs together: resident and virtual_pages are the frames in use, and those that PM
 * has. */
void fact_programs(struct pm_usage *sum);
/* Whether a thread of the task is running or ready to run. */
bool fact_runs(endpoint_t task);
extern endpoint_t fact_reader; /* the task that reads now, which counts as running */
unsigned fact_running(void);   /* how many threads of programs are ready */
uint32_t fact_pid(endpoint_t task);
/* Whether the task may see the descriptors, directories and memory of p. The rule is ptrace's
 * (ptrace(2), PTRACE_MODE_READ): p itself, root, and a process of the same user in all of p's ids,
 * unless p holds what was another user's (then `dumpable` is false). */
bool may_look_into(endpoint_t task, const struct subject *p);
/* The name of a service by its slot, for ever; "" if there is none. */
const char *fact_service(endpoint_t service);

/* ---- names for people: trace.c ---- */

/* Of a message's operation; "?" if there is none. */
const char *operation_name(uint64_t op);
/* Writes a task's name: a service's, or name and pid of a process; "-" for none. */
void task_name(char *to, size_t size, endpoint_t task);

/* ---- the texts: system.c, process.c, minnow.c ---- */

/* Each adds the text of one file to t, from the facts as they are now. p: the process whose file it
 * is, or NULL. Only make_services(), which asks rs, waits for another service; those that look at
 * all threads, or at all pages of a process, give way. */
void make_stat(struct text *t, const struct subject *p);
void make_meminfo(struct text *t, const struct subject *p);
void make_uptime(struct text *t, const struct subject *p);
void make_loadavg(struct text *t, const struct subject *p);
void make_filesystems(struct text *t, const struct subject *p);
void make_version(struct text *t, const struct subject *p);
void make_cpuinfo(struct text *t, const struct subject *p);
void make_cmdline(struct text *t, const struct subject *p);
void make_devices(struct text *t, const struct subject *p);
void make_swaps(struct text *t, const struct subject *p);
void make_interrupts(struct text *t, const struct subject *p);
void make_misc(struct text *t, const struct subject *p);
void make_partitions(struct text *t, const struct subject *p);
void make_diskstats(struct text *t, const struct subject *p);
void make_sys_arch(struct text *t, const struct subject *p);
void make_sys_dmesg_restrict(struct text *t, const struct subject *p);
void make_sys_shm_rmid_forced(struct text *t, const struct subject *p);
void make_sys_panic_on_oom(struct text *t, const struct subject *p);
void make_sys_oom_kill_allocating_task(struct text *t, const struct subject *p);
void make_sys_legacy_va_layout(struct text *t, const struct subject *p);
void make_sys_protected_hardlinks(struct text *t, const struct subject *p);
void make_sys_unprotected(struct text *t, const struct subject *p);
void make_sys_min_free_kbytes(struct text *t, const struct subject *p);
void make_sys_admin_reserve_kbytes(struct text *t, const struct subject *p);
void make_sys_overflow_id(struct text *t, const struct subject *p);
void make_sys_randomize_va_space(struct text *t, const struct subject *p);
void make_sys_panic(struct text *t, const struct subject *p);
void make_sys_last_pid(struct text *t, const struct subject *p);
void make_sys_overcommit_memory(struct text *t, const struct subject *p);
void make_sys_max_map_count(struct text *t, const struct subject *p);
void make_sys_mmap_min_addr(struct text *t, const struct subject *p);
void make_sys_nr_hugepages(struct text *t, const struct subject *p);
void make_sys_ostype(struct text *t, const struct subject *p);
void make_sys_osrelease(struct text *t, const struct subject *p);
void make_sys_version(struct text *t, const struct subject *p);
void make_sys_hostname(struct text *t, const struct subject *p);
void make_sys_domainname(struct text *t, const struct subject *p);
void make_sys_core_pattern(struct text *t, const struct subject *p);
void make_sys_core_uses_pid(struct text *t, const struct subject *p);
void make_sys_pid_max(struct text *t, const struct subject *p);
void make_sys_threads_max(struct text *t, const struct subject *p);
void make_sys_ngroups_max(struct text *t, const struct subject *p);
void make_sys_tainted(struct text *t, const struct subject *p);
void make_sys_cap_last_cap(struct text *t, const struct subject *p);
void make_sys_pipe_max_size(struct text *t, const struct subject *p);
void make_sys_lease_break(struct text *t, const struct subject *p);
void make_sys_leases_enable(struct text *t, const struct subject *p);
void make_sys_sched_rr_timeslice_ms(struct text *t, const struct subject *p);
void make_sys_file_max(struct text *t, const struct subject *p);
void make_sys_file_nr(struct text *t, const struct subject *p);
void make_sys_random_bits(struct text *t, const struct subject *p);
void make_sys_nr_open(struct text *t, const struct subject *p);
void make_sys_inotify_instances(struct text *t, const struct subject *p);
void make_sys_inotify_watches(struct text *t, const struct subject *p);
void make_sys_inotify_events(struct text *t, const struct subject *p);

/* ---- sysv.c ---- */
void make_sysvipc_sem(struct text *t, const struct subject *p);
void make_sysvipc_msg(struct text *t, const struct subject *p);
void make_sysvipc_shm(struct text *t, const struct subject *p);
void make_sys_sem(struct text *t, const struct subject *p);
void make_sys_msgmax(struct text *t, const struct subject *p);
void make_sys_msgmnb(struct text *t, const struct subject *p);
void make_sys_sem_next(struct text *t, const struct subject *p);
void make_sys_msg_next(struct text *t, const struct subject *p);
void make_sys_shm_next(struct text *t, const struct subject *p);
void make_sys_msgmni(struct text *t, const struct subject *p);
void make_sys_shmmax(struct text *t, const struct subject *p);
void make_sys_shmall(struct text *t, const struct subject *p);
void make_sys_shmmni(struct text *t, const struct subject *p);
void make_sys_queues_max(struct text *t, const struct subject *p);
void make_sys_msg_max(struct text *t, const struct subject *p);
void make_sys_msg_default(struct text *t, const struct subject *p);
void make_sys_msgsize_max(struct text *t, const struct subject *p);
void make_sys_msgsize_default(struct text *t, const struct subject *p);

void make_process_stat(struct text *t, const struct subject *p);
void make_process_status(struct text *t, const struct subject *p);
void make_process_statm(struct text *t, const struct subject *p);
void make_process_comm(struct text *t, const struct subject *p);
void make_process_coredump_filter(struct text *t, const struct subject *p);
void make_process_limits(struct text *t, const struct subject *p);
void make_process_io(struct text *t, const struct subject *p);
void make_process_oom_score_adj(struct text *t, const struct subject *p);
void make_process_oom_adj(struct text *t, const struct subject *p);
void make_process_oom_score(struct text *t, const struct subject *p);
void make_process_personality(struct text *t, const struct subject *p);
void make_process_schedstat(struct text *t, const struct subject *p);
void make_process_wchan(struct text *t, const struct subject *p);
void make_descriptor(struct text *t, const struct subject *p);

void make_services(struct text *t, const struct subject *p);
void make_threads(struct text *t, const struct subject *p);
void make_sched(struct text *t, const struct subject *p);
void make_compat(struct text *t, const struct subject *p);
void make_counters(struct text *t, const struct subject *p);
/* fs_ops.read and write of the trace and the log: bytes, -EFAULT, or -EINVAL for a word that is no
 * command. trace_read() moves m->position over records that have been lost. */
int64_t trace_read(struct message *m);
int64_t trace_write(struct message *m);
int64_t log_read(struct message *m);

/* ---- read.c, link.c, tree.c: operations of fs_ops ---- */

/* -EACCES for a file that shows what a process has, unless the opener may look into the process. */
int read_open(struct fs_node *n, struct message *m, uint64_t *flags);
/* -ESRCH: the process has gone. LATER: PM or VFS answers. */
int64_t read_file(struct fs_node *n, struct message *m, uint64_t position, uint64_t length);
int64_t write_file(struct fs_node *n, struct message *m, uint64_t position, uint64_t length);
/* A text to a program; to VFS, which follows the link, the object in r1..r3. -ENOENT, -EACCES. */
int64_t link_read(struct fs_node *n, struct message *m);
struct fs_node *tree_mount(const struct fs_source *s);
int tree_unmount(uint64_t root);
struct fs_node *tree_get(uint64_t object);
void tree_put(struct fs_node *n);
/* Whether n is a file of /proc/sys. */
bool tree_is_setting(const struct node *n);
bool tree_endless(const struct fs_node *n);
int tree_stat(struct fs_node *n, struct stat *s);
struct fs_node *tree_lookup(struct fs_node *dir, struct fs_name *name);
int tree_list(struct fs_node *dir, struct dents *d);
int tree_name_of(struct fs_node *dir, uint64_t object, char *name);

#endif
