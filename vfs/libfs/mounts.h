/* Mounts of disks: the operations of fs_ops on mounts, and writing back every few seconds. While a
 * disk is mounted read-write its superblock says so; a clean unmount takes that back. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include "nodes.h"

/* Operations for the table fs_ops: what they return stands there. All but mount_open_node() may
 * wait; one mount, remount, unmount or sync of everything is at work at a time. */
struct fs_node *mount_new(const struct fs_source *s);
int mount_again(struct fs_mount *m, bool read_only);
int mount_end(uint64_t root); /* -EBUSY while inodes are open, held or in use */
int mount_sync(struct fs_mount *m);
int mount_sync_node(struct fs_node *n, struct message *m);
/* The open file is told, by an fsync, of writes that fail from now on (cache.h). */
int mount_open_node(struct fs_node *n, struct message *m, uint64_t *flags);
/* The notifications of a server of disks, for fs_serve(): writes everything when the alarm of
 * flush_later() rings. May wait. */
void mount_flush(uint64_t bits);

/* To be called when something has become dirty: everything is written some seconds later. */
void flush_later(void);

/* The bytes that a device has, or an error. May wait. */
int64_t mount_device_bytes(const struct fs_source *s);

#endif
