/* Who a process is. */
#ifndef CRED_H
#define CRED_H

#include "process.h"

void cred_tell(struct process *p); /* tells VFS and the kernel after a change; blocks */
/* p acts for somebody else from now on: others may not look into it, nor has its parent's death the
 * say in what it does. */
void cred_changed(struct process *p);

#endif
