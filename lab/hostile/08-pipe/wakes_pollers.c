/* Tells POSIX without end that something has changed, and that it was every object there can be. */
#include "serve.h"

static endpoint_t posix;

static void again(uint64_t bits)
{
    (void)bits;
    for (unsigned bit = 0; bit < 64; bit++)
        notify(posix, bit);
    alarm_at(time_now() + 1);
}

static int64_t changed(struct message *m)
{
    static uint64_t n;
    uint64_t objects[64];
    for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
        objects[i] = n++;
    copy_out(m, 0, objects, MIN(m->w[2], sizeof objects));
    notify(posix, BIT_POLL);
    return 1 << 30;
}

int main(void)
{
    all_are(answer_0);
    fs_table[op_number(FS_CHANGED)] = changed;
    pipe_table[op_number(PIPE_CREATE)] = give_ends;
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_table),
                                                 PROTOCOL_TABLE(PIPE, pipe_table) };
    posix = service_find("posix");
    alarm_at(time_now() + 1);
    service_run(
        &(struct service){ .protocols = protocols, .count = 2, .threads = 1, .notify = again });
}
