/* Switches interrupts off and stops the processor. */
#include "service.h"
int main(void)
{
    __asm__ volatile("cli; hlt");
    return 0;
}
