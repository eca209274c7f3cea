/* Keeps nothing: everything that is written is taken, everything that is read is what Linux would
 * most often say. */
#include "serve.h"

static int64_t take(struct message *m) { return m->w[2]; }
static int64_t yes(struct message *m)
{
    reply_words(m, m->object + 1, S_IFREG | 0644, 0);
    return 0;
}
static int64_t open_any(struct message *m)
{
    return connect(m, m->object, m->w[1] | CONN_SEEKABLE | CONN_READY);
}

int main(void)
{
    handlers[op_number(FS_WRITE)] = take;
    handlers[op_number(FS_READ)] = take;
    handlers[op_number(FS_CREATE)] = yes;
    handlers[op_number(FS_LOOKUP)] = yes;
    handlers[op_number(FS_OPEN)] = open_any;
    handlers[op_number(FS_UNLINK)] = yes;
    handlers[op_number(FS_RENAME)] = yes;
    handlers[op_number(FS_LINK)] = yes;
    handlers[op_number(FS_SYMLINK)] = yes;
    handlers[op_number(FS_SETATTR)] = yes;
    handlers[op_number(FS_TRUNCATE)] = yes;
    serve();
}
