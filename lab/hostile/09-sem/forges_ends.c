/* Tells itself and everybody else of ends of processes. */
#include "serve.h"

static int64_t forge(struct message *m)
{
    for (uint64_t process = 0; process < 300; process++)
        for (endpoint_t to = 1; to < 40; to++) {
            call(to, SEM_EXIT, process, 0, 0, 0);
            call(to, PM_EXIT, process, 0, 0, 0);
            struct message end = *m;
            end.op = SEM_EXIT;
            end.w[0] = process;
            forward(&end, to);
        }
    return 0;
}

int main(void) { serve(forge, forge, forge, forge); }
