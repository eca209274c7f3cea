/* Mounts of disks: the operations of fs_ops on mounts, and writing back every few seconds. While a
 * disk is mounted read-write its superblock says so; a clean unmount takes that back. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include "nodes.h"

/* For the table. All may wait; one mount, remount, unmount or sync is at work at a time. */
struct fs_node *mount_new(const struct fs_source *s);
int mount_again(struct fs_mount *m, bool read_only);
int mount_end(uint64_t root); /* -EBUSY */
int mount_sync(struct fs_mount *m);
int mount_sync_node(struct fs_node *n, struct message *m);
/* A connection knows of failed writes from now on (cache.h). */
int mount_open_node(struct fs_node *n, struct message *m, uint64_t *flags);
void mount_flush(uint64_t bits); /* for fs_serve() */

/* Something became dirty: it is written in a few seconds. */
void flush_later(void);

/* The bytes that a device has, or an error. May wait. */
int64_t mount_device_bytes(const struct fs_source *s);

#endif
