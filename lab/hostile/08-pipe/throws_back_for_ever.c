/* Has pages brought for each call, again and again, also such as the caller does not have. */
#include "serve.h"

static int64_t once_more(struct message *m)
{
    static unsigned turn;
    call_moved(m->call, turn);
    throw_back(m->call, turn++ % 3 ? 0 : 1ul << 46, m->w[2] ? m->w[2] : 1);
    return LATER;
}

int main(void)
{
    all_are(once_more);
    serve();
}
