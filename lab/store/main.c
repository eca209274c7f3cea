/* store: keeps records for services of labs that keep nothing themselves. See README.md. */
#include "store.h"

#include "service.h"

static char records[STORE_RECORDS][STORE_BYTES];
static uint64_t count;       /* calls of services so far */
static uint64_t hold_at;     /* the number, by that count, of the call to be held; 0: none */
static bool hold_done, held; /* whether it is carried out first; whether it has come */
static call_t held_call;

static bool is_service(const struct message *m) { return m->from < MAX_SERVICE; }

static int64_t get(struct message *m) { return copy_out(m, 0, records[m->w[0]], m->w[2]); }

/* A page of the caller may be missing only if the caller is a program. */
static int64_t put(struct message *m)
{
    char bytes[STORE_BYTES] = { 0 };
    int error = copy_in(m, 0, bytes, m->w[2]);
    if (!error)
        memcpy(records[m->w[0]], bytes, sizeof bytes);
    return error;
}

/* Carries a call out, and answers it unless it is the one to be held. */
static int64_t serve(struct message *m, handler_t carry_out)
{
    if (m->w[0] >= STORE_RECORDS || m->w[2] > STORE_BYTES)
        return -EINVAL;
    bool hold = is_service(m) && ++count == hold_at;
    int64_t result = hold && !hold_done ? 0 : carry_out(m);
    if (!hold)
        return result;
    held = true;
    held_call = m->call;
    return LATER;
}

static int64_t do_get(struct message *m) { return serve(m, get); }
static int64_t do_put(struct message *m) { return serve(m, put); }

static int64_t do_erase(struct message *m)
{
    if (is_service(m))
        return -EPERM;
    memset(records, 0, sizeof records);
    return 0;
}

static int64_t do_hold(struct message *m)
{
    if (is_service(m))
        return -EPERM;
    hold_at = m->w[0] ? count + m->w[0] : 0;
    hold_done = m->w[3];
    held = false;
    return 0;
}

static int64_t do_held(struct message *m)
{
    if (is_service(m))
        return -EPERM;
    if (m->w[0] && held && hold_done)
        reply(held_call, 0);
    return held;
}

static int64_t do_count(struct message *m) { return is_service(m) ? -EPERM : (int64_t)count; }

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(STORE_GET)] = do_get,     [op_number(STORE_PUT)] = do_put,
        [op_number(STORE_ERASE)] = do_erase, [op_number(STORE_HOLD)] = do_hold,
        [op_number(STORE_HELD)] = do_held,   [op_number(STORE_COUNT)] = do_count,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(STORE, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
