/* The handlers of protocol FS, which serve.c has in a table. */
#ifndef FS_HANDLERS_H
#define FS_HANDLERS_H

#include "fs.h"

enum { FS_HANDLERS = op_number(FS_LEASE) + 1 };

extern const handler_t fs_handlers[FS_HANDLERS];

/* ---- open.c ---- */
int64_t fs_do_open(struct message *m);
int64_t fs_do_hold(struct message *m);
void fs_release(const struct message *m); /* KERNEL_RELEASE */

/* ---- file.c ---- */
int64_t fs_do_read(struct message *m);
int64_t fs_do_write(struct message *m);
int64_t fs_do_seek(struct message *m);
int64_t fs_do_ioctl(struct message *m);
int64_t fs_do_truncate(struct message *m);
int64_t fs_do_allocate(struct message *m);
int64_t fs_do_seals(struct message *m);
int64_t fs_do_pages(struct message *m);
int64_t fs_do_sync(struct message *m);
int64_t fs_do_unpin(struct message *m);
int64_t fs_do_reserve(struct message *m);

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
