/* Gives descriptors to everyone who calls, with flags and objects of all kinds, other services'
 * among them, and shuffles those that pipe2() gives. */
#include "serve.h"

static int64_t give(struct message *m)
{
    static uint64_t n;
    int64_t fd = -1;
    for (unsigned i = 0; i < 4; i++, n++)
        fd = connect(m, n % 2 ? n << 56 | n : n, n * 0x9e3779b97f4a7c15);
    return n % 3 ? fd : (int64_t)m->w[2];
}

static int64_t give_others(struct message *m)
{
    static const int32_t ends[] = { 0, 1 };
    give(m);
    return copy_out(m, 0, ends, sizeof ends);
}

int main(void)
{
    all_are(give);
    pipe_table[op_number(PIPE_CREATE)] = pipe_table[op_number(PIPE_OPEN)] = give_others;
    serve();
}
