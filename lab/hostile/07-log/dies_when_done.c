/* Commits, and dies of it: nobody will ask it again. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    reply(m->call, 0);
    die("it is done");
}

int main(void) { serve(); }
