/* Who a process is. */
#ifndef CRED_H
#define CRED_H

#include "process.h"

void cred_tell(struct process *p);   /* tells VFS and the kernel after a change; blocks */

#endif
