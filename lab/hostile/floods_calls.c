/* Calls all services with all operations for ever. */
#include "service.h"
int main(void)
{
    for (uint64_t n = 0;; n++)
        call(1 + n % 40, n % 2600, n, n, n, n);
}
