/* Names of core files. */
#ifndef CORE_NAME_H
#define CORE_NAME_H

#include "process.h"

enum { CORE_NAME = 512 };

/* Makes to[CORE_NAME] the name that /proc/sys/kernel/core_pattern has for the core file of p, a
 * thread t of which ends it by signal sig. Returns its length; 0: there is none, or it is too
 * long. */
size_t core_name(char *to, const struct process *p, const struct thread *t, int sig);

#endif
