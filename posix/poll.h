/* poll and select: see poll.c. */
#ifndef POLL_H
#define POLL_H

/* Notes that a service has notified that something may be ready. It is called before anything else
 * is done for that notification. */
void poll_changed(void);
/* Lets all polls look again that wait for what has changed. May wait. */
void poll_again(void);

#endif
