/* The handlers of protocol VFS, by file, for the table in main.c. */
#ifndef VFS_HANDLERS_H
#define VFS_HANDLERS_H

#include "service.h"

int64_t do_open(struct message *m); /* open.c */
int64_t do_openat2(struct message *m);
int64_t do_memfd(struct message *m);

int64_t do_stat(struct message *m); /* stat.c */
int64_t do_stat_path(struct message *m);
int64_t do_lstat_path(struct message *m);
int64_t do_statx(struct message *m);
int64_t do_statfs(struct message *m);
int64_t do_ustat(struct message *m);
int64_t do_access(struct message *m);
int64_t do_readlink(struct message *m);
int64_t do_resolve(struct message *m);

int64_t do_mkdir(struct message *m); /* create.c */
int64_t do_mknod(struct message *m);
int64_t do_bind(struct message *m);
int64_t do_symlink(struct message *m);
int64_t do_link(struct message *m);

int64_t do_name_to_handle(struct message *m); /* handle.c */
int64_t do_open_by_handle(struct message *m);

int64_t do_setxattr(struct message *m); /* xattr.c */
int64_t do_getxattr(struct message *m);
int64_t do_listxattr(struct message *m);
int64_t do_removexattr(struct message *m);

int64_t do_unlink(struct message *m); /* unlink.c */
int64_t do_rename(struct message *m); /* rename.c */

int64_t do_chmod(struct message *m); /* setattr.c */
int64_t do_chown(struct message *m);
int64_t do_utimens(struct message *m);
int64_t do_truncate(struct message *m);
int64_t do_fchmod(struct message *m);
int64_t do_fchown(struct message *m);

int64_t do_getcwd(struct message *m); /* getcwd.c */
int64_t do_path(struct message *m);

int64_t do_chdir(struct message *m); /* chdir.c */
int64_t do_fchdir(struct message *m);
int64_t do_chroot(struct message *m);

int64_t do_fork(struct message *m); /* process.c */
int64_t do_exit(struct message *m);
int64_t do_cred(struct message *m);
int64_t do_umask(struct message *m);
int64_t do_umask_of(struct message *m);
int64_t do_unshare(struct message *m);

int64_t do_mount(struct message *m); /* mount_calls.c */
int64_t do_umount(struct message *m);
int64_t do_mounts(struct message *m);
int64_t do_types(struct message *m);
int64_t do_sync(struct message *m);
/* Mounts the root, or dies. */
void mount_root(void);

#endif
