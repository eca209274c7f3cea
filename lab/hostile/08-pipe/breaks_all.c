/* Each write breaks, with its signal, and each read is interrupted, by none. */
#include "serve.h"

static int64_t broken(struct message *m)
{
    (void)m;
    return -EPIPE;
}
static int64_t interrupted(struct message *m)
{
    (void)m;
    return -EINTR;
}

int main(void)
{
    all_are(broken);
    fs_table[op_number(FS_READ)] = interrupted;
    serve();
}
