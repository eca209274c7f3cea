/* Objects that others wait for: see pollable.h. The asker is the personality server, of which there
 * is one, so there is one list. */
#include "pollable.h"

enum { ALWAYS = POLLERR | POLLHUP, AT_ONCE = 64 };

static struct pollable *first, **last = &first;
static endpoint_t asker; /* who has armed an object */
static bool unknown;     /* the next FS_CHANGED is told that anything may have changed */

void pollable_start(void)
{
    if (started != START_AFRESH)
        return;
    unknown = true;
    notify(service_find("posix"), BIT_POLL);
}

int64_t pollable_answer(struct pollable *p, const struct message *m, uint64_t now)
{
    now &= m->w[1] | ALWAYS;
    if (m->w[2] && m->from < MAX_SERVICE && (!now || m->w[2] == POLL_ARM_EDGE)) {
        p->armed |= now ? 0 : m->w[1] | ALWAYS;
        p->edge |= m->w[2] == POLL_ARM_EDGE ? m->w[1] | ALWAYS : 0;
        if (asker != m->from)
            asker = m->from;
    }
    return now;
}

void pollable_tell(struct pollable *p)
{
    p->armed = p->edge = 0;
    if (!p->listed) {
        p->listed = true;
        p->next = NULL;
        *last = p;
        last = &p->next;
    }
    notify(asker, BIT_POLL);
}

static void unlist(unsigned n)
{
    while (n-- && first) {
        first->listed = false;
        first = first->next;
    }
    if (!first)
        last = &first;
}

int64_t pollable_list(struct message *m)
{
    uint64_t objects[AT_ONCE];
    unsigned n = 0, room = MIN(m->w[2] / sizeof objects[0], (uint64_t)AT_ONCE);
    if (unknown) { /* who is told so need not be told of these once more */
        unknown = false;
        unlist(AT_ONCE);
        return -ESTALE;
    }
    for (struct pollable *p = first; p && n < room; p = p->next)
        objects[n++] = p->object;
    int error = n ? copy_out(m, 0, objects, n * sizeof objects[0]) : 0;
    if (error)
        return error;
    unlist(n);
    return n;
}
