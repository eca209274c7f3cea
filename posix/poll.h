/* poll and select: see poll.c. */
#ifndef POLL_H
#define POLL_H
void poll_again(void);   /* some service says that something may be ready */
#endif
