/* The handlers of protocol FS: those of serve.c, and of names.c for the operations on names. */
#ifndef FS_HANDLERS_H
#define FS_HANDLERS_H

#include "fs.h"

enum { FS_HANDLERS = op_number(FS_LEASE) + 1 };

extern const handler_t fs_handlers[FS_HANDLERS];
void fs_release(const struct message *m); /* KERNEL_RELEASE */

/* ---- names.c ---- */
int64_t fs_do_lookup(struct message *m);
int64_t fs_do_dents(struct message *m);
int64_t fs_do_name(struct message *m);
int64_t fs_do_readlink(struct message *m);
int64_t fs_do_create(struct message *m);
int64_t fs_do_symlink(struct message *m);
int64_t fs_do_link(struct message *m);
int64_t fs_do_unlink(struct message *m);
int64_t fs_do_rename(struct message *m);

#endif
