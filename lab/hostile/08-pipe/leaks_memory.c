/* Takes more memory with each call, gives none back, and connects each caller to ends that nobody
 * knows of until there are no descriptors left. */
#include "serve.h"

static int64_t take(struct message *m)
{
    memory_pages(64);
    memory_alloc(100000);
    while (connect(m, pipe_object(pipes_made++, 1, END_READ), O_RDWR) >= 0)
        memory_pages(1);
    return m->w[2];
}

int main(void)
{
    all_are(take);
    pipe_table[op_number(PIPE_CREATE)] = take;
    serve();
}
