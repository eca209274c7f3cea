/* Keeps all calls, and dies when a process has ended. */
#include "serve.h"

static int64_t die_now(struct message *m) { die("process %lu has ended, and so have I", m->w[0]); }

int main(void) { serve(do_get, do_nothing, do_nothing, die_now); }
