/* Random numbers for layouts. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/* At start. */
void random_init(void);
/* 64 random bits. Does not wait. */
uint64_t random_word(void);

#endif
