/* The routing table of the personality: see syscalls.def. */
#ifndef ROUTES_H
#define ROUTES_H

/* Gives the kernel the table. Calls of a service that is not there fail with -ENOSYS. */
void routes_install(void);

#endif
