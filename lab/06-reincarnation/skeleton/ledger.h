/* The limits of the ledger, and what its first version kept in the store. */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdint.h>

enum { ACCOUNTS = 16, CLIENTS = 16, AMOUNT_MOST = 1000000, BALANCE_MOST = 1000000000 };

/* Record 0 begins with this in every version. A record 0 of zeroes only: the ledger is new. */
enum { LEDGER_MAGIC = 0x4447454c, LEDGER_VERSION = 2 };
struct ledger_head {
    uint32_t magic, version;
};

/* ---- version 1, which counted in pounds of 20 shillings of 12 pence ----
 *
 * Its records: 0 the head, V1_ACCOUNT + account, V1_CLIENT + client, V1_INTENT.
 *
 * To carry out a request it wrote the intent first, with all that was to become of it; then the
 * accounts, then the client, and then an intent of zeroes. It may have been killed behind each of
 * these. A request that was refused changed the client only, and had no intent. */
enum { V1_ACCOUNT = 1, V1_CLIENT = V1_ACCOUNT + ACCOUNTS, V1_INTENT = V1_CLIENT + CLIENTS };

struct v1_account {
    uint32_t pounds, shillings, pence;
};
struct v1_client {
    uint64_t sequence; /* of its last request; 0: none */
    int64_t answer;    /* to that; a balance in pence, or -ERANGE */
};
struct v1_intent {
    uint32_t count; /* how many accounts change, 1 or 2; 0: there is no intent */
    uint32_t client;
    struct v1_client client_becomes;
    uint32_t account[2];
    struct v1_account account_becomes[2];
};

#endif
