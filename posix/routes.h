/* The routing table of the personality: see syscalls.def. */
#ifndef ROUTES_H
#define ROUTES_H

void routes_install(void);

#endif
