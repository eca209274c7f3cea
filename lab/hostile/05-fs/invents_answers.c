/* Gives results that no caller asked for: more bytes than there are, positions below zero, objects
 * of others, pages of the kernel. */
#include "serve.h"

static uint64_t n;

static uint64_t wild(void)
{
    static const uint64_t values[] = {
        0,          1,         2,    4096,    1ul << 31, 1ul << 32,          1ul << 47,
        1ul << 56,  1ul << 63, -1ul, -4095ul, -4096ul,   0xffff800000000000, 0xffffffff80000000,
        0x10000000,
    };
    n++;
    return values[n * 7 % ARRAY_SIZE(values)] + n % 3;
}

static int64_t invent(struct message *m)
{
    uint64_t words[16];
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        words[i] = wild();
    copy_out_call(m->call, 0, words, sizeof words);
    if (n % 5 == 0)
        call_moved(m->call, wild());
    if (n % 11 == 0)
        connect(m, wild(), wild());
    reply_full(m->call, wild(), &(struct reply){ wild(), wild(), wild(), wild() });
    return LATER;
}

static int64_t invent_root(struct message *m)
{
    reply_words(m, wild(), wild(), wild());
    return n % 4 ? do_mount(m) : 0;
}

int main(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(handlers); i++)
        handlers[i] = invent;
    handlers[op_number(FS_STAT)] = do_stat;
    handlers[op_number(FS_SYNC)] = NULL;
    handlers[op_number(FS_MOUNT)] = invent_root;
    handlers[op_number(FS_UNMOUNT)] = do_unmount;
    serve();
}
