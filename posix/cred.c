/* Credentials: user and group ids (POSIX; setuid(2) and its family on Linux); capget and capset.
 *
 * A change is told to two others before the call that made it ends: VFS decides by fsuid, fsgid and
 * the groups what files the process may use, and the kernel answers getuid and the like by itself,
 * and charges what the process takes to its real user. */
#include "cred.h"

#include "capability.h"
#include "handlers.h"
#include "user_memory.h"

enum { NOBODY = 0xffffffff };

void cred_tell_memlock(struct process *p)
{
    uint64_t most = capable(p, CAP_IPC_LOCK) ? ~0ul : p->i.limits[RLIMIT_MEMLOCK].soft;
    if (most == p->memlock_told)
        return;
    p->memlock_told = most;
    call(service_find("pm"), PM_LIMIT, p->i.task, PM_LIMIT_MEMLOCK, most, 0);
}

bool cred_in_group(const struct process *p, uint32_t group)
{
    for (unsigned n = 0; n < p->i.group_count; n++)
        if (p->i.groups[n] == group)
            return true;
    return p->i.fsgid == group;
}

void cred_tell(struct process *p)
{
    struct vfs_cred c = { .fsuid = p->i.fsuid,
                          .fsgid = p->i.fsgid,
                          .uid = p->i.uid,
                          .gid = p->i.gid,
                          .effective = p->i.caps.effective,
                          .permitted = p->i.caps.permitted,
                          .count = p->i.group_count };
    memcpy(c.groups, p->i.groups, sizeof c.groups);
    p->busy++;
    process_words(p);
    call_window(service_find("vfs"), &(struct call_args){ .op = VFS_CRED, .w0 = p->i.task },
                WINDOW_IN, &c, sizeof c, NULL);
    cred_tell_memlock(p);
    p->busy--;
}

void cred_changed(struct process *p)
{
    p->i.dumpable = false;
    p->death_signal = 0;
}

/* Changes three of p's ids; NOBODY leaves one as it is. Returns 0. May wait. */
static int64_t set_uids(struct process *p, uint32_t real, uint32_t effective, uint32_t saved)
{
    uint32_t uid = p->i.uid, before = p->i.euid, suid = p->i.suid;
    if (real != NOBODY)
        p->i.uid = real;
    if (effective != NOBODY)
        p->i.euid = effective;
    if (saved != NOBODY)
        p->i.suid = saved;
    p->i.fsuid = p->i.euid;
    capability_ids_changed(p, uid, before, suid);
    if (p->i.euid != before)
        cred_changed(p);
    cred_tell(p);
    return 0;
}

static int64_t set_gids(struct process *p, uint32_t real, uint32_t effective, uint32_t saved)
{
    uint32_t before = p->i.egid;
    if (real != NOBODY)
        p->i.gid = real;
    if (effective != NOBODY)
        p->i.egid = effective;
    if (saved != NOBODY)
        p->i.sgid = saved;
    p->i.fsgid = p->i.egid;
    if (p->i.egid != before)
        cred_changed(p);
    cred_tell(p);
    return 0;
}

static bool own_uid(const struct process *p, uint32_t id)
{
    return id == NOBODY || id == p->i.uid || id == p->i.euid || id == p->i.suid;
}
static bool own_gid(const struct process *p, uint32_t id)
{
    return id == NOBODY || id == p->i.gid || id == p->i.egid || id == p->i.sgid;
}

int64_t linux_setuid(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    uint32_t id = m->w[0];
    if (id == NOBODY)
        return -EINVAL;
    if (capable(p, CAP_SETUID))
        return set_uids(p, id, id, id);
    if (id != p->i.uid && id != p->i.suid)
        return -EPERM;
    return set_uids(p, NOBODY, id, NOBODY);
}

int64_t linux_setgid(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    uint32_t id = m->w[0];
    if (id == NOBODY)
        return -EINVAL;
    if (capable(p, CAP_SETGID))
        return set_gids(p, id, id, id);
    if (id != p->i.gid && id != p->i.sgid)
        return -EPERM;
    return set_gids(p, NOBODY, id, NOBODY);
}

int64_t linux_setreuid(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    uint32_t real = m->w[0], effective = m->w[1];
    if (!capable(p, CAP_SETUID) &&
        ((real != NOBODY && real != p->i.uid && real != p->i.euid) || !own_uid(p, effective)))
        return -EPERM;
    uint32_t saved = real != NOBODY || (effective != NOBODY && effective != p->i.uid)
                         ? (effective != NOBODY ? effective : p->i.euid)
                         : NOBODY;
    return set_uids(p, real, effective, saved);
}

int64_t linux_setregid(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    uint32_t real = m->w[0], effective = m->w[1];
    if (!capable(p, CAP_SETGID) &&
        ((real != NOBODY && real != p->i.gid && real != p->i.egid) || !own_gid(p, effective)))
        return -EPERM;
    uint32_t saved = real != NOBODY || (effective != NOBODY && effective != p->i.gid)
                         ? (effective != NOBODY ? effective : p->i.egid)
                         : NOBODY;
    return set_gids(p, real, effective, saved);
}

int64_t linux_setresuid(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    if (!capable(p, CAP_SETUID) &&
        !(own_uid(p, m->w[0]) && own_uid(p, m->w[1]) && own_uid(p, m->w[2])))
        return -EPERM;
    return set_uids(p, m->w[0], m->w[1], m->w[2]);
}

int64_t linux_setresgid(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    if (!capable(p, CAP_SETGID) &&
        !(own_gid(p, m->w[0]) && own_gid(p, m->w[1]) && own_gid(p, m->w[2])))
        return -EPERM;
    return set_gids(p, m->w[0], m->w[1], m->w[2]);
}

