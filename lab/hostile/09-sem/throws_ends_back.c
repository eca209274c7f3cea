/* Throws every call back for ever, those of POSIX too. */
#include "serve.h"

static int64_t refuse(struct message *m)
{
    throw_back(m->call, 0, m->w[2] ? m->w[2] : 1);
    return LATER;
}

int main(void) { serve(do_get, refuse, refuse, refuse); }
