/* Writes to the result channel's port by the processor's own instruction. */
#include "service.h"
int main(void)
{
    for (;;)
        __asm__ volatile("outb %b0, %w1" : : "a"(0x7f), "d"(0xe9));
}
