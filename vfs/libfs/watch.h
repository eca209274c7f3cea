/* Watches: who is told what happens to a file (inotify). The personality server says which events
 * of which objects it wants (FS_WATCH); they are collected here, told of by a notification, and
 * fetched (FS_EVENTS). As long as nothing is watched, an event costs the look at fs_watching.
 *
 * An event of a file is told to whom watches the file, and with its name to whom watches the
 * directory in which the file was opened last (fs_node.found_in): VFS says which one that is. */
#ifndef FS_WATCH_H
#define FS_WATCH_H

#include <minnow/watch.h>

#include "fs.h"

extern bool fs_watching; /* some object is watched */

/* The event (IN_...) has happened to n. May wait. */
void watch_event(struct fs_node *n, uint32_t event);
static inline void fs_event(struct fs_node *n, uint32_t event)
{
    if (__builtin_expect(fs_watching, 0))
        watch_event(n, event);
}

/* The same, for n's own watch alone: the event does not concern its directory. Does not wait. */
void watch_self(struct fs_node *n, uint32_t event);
/* IN_CREATE, IN_DELETE, IN_MOVED_FROM or IN_MOVED_TO of a name in dir, of a directory or another
 * file. A file that loses its name so is `n`; else NULL. Do not wait. */
void watch_name(struct fs_node *dir, const struct fs_name *name, uint32_t event, uint32_t cookie,
                bool directory);
/* The name of n in dir is about to go: events of an open file are told with it further on. */
void watch_name_lost(const struct fs_node *dir, const struct fs_name *name,
                     const struct fs_node *n);
uint32_t watch_cookie(void); /* for the two names of a move: another one each time; not 0 */

/* VFS has found n in this directory; 0: VFS does not say. */
static inline void fs_found_in(struct fs_node *n, uint64_t directory)
{
    if (directory && n->found_in != directory)
        n->found_in = directory;
}
/* The same of a call that a program may have made up: whether it is so is looked up. May wait. */
void watch_found_in(struct fs_node *n, uint64_t directory);

/* The end of n (nothing refers to it any more), or of all files of a mount: the watches go. Do not
 * wait. */
void watch_gone(struct fs_node *n);
static inline void fs_gone(struct fs_node *n)
{
    if (__builtin_expect(n->watched != 0, 0))
        watch_gone(n);
}
void watch_unmounted(const struct fs_mount *m);

/* The handlers of FS_WATCH and FS_EVENTS. */
int64_t fs_do_watch(struct message *m);
int64_t fs_do_events(struct message *m);

#endif
