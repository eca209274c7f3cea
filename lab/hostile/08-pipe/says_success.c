/* All bytes of each read and write are said to be moved, and all events to hold; nothing is. */
#include "serve.h"

static int64_t all_of_it(struct message *m) { return m->w[2]; }
static int64_t all_events(struct message *m) { return m->w[1]; }

int main(void)
{
    all_are(answer_0);
    fs_table[op_number(FS_READ)] = fs_table[op_number(FS_WRITE)] = all_of_it;
    fs_table[op_number(FS_POLL)] = all_events;
    serve();
}
