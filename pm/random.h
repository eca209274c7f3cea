/* Random numbers for layouts. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

void random_init(void);
uint64_t random_word(void);

#endif
