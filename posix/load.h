/* The load averages: see load.c. */
#ifndef LOAD_H
#define LOAD_H

/* Begins to compute table->head.loads. */
void load_start(void);

#endif
