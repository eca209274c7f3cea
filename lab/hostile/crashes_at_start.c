/* Writes to address 8 as soon as it runs. */
#include "service.h"
int main(void)
{
    __asm__ volatile("movl $1, 8");
    return 0;
}
