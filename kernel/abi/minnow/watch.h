/* Events of watched files, as file servers tell them (FS_WATCH, FS_EVENTS). The bits are those of
 * Linux's inotify. */
#ifndef MINNOW_WATCH_H
#define MINNOW_WATCH_H

#include <minnow/types.h>

enum {
    IN_ACCESS = 0x1,
    IN_MODIFY = 0x2,
    IN_ATTRIB = 0x4,
    IN_CLOSE_WRITE = 0x8,
    IN_CLOSE_NOWRITE = 0x10,
    IN_OPEN = 0x20,
    IN_MOVED_FROM = 0x40,
    IN_MOVED_TO = 0x80,
    IN_CREATE = 0x100,
    IN_DELETE = 0x200,
    IN_DELETE_SELF = 0x400,
    IN_MOVE_SELF = 0x800,
    IN_ALL_EVENTS = 0xfff,
    IN_UNMOUNT = 0x2000,
    IN_Q_OVERFLOW = 0x4000,
    IN_IGNORED = 0x8000,
    IN_ISDIR = 0x40000000,
};

/* One event, in the answer to FS_EVENTS. IN_Q_OVERFLOW, of no object: some were lost. */
struct file_event {
    uint64_t object;  /* that is watched */
    uint32_t mask;    /* one event, and IN_ISDIR */
    uint32_t cookie;  /* joins the two names of a move */
    uint8_t nameless; /* the file in the directory has no name any more: name[] is its last one */
    uint8_t length;   /* of the name of the file in the directory `object`; 0: of the object */
    char name[];
};
/* The bytes of an event with a name of this length. */
static inline unsigned file_event_size(unsigned length)
{
    return (offsetof(struct file_event, name) + length + 7) & ~7u;
}
enum { FILE_EVENTS_BYTES = 8192 }; /* that one FS_EVENTS brings at most */

/* What inotify may hold (/proc/sys/fs/inotify). */
enum {
    INOTIFY_INSTANCES = 128, /* of a user */
    INOTIFY_WATCHES = 1024,  /* of a user, where the file servers have as many */
    INOTIFY_EVENTS = 1024    /* that wait to be read, of an instance */
};

#endif
