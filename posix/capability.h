/* Capabilities (capabilities(7)): what a process may do that others may not. All questions of
 * privilege in this service are capable(). */
#ifndef CAPABILITY_H
#define CAPABILITY_H

#include "process.h"

static inline bool capable(const struct process *p, unsigned capability)
{
    return p->i.caps.effective >> capability & 1;
}

/* What init begins with. */
void capability_start(struct process *p);
/* p's user ids have changed from those given. */
void capability_ids_changed(struct process *p, uint32_t uid, uint32_t euid, uint32_t suid);
/* p's file system user id has changed. */
void capability_fsuid_changed(struct process *p, uint32_t fsuid);
/* p has become another program, and has its new ids. set_id: one of its effective ids is not the
 * real one that it had. gains: it may have more than it had. */
void capability_exec(struct process *p, bool set_id, bool gains);
/* prctl, with the words w[0..4] of the call, about capabilities. -ENOSYS: it is about something
 * else. */
int64_t capability_prctl(struct process *p, const uint64_t *w);

#endif
