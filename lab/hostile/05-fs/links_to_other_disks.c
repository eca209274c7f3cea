/* Each name is a symbolic link to the same name in /tmp, where another file system does the work.
 */
#include "serve.h"

static char last[NAME_MAX + 1];

static int64_t look_up(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = dir_name(m, 0, m->w[2], name);
    if (error)
        return error;
    memcpy(last, name, m->w[2]);
    last[m->w[2]] = 0;
    reply_words(m, fs_object(1, 0, 2), S_IFLNK | 0777, 0);
    return 0;
}

static int64_t read_link(struct message *m)
{
    char target[NAME_MAX + 6];
    int length = format(target, sizeof target, "/tmp/%s", last);
    int error = copy_out(m, 0, target, length);
    return error ? error : length;
}

static int64_t say_link(struct message *m)
{
    struct stat s = { .mode = S_IFLNK | 0777, .ino = 2, .nlink = 1 };
    return m->object == inode_object(ROOT_INO) ? do_stat(m) : copy_out(m, 0, &s, sizeof s);
}

int main(void)
{
    handlers[op_number(FS_LOOKUP)] = look_up;
    handlers[op_number(FS_READLINK)] = read_link;
    handlers[op_number(FS_STAT)] = say_link;
    serve();
}
