/* ledger: accounts, and each request done once.
 *
 * The store has the whole state twice, and the head says which copy counts. A request writes what
 * it changes into the other copy, and then the head: by that one message the request is done, its
 * answer is remembered, and whoever comes after this process finds both. */
#include "ledger.h"
#include "service.h"
#include "store.h"

struct state {
    int64_t balance[ACCOUNTS]; /* in pence */
    struct {
        uint64_t sequence; /* of the client's last request; 0: none */
        int64_t answer;    /* to that */
    } clients[CLIENTS];
};

struct head {
    struct ledger_head common;
    uint32_t copy; /* the one that counts, 0 or 1 */
};

/* Behind the records of version 1, which count until the head says something else. */
enum {
    COPY_RECORDS = sizeof(struct state) / STORE_BYTES,
    COPY = V1_INTENT + 1, /* the first record of copy 0; copy 1 follows */
};
_Static_assert(sizeof(struct state) % STORE_BYTES == 0, "whole records");
_Static_assert(COPY + 2 * COPY_RECORDS <= STORE_RECORDS, "both copies fit");

static endpoint_t store;
static struct state now;
static unsigned copy;
static bool unknown; /* the store holds something that is not to be touched */

/* ---- records ---- */

static void get(unsigned record, void *to, size_t bytes)
{
    struct call_args a = { .op = STORE_GET, .w0 = record };
    if (call_window(store, &a, WINDOW_OUT, to, bytes, NULL) != 0)
        die("record %u cannot be read", record);
}

static void put(unsigned record, const void *from, size_t bytes)
{
    struct call_args a = { .op = STORE_PUT, .w0 = record };
    if (call_window(store, &a, WINDOW_IN, (void *)from, bytes, NULL) != 0)
        die("record %u cannot be written", record);
}

static unsigned record_of(unsigned which, unsigned i) { return COPY + which * COPY_RECORDS + i; }

/* Makes a state the one that counts. */
static void commit(const struct state *next)
{
    unsigned other = !copy;
    for (unsigned i = 0; i < COPY_RECORDS; i++)
        put(record_of(other, i), (const char *)next + i * STORE_BYTES, STORE_BYTES);
    put(0, &(struct head){ { LEDGER_MAGIC, LEDGER_VERSION }, other }, sizeof(struct head));
    copy = other;
    now = *next;
}

/* ---- what was there before ---- */

static int64_t pence(const struct v1_account *a)
{
    return ((int64_t)a->pounds * 20 + a->shillings) * 12 + a->pence;
}

static void convert(void)
{
    static struct state next;
    struct v1_account account;
    struct v1_client client;
    struct v1_intent intent;
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        get(V1_ACCOUNT + i, &account, sizeof account);
        next.balance[i] = pence(&account);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        get(V1_CLIENT + i, &client, sizeof client);
        next.clients[i].sequence = client.sequence;
        next.clients[i].answer = client.answer;
    }
    get(V1_INTENT, &intent, sizeof intent);
    for (unsigned i = 0; i < intent.count; i++)
        next.balance[intent.account[i]] = pence(&intent.account_becomes[i]);
    if (intent.count) {
        next.clients[intent.client].sequence = intent.client_becomes.sequence;
        next.clients[intent.client].answer = intent.client_becomes.answer;
    }
    commit(&next);
}

static void load(void)
{
    static const char zeroes[STORE_BYTES];
    char record[STORE_BYTES];
    struct head head;
    get(0, record, sizeof record);
    memcpy(&head, record, sizeof head);
    if (memcmp(record, zeroes, sizeof record) == 0)
        return;
    if (head.common.magic == LEDGER_MAGIC && head.common.version == 1) {
        convert();
    } else if (head.common.magic == LEDGER_MAGIC && head.common.version == LEDGER_VERSION) {
        copy = head.copy;
        for (unsigned i = 0; i < COPY_RECORDS; i++)
            get(record_of(copy, i), (char *)&now + i * STORE_BYTES, STORE_BYTES);
    } else {
        unknown = true;
    }
}

/* ---- requests ---- */

/* What a request asks for. An account that it does not touch is NONE. */
enum { NONE = ~0u };
struct request {
    uint64_t client, sequence, from, to, amount;
};

/* Changes the balances of a state. The answer; -ERANGE: nothing has changed. */
static int64_t carry_out(struct state *s, const struct request *r)
{
    int64_t amount = r->amount;
    if ((r->from != NONE && s->balance[r->from] < amount) ||
        s->balance[r->to] > BALANCE_MOST - amount)
        return -ERANGE;
    s->balance[r->to] += amount;
    if (r->from == NONE)
        return s->balance[r->to];
    return s->balance[r->from] -= amount;
}

static bool valid(const struct request *r)
{
    return r->client < CLIENTS && (r->from < ACCOUNTS || r->from == NONE) && r->to < ACCOUNTS &&
           r->from != r->to && r->amount && r->amount <= AMOUNT_MOST;
}

/* Carries a request out that has not been carried out yet, and answers it. */
static int64_t once(const struct request *r)
{
    static struct state next;
    if (unknown)
        return -EOPNOTSUPP;
    if (!valid(r))
        return -EINVAL;
    uint64_t last = now.clients[r->client].sequence;
    if (r->sequence > last + 1)
        return -ENODATA;
    if (r->sequence < last || !r->sequence)
        return -ESTALE;
    if (r->sequence == last)
        return now.clients[r->client].answer;
    next = now;
    int64_t answer = carry_out(&next, r);
    next.clients[r->client].sequence = r->sequence;
    next.clients[r->client].answer = answer;
    commit(&next);
    return answer;
}

static int64_t do_pay_in(struct message *m)
{
    return once(&(struct request){ m->w[0], m->w[3], NONE, m->w[4], m->w[5] });
}

static int64_t do_move(struct message *m)
{
    uint64_t from = m->w[4] & 0xffffffff, to = m->w[4] >> 32;
    if (from >= ACCOUNTS)
        return unknown ? -EOPNOTSUPP : -EINVAL;
    return once(&(struct request){ m->w[0], m->w[3], from, to, m->w[5] });
}

static int64_t do_balance(struct message *m)
{
    return unknown ? -EOPNOTSUPP : m->w[0] < ACCOUNTS ? now.balance[m->w[0]] : -EINVAL;
}

static int64_t do_last(struct message *m)
{
    return unknown             ? -EOPNOTSUPP
           : m->w[0] < CLIENTS ? (int64_t)now.clients[m->w[0]].sequence
                               : -EINVAL;
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(LEDGER_PAY_IN)] = do_pay_in,
        [op_number(LEDGER_MOVE)] = do_move,
        [op_number(LEDGER_BALANCE)] = do_balance,
        [op_number(LEDGER_LAST)] = do_last,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(LEDGER, handlers) };
    store = service_find("store");
    load();
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
