/* inotify: see inotify.c. */
#ifndef INOTIFY_H
#define INOTIFY_H

void inotify_start(void); /* to be called at start */
/* A file server has notified: there are events. Does not wait. */
void inotify_notified(void);

#endif
