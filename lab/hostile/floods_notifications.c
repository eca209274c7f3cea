/* Notifies all services for ever. */
#include "service.h"
static void flood(void *unused)
{
    (void)unused;
    for (;;)
        for (unsigned i = 1; i < 64; i++)
            notify(i, i);
}
int main(void)
{
    flood(NULL);
    return 0;
}
