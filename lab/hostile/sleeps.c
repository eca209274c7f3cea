/* Never receives anything. */
#include "service.h"
int main(void)
{
    static struct condition never;
    for (;;)
        condition_wait(&never);
}
