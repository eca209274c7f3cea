/* poll and select: see poll.c. */
#ifndef POLL_H
#define POLL_H

/* A service has notified (readiness_notified): finds out what has changed, and lets the polls look
 * again that wait for that. May wait. */
void poll_again(void);

#endif
