/* Gives results that nobody asked for: more bytes than there are, more moved than were asked,
 * positions, codes of the kernel's own. */
#include "serve.h"

static uint64_t n;

static uint64_t wild(void)
{
    static const uint64_t values[] = {
        0,       1,    4096,    1ul << 31, 1ul << 32, 1ul << 47,          1ul << 63,
        -4095ul, -1ul, -4096ul, -512ul,    -516ul,    0xffff800000000000, 0x10000000,
    };
    n++;
    return values[n * 5 % ARRAY_SIZE(values)] + n % 3;
}

static int64_t invent(struct message *m)
{
    if (n % 2)
        call_moved(m->call, wild());
    if (n % 5 == 0)
        pending_add(&(struct pending_list){ NULL }, m);
    reply_full(m->call, wild(), &(struct reply){ wild(), wild(), wild(), wild() });
    reply(m->call, wild());
    return LATER;
}

int main(void)
{
    all_are(invent);
    serve();
}
