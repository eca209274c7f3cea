/* Takes all memory it can get, and starts all threads. */
#include "service.h"
static void thread(void *unused)
{
    (void)unused;
    for (;;)
        memory_pages(1);
}
int main(void)
{
    while (memory_pages(1) || memory_alloc(16))
        ;
    while (thread_start(thread, NULL) >= 0)
        ;
    thread(NULL);
    return 0;
}
