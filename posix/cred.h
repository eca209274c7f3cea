/* User and group ids of a process: see cred.c. */
#ifndef CRED_H
#define CRED_H

#include "process.h"

/* Tells VFS and the kernel p's ids after a change. p is busy meanwhile. May wait. */
void cred_tell(struct process *p);
/* Tells PM how much memory p may lock, if that has changed. May wait. */
void cred_tell_memlock(struct process *p);
/* Notes that p acts for another user or group from now on: other processes of the user may not look
 * into p any more (dumpable), and the death of p's parent sends p no signal. */
void cred_changed(struct process *p);
/* Whether p acts for this group: as its own one, or as a member. */
bool cred_in_group(const struct process *p, uint32_t group);

#endif
