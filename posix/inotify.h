/* inotify, and what happens to files: see inotify.c. */
#ifndef INOTIFY_H
#define INOTIFY_H

#include "list.h"
#include <minnow/watch.h>

void inotify_start(void); /* to be called at start */
/* A file server has notified: there are events. Does not wait. */
void inotify_notified(void);

/* Another one than an inotify that watches an object. All 0, but for told, at first. */
struct file_watch {
    struct link of_subject;
    struct subject *subject; /* NULL: it watches nothing (any more) */
    uint32_t mask;           /* IN_... that it wants to hear of */
    /* An event has happened; NULL: the object has gone. Does not wait. */
    void (*told)(struct file_watch *w, const struct file_event *e);
};
/* w watches the object from now on, or with other events than before. 0 also where nothing is told;
 * -ENOMEM, -ENOSPC, -ENOENT. May wait; w stays. */
int64_t file_watch_set(struct file_watch *w, endpoint_t service, uint64_t object, uint32_t mask,
                       uint32_t user);
void file_watch_end(struct file_watch *w); /* harmless if it watches nothing */

#endif
