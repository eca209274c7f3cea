/* Core files: see core.c. */
#ifndef CORE_H
#define CORE_H

#include "process.h"

/* p is to end by a signal that t, a thread of it, takes: begins to write a core file, after which p
 * ends. false: there is to be none, and p has not changed. */
bool core_begin(struct process *p, struct thread *t, const struct siginfo *info);
/* t, whose process writes a core file, would go back to its program with `result`. Returns LATER.
 * May wait. */
int64_t core_attend(struct thread *t, int64_t result);
/* Whether t is the thread that writes its process's core file. */
bool core_writes(const struct thread *t);
/* p, which ends, writes its core file no longer, if it does. */
void core_forget(struct process *p);

#endif
