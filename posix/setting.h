/* POSIX_SET: see setting.c. */
#ifndef SETTING_H
#define SETTING_H

#include "process.h"

int64_t setting_write(struct thread *t, struct message *m);

#endif
