/* Keeps calls until somebody ends, and then answers all, with whatever comes to mind. */
#include "serve.h"

static struct pending_list all;

static int64_t keep(struct message *m) { return pending_add(&all, m) ? LATER : -ENOMEM; }

static int64_t wake(struct message *m)
{
    int64_t result = m->w[0];
    while (all.first) {
        reply(all.first->m.call, result++);
        pending_remove(&all, all.first);
    }
    return keep(m);
}

int main(void) { serve(wake, keep, wake, wake); }