static int64_t write_three(struct thread *t, const uint64_t *w, uint32_t a, uint32_t b, uint32_t c)
{
    int64_t error = user_write(t, w[0], &a, sizeof a);
    if (!error)
        error = user_write(t, w[1], &b, sizeof b);
    return error ? error : user_write(t, w[2], &c, sizeof c);
}

int64_t linux_getresuid(struct thread *t, struct message *m)
{
    return write_three(t, m->w, t->process->i.uid, t->process->i.euid, t->process->i.suid);
}

int64_t linux_getresgid(struct thread *t, struct message *m)
{
    return write_three(t, m->w, t->process->i.gid, t->process->i.egid, t->process->i.sgid);
}

int64_t linux_setfsuid(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    uint32_t before = p->i.fsuid, id = m->w[0];
    if (id != NOBODY && id != before && (capable(p, CAP_SETUID) || own_uid(p, id))) {
        p->i.fsuid = id;
        capability_fsuid_changed(p, before);
        cred_changed(p);
        cred_tell(p);
    }
    return before;
}

int64_t linux_setfsgid(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    uint32_t before = p->i.fsgid, id = m->w[0];
    if (id != NOBODY && id != before && (capable(p, CAP_SETGID) || own_gid(p, id))) {
        p->i.fsgid = id;
        cred_changed(p);
        cred_tell(p);
    }
    return before;
}

int64_t linux_getgroups(struct thread *t, struct message *m)
{
    const struct posix_proc *i = &t->process->i;
    int size = m->w[0];
    if (size < 0 || (size && (unsigned)size < i->group_count))
        return -EINVAL;
    int64_t error = size && i->group_count
                        ? user_write(t, m->w[1], i->groups, i->group_count * sizeof i->groups[0])
                        : 0;
    return error ? error : (int64_t)i->group_count;
}

int64_t linux_setgroups(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    uint32_t groups[PROC_GROUPS] = { 0 };
    if (!capable(p, CAP_SETGID))
        return -EPERM;
    if (m->w[0] > PROC_GROUPS)
        return -EINVAL;
    int64_t error = m->w[0] ? user_read(t, m->w[1], groups, m->w[0] * sizeof groups[0]) : 0;
    if (error)
        return error;
    p->i.group_count = m->w[0];
    memcpy(p->i.groups, groups, sizeof groups);
    cred_tell(p);
    return 0;
}

/* ---- capget, capset ---- */

enum { CAP_VERSION_1 = 0x19980330, CAP_VERSION_2 = 0x20071026, CAP_VERSION_3 = 0x20080522 };
struct cap_header {
    uint32_t version;
    int32_t pid;
};
/* The lower halves of three sets, then the upper ones. */
enum { EFFECTIVE, PERMITTED, INHERITABLE, SETS };

static int64_t cap_header(struct thread *t, caller_t at, struct cap_header *h)
{
    int64_t error = user_read(t, at, h, sizeof *h);
    if (error)
        return error;
    if (h->version == CAP_VERSION_1 || h->version == CAP_VERSION_2 || h->version == CAP_VERSION_3)
        return 0;
    h->version = CAP_VERSION_3;
    error = user_write(t, at, h, sizeof h->version);
    return error ? error : -EINVAL;
}

/* Bytes of the sets in a version. */
static size_t sets_size(const struct cap_header *h)
{
    return (h->version == CAP_VERSION_1 ? 1 : 2) * SETS * sizeof(uint32_t);
}

int64_t linux_capget(struct thread *t, struct message *m)
{
    struct cap_header h;
    int64_t error = cap_header(t, m->w[0], &h);
    if (error)
        return error == -EINVAL && !m->w[1] ? 0 : error;
    if (h.pid < 0)
        return -EINVAL;
    const struct thread *of = h.pid ? thread_find(h.pid) : t;
    if (!of)
        return -ESRCH;
    const struct proc_caps *c = &of->process->i.caps;
    const uint64_t sets[SETS] = { c->effective, c->permitted, c->inheritable };
    uint32_t data[2 * SETS];
    for (unsigned i = 0; i < 2 * SETS; i++)
        data[i] = sets[i % SETS] >> (i / SETS * 32);
    return m->w[1] ? user_write(t, m->w[1], data, sets_size(&h)) : 0;
}

static bool within(uint64_t set, uint64_t most) { return !(set & ~most); }

int64_t linux_capset(struct thread *t, struct message *m)
{
    struct cap_header h;
    struct process *p = t->process;
    struct proc_caps *c = &p->i.caps;
    uint32_t data[2 * SETS] = { 0 };
    uint64_t set[SETS];
    int64_t error = cap_header(t, m->w[0], &h);
    if (error)
        return error;
    if (h.pid && h.pid != t->tid)
        return -EPERM;
    if ((error = user_read(t, m->w[1], data, sets_size(&h))))
        return error;
    for (unsigned i = 0; i < SETS; i++)
        set[i] = (data[i] | (uint64_t)data[i + SETS] << 32) & PROC_CAPS_ALL;
    if (!within(set[INHERITABLE],
                c->inheritable | (capable(p, CAP_SETPCAP) ? c->bounding : c->permitted)) ||
        !within(set[INHERITABLE], c->inheritable | c->bounding) ||
        !within(set[PERMITTED], c->permitted) || !within(set[EFFECTIVE], set[PERMITTED]))
        return -EPERM;
    c->effective = set[EFFECTIVE];
    c->permitted = set[PERMITTED];
    c->inheritable = set[INHERITABLE];
    c->ambient &= c->permitted & c->inheritable;
    cred_tell(p);
    return 0;
}
