/* Capabilities: sets of a process, what becomes of them when user ids or the program change, and
 * prctl about them (capabilities(7)). No file carries any here, so a program other than
 * root's gives only what is ambient.
 *
 *     set          what it means                         at exec of root / of others
 *     effective    counts                                all permitted / ambient
 *     permitted    may be made effective                 bounding | inheritable / ambient
 *     inheritable  may be made ambient                   stays
 *     ambient      lasts over an exec                    stays; none if the program is set-id
 *     bounding     most that exec gives                  stays
 *
 * Where exec may give nothing (PR_SET_NO_NEW_PRIVS), what root gets is what it had permitted. */
#include "capability.h"

#define BIT_OF(capability) (1ull << (capability))
/* What goes with the user id for files. */
#define OF_FILES                                                                                 \
    (BIT_OF(CAP_CHOWN) | BIT_OF(CAP_DAC_OVERRIDE) | BIT_OF(CAP_DAC_READ_SEARCH) |                \
     BIT_OF(CAP_FOWNER) | BIT_OF(CAP_FSETID) | BIT_OF(CAP_LINUX_IMMUTABLE) | BIT_OF(CAP_MKNOD) | \
     BIT_OF(CAP_MAC_OVERRIDE))

void capability_start(struct process *p)
{
    p->i.caps = (struct proc_caps){ .permitted = PROC_CAPS_ALL,
                                    .effective = PROC_CAPS_ALL,
                                    .bounding = PROC_CAPS_ALL };
}

/* ---- other ids, another program ---- */

void capability_ids_changed(struct process *p, uint32_t uid, uint32_t euid, uint32_t suid)
{
    struct proc_caps *c = &p->i.caps;
    if (c->secure & SECURE_NO_SETUID_FIXUP)
        return;
    bool was_root = !uid || !euid || !suid, is_root = !p->i.uid || !p->i.euid || !p->i.suid;
    if (was_root && !is_root) {
        if (!(c->secure & SECURE_KEEP_CAPS))
            c->permitted = c->effective = 0;
        c->ambient = 0;
    }
    if (!euid && p->i.euid)
        c->effective = 0;
    if (euid && !p->i.euid)
        c->effective = c->permitted;
}

void capability_fsuid_changed(struct process *p, uint32_t fsuid)
{
    struct proc_caps *c = &p->i.caps;
    if (c->secure & SECURE_NO_SETUID_FIXUP)
        return;
    if (!fsuid && p->i.fsuid)
        c->effective &= ~OF_FILES;
    if (fsuid && !p->i.fsuid)
        c->effective |= c->permitted & OF_FILES;
}

void capability_exec(struct process *p, bool set_id, bool gains)
{
    struct proc_caps *c = &p->i.caps;
    bool root = !(c->secure & SECURE_NOROOT) && (!p->i.uid || !p->i.euid);
    uint64_t most = gains ? PROC_CAPS_ALL : c->permitted;
    if (set_id)
        c->ambient = 0;
    c->permitted = (root ? (c->bounding | c->inheritable) & most : 0) | c->ambient;
    c->effective = root && !p->i.euid ? c->permitted : c->ambient;
    c->secure &= ~SECURE_KEEP_CAPS;
}

/* ---- prctl ---- */

enum {
    GET_KEEPCAPS = 7,
    SET_KEEPCAPS,
    CAPBSET_READ = 23,
    CAPBSET_DROP,
    GET_SECUREBITS = 27,
    SET_SECUREBITS,
    CAP_AMBIENT = 47
};
enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR_ALL };

static int64_t bounding_drop(struct process *p, uint64_t capability)
{
    if (!capable(p, CAP_SETPCAP))
        return -EPERM;
    if (capability >= PROC_CAPABILITIES)
        return -EINVAL;
    p->i.caps.bounding &= ~BIT_OF(capability);
    return 0;
}

static int64_t secure_set(struct process *p, uint64_t bits)
{
    uint64_t old = p->i.caps.secure, locks = old & SECURE_LOCKS;
    if ((locks >> 1 & (old ^ bits)) || locks & ~bits || bits & ~(uint64_t)SECURE_ALL ||
        !capable(p, CAP_SETPCAP))
        return -EPERM;
    p->i.caps.secure = bits;
    return 0;
}

static int64_t keep_set(struct process *p, uint64_t keep)
{
    uint32_t *secure = &p->i.caps.secure;
    if (keep > 1)
        return -EINVAL;
    if (*secure & SECURE_KEEP_CAPS << 1)
        return -EPERM;
    *secure = (*secure & ~SECURE_KEEP_CAPS) | (keep ? SECURE_KEEP_CAPS : 0);
    return 0;
}

static int64_t ambient(struct process *p, const uint64_t *w)
{
    struct proc_caps *c = &p->i.caps;
    if (w[1] == AMBIENT_CLEAR_ALL) {
        if (w[2] | w[3] | w[4])
            return -EINVAL;
        c->ambient = 0;
        return 0;
    }
    if (w[2] >= PROC_CAPABILITIES || w[3] | w[4])
        return -EINVAL;
    uint64_t bit = BIT_OF(w[2]);
    switch (w[1]) {
    case AMBIENT_IS_SET: return (c->ambient & bit) != 0;
    case AMBIENT_LOWER: c->ambient &= ~bit; return 0;
    case AMBIENT_RAISE:
        if (!(c->permitted & c->inheritable & bit) || c->secure & SECURE_NO_AMBIENT_RAISE)
            return -EPERM;
        c->ambient |= bit;
        return 0;
    default: return -EINVAL;
    }
}

int64_t capability_prctl(struct process *p, const uint64_t *w)
{
    const struct proc_caps *c = &p->i.caps;
    switch ((int)w[0]) {
    case GET_KEEPCAPS: return (c->secure & SECURE_KEEP_CAPS) != 0;
    case SET_KEEPCAPS: return keep_set(p, w[1]);
    case CAPBSET_READ:
        return w[1] < PROC_CAPABILITIES ? (int64_t)(c->bounding >> w[1] & 1) : -EINVAL;
    case CAPBSET_DROP: return bounding_drop(p, w[1]);
    case GET_SECUREBITS: return c->secure;
    case SET_SECUREBITS: return secure_set(p, w[1]);
    case CAP_AMBIENT: return ambient(p, w);
    default: return -ENOSYS;
    }
}
