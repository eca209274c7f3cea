/* poll and select: see poll.c. */
#ifndef POLL_H
#define POLL_H

/* A service has notified that something may be ready. To be called before anything else is done. */
void poll_changed(void);
/* Then: lets all polls that wait for what has changed look again. May wait. */
void poll_again(void);

#endif
