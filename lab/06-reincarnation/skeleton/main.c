/* ledger: accounts, and each request done once. */
#include "ledger.h"
#include "service.h"
#include "store.h"

/* Copies a record from the store. To write one: STORE_PUT, WINDOW_IN. */
static void get(unsigned record, char bytes[STORE_BYTES])
{
    struct call_args a = { .op = STORE_GET, .w0 = record };
    if (call_window(service_find("store"), &a, WINDOW_OUT, bytes, STORE_BYTES, NULL) != 0)
        die("record %u cannot be read", record);
}

static int64_t do_balance(struct message *m)
{
    char head[STORE_BYTES];
    get(0, head);
    return m->w[0] < ACCOUNTS ? 0 : -EINVAL;
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(LEDGER_BALANCE)] = do_balance };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(LEDGER, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
