/* Descriptors: see fcntl.c. */
#ifndef FCNTL_H
#define FCNTL_H

#include <minnow/message.h>

/* KERNEL_RELEASE of a watched open file: what F_SETOWN said of it is forgotten. */
void owner_release(const struct message *m);

#endif
