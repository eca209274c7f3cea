#include "ledger.h"
#include "service.h"
#include "store.h"

static int64_t answer(struct message *m);
static void begin(void);

static inline int64_t tell_store(uint64_t op, uint64_t w0, uint64_t w3)
{
    return call(service_find("store"), op, w0, 0, 0, w3);
}

static inline int64_t put(unsigned record, const void *from, size_t bytes)
{
    struct call_args a = { .op = STORE_PUT, .w0 = record };
    return call_window(service_find("store"), &a, WINDOW_IN, (void *)from, bytes, NULL);
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(LEDGER_PAY_IN)] = answer,
        [op_number(LEDGER_MOVE)] = answer,
        [op_number(LEDGER_BALANCE)] = answer,
        [op_number(LEDGER_LAST)] = answer,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(LEDGER, handlers) };
    begin();
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
