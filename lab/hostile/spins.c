/* Spins before it has received anything. */
#include "service.h"
int main(void)
{
    for (;;)
        __asm__ volatile("");
}
