/* Fills more memory than the machine has, of which nothing is in the file. */
#include "service.h"
static char all[1ul << 30];
int main(void)
{
    for (size_t i = 0; i < sizeof all; i += 4096)
        all[i] = 1;
    return all[4096];
}
