/* Writes to address 8 as soon as it runs. */
#include "service.h"
int main(void) { *(volatile int *)8 = 1; return 0; }
