/* Keeps the calls of all, and copies what their windows show into the windows of others, and over
 * what those have there. */
#include "serve.h"

enum { KEPT = 32 };
static call_t kept[KEPT];
static unsigned count;

static int64_t copy_all(struct message *m)
{
    static uint8_t bytes[4096];
    for (unsigned i = 0; i < KEPT; i++)
        if (kept[i] && copy_in_call(kept[i], 0, bytes, 8) == 0)
            for (unsigned k = 0; k < KEPT; k++)
                copy_out_call(kept[k], i * 8 % 4096, bytes, sizeof bytes);
    copy_out_call(m->call, m->w[2], bytes, sizeof bytes);
    copy_out_call(m->call, -8ul, bytes, sizeof bytes);
    copy_in_call(m->call, -(size_t)m->w[1], bytes, sizeof bytes);
    kept[count++ % KEPT] = m->call;
    return count % 3 ? (int64_t)m->w[2] : LATER;
}

int main(void)
{
    all_are(copy_all);
    fs_table[op_number(FS_POLL)] = answer_0;
    serve();
}
