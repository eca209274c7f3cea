/* names: a server of names and values. Whoever takes a name that is not there waits for it in line.
 */
#include "names.h"
#include "service.h"

struct entry {
    bool used;
    unsigned length, size;
    char name[NAME_BYTES], value[VALUE_BYTES];
};

static struct entry entries[NAMES_MAX];
static struct pending_list waiters; /* calls of NAMES_TAKE, the first in line first */

/* The name at the beginning of a call's window, into name[NAME_BYTES]. 0, -EINVAL, -EFAULT. */
static int read_name(struct message *m, char *name)
{
    if (m->w[0] == 0 || m->w[0] > NAME_BYTES || m->w[0] > m->w[2])
        return -EINVAL;
    return copy_in(m, 0, name, m->w[0]);
}

static struct entry *find(const char *name, unsigned length)
{
    for (unsigned i = 0; i < NAMES_MAX; i++)
        if (entries[i].used && entries[i].length == length &&
            memcmp(entries[i].name, name, length) == 0)
            return &entries[i];
    return NULL;
}

static struct entry *find_free(void)
{
    for (unsigned i = 0; i < NAMES_MAX; i++)
        if (!entries[i].used)
            return &entries[i];
    return NULL;
}

/* ---- those who wait ---- */

static bool waits_for(const struct pending *p, const struct entry *e)
{
    char name[NAME_BYTES];
    return p->m.w[0] == e->length && copy_in_call(p->m.call, 0, name, e->length) == 0 &&
           memcmp(name, e->name, e->length) == 0;
}

/* Gives the value to the first in line who can take it. Who has died is passed over; whose page is
 * missing is sent to fetch it, and comes again. */
static void serve_waiters(struct entry *e)
{
    for (struct pending *p = waiters.first, *next; p && e->used; p = next) {
        next = p->next;
        if (!call_alive(p->m.call)) {
            pending_remove(&waiters, p);
            continue;
        }
        if (!waits_for(p, e))
            continue;
        struct message m = p->m;
        pending_remove(&waiters, p);
        if (e->size > m.w[2] - m.w[0]) {
            reply(m.call, -ERANGE);
            continue;
        }
        int error = copy_out_call(m.call, m.w[0], e->value, e->size);
        if (error == -EFAULT)
            throw_back(m.call, m.w[0], e->size);
        else if (!error && reply(m.call, e->size) == 0)
            e->used = false;
    }
}

static unsigned waiting(void)
{
    unsigned n = 0;
    for (struct pending *p = waiters.first, *next; p; p = next) {
        next = p->next;
        if (call_alive(p->m.call))
            n++;
        else
            pending_remove(&waiters, p);
    }
    return n;
}

/* ---- operations ---- */

static int64_t do_put(struct message *m)
{
    struct entry new = { .used = true };
    int error = read_name(m, new.name);
    if (error)
        return error;
    new.length = m->w[0];
    if (m->w[2] - m->w[0] > VALUE_BYTES)
        return -E2BIG;
    new.size = m->w[2] - m->w[0];
    error = copy_in(m, m->w[0], new.value, new.size);
    if (error)
        return error;
    struct entry *e = find(new.name, new.length);
    if (!e)
        e = find_free();
    if (!e)
        return -ENOSPC;
    *e = new;
    serve_waiters(e);
    return 0;
}

static int64_t fetch(struct message *m, struct entry *e)
{
    if (e->size > m->w[2] - m->w[0])
        return -ERANGE;
    int error = copy_out(m, m->w[0], e->value, e->size);
    return error ? error : (int64_t)e->size;
}

static int64_t do_get(struct message *m)
{
    char name[NAME_BYTES];
    int error = read_name(m, name);
    struct entry *e = error ? NULL : find(name, m->w[0]);
    return error ? error : e ? fetch(m, e) : -ENOENT;
}

static int64_t do_take(struct message *m)
{
    char name[NAME_BYTES];
    int error = read_name(m, name);
    if (error)
        return error;
    struct entry *e = find(name, m->w[0]);
    if (e) {
        int64_t size = fetch(m, e);
        e->used = size < 0;
        return size;
    }
    if (waiting() == NAMES_WAITERS || !pending_add(&waiters, m))
        return -EAGAIN;
    return LATER;
}

static int64_t do_remove(struct message *m)
{
    char name[NAME_BYTES];
    int error = read_name(m, name);
    struct entry *e = error ? NULL : find(name, m->w[0]);
    if (!e)
        return error ? error : -ENOENT;
    e->used = false;
    return 0;
}

static bool before(const struct entry *a, const struct entry *b)
{
    int order = memcmp(a->name, b->name, MIN(a->length, b->length));
    return order ? order < 0 : a->length < b->length;
}

static int64_t do_list(struct message *m)
{
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        unsigned rank = 0;
        for (unsigned k = 0; k < NAMES_MAX; k++)
            rank += entries[k].used && before(&entries[k], &entries[i]);
        if (!entries[i].used || rank != m->w[0])
            continue;
        if (entries[i].length > m->w[2])
            return -ERANGE;
        int error = copy_out(m, 0, entries[i].name, entries[i].length);
        return error ? error : (int64_t)entries[i].length;
    }
    return -ENOENT;
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(NAMES_PUT)] = do_put,       [op_number(NAMES_GET)] = do_get,
        [op_number(NAMES_REMOVE)] = do_remove, [op_number(NAMES_TAKE)] = do_take,
        [op_number(NAMES_LIST)] = do_list,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
