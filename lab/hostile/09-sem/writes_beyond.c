/* Writes and reads far outside the windows of calls, and says that it is done. */
#include "serve.h"

static int64_t write(struct message *m)
{
    static char rubbish[8192];
    memset(rubbish, 0x5a, sizeof rubbish);
    for (uint64_t at = 1; at; at <<= 1) {
        copy_out_call(m->call, at, rubbish, sizeof rubbish);
        copy_out_call(m->call, -at, rubbish, sizeof rubbish);
        copy_in_call(m->call, at, rubbish, sizeof rubbish);
    }
    copy_out_call(m->call, 0, rubbish, sizeof rubbish);
    return 0;
}

int main(void) { serve(write, write, write, write); }
