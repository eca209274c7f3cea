/* Files from which signals are read: see signalfd.c. */
#ifndef SIGNALFD_H
#define SIGNALFD_H

/* Signal sig waits for somebody now: the files that show it are looked at again. Does not wait. */
void signalfd_told(int sig);

#endif
