/* Process groups and sessions: see jobs.c. process.h has group_exists() and group_orphaned(). */
#ifndef JOBS_H
#define JOBS_H

#include "process.h"

/* p ends: groups that are orphaned without it and have stopped members get SIGHUP and SIGCONT. May
 * wait. */
void group_check_orphans(struct process *p);

#endif
