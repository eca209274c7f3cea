/* Whose rights a process has: see cred.c. */
#ifndef CRED_H
#define CRED_H

#include "process.h"

/* Tells VFS and the kernel p's ids after a change. p is busy meanwhile. May wait. */
void cred_tell(struct process *p);
/* p acts for another user or group from now on: others may not look into it any more, and its
 * parent's death sends it no signal. */
void cred_changed(struct process *p);

#endif
