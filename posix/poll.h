/* poll and select: see poll.c. */
#ifndef POLL_H
#define POLL_H
/* some service says that something may be ready: before anything else is done */
void poll_changed(void);
void poll_again(void); /* then: looks for everybody who waits */
#endif
