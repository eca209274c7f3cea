/* The tests of lab 06: requests of programs to the server `ledger`, made through the gate, while it
 * is started afresh at moments that the store chooses, or at any.
 * ledger TEST SEED */
#define _GNU_SOURCE
#include "labtest.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../gate/gate.h"
#include "../../store/store.h"
#include "../skeleton/ledger.h"

/* Of minnow/protocol.def and minnow/message.h, which are for services. */
enum {
    PAY_IN = 13 << 8,
    MOVE,
    BALANCE,
    LAST,
    UNKNOWN = 13 << 8 | 77,
    GET = 14 << 8,
    PUT,
    ERASE,
    HOLD,
    HELD,
    COUNT,
    IN = 1,
    OUT = 2
};

/* ---- calls ---- */

static int64_t ask(const char *service, struct gate_call c)
{
    static int gate = -1;
    if (gate < 0)
        NEED((gate = open("/dev/gate", O_RDWR | O_CLOEXEC)) >= 0);
    snprintf(c.service, sizeof c.service, "%s", service);
    int result = ioctl(gate, GATE_CALL, &c);
    return result < 0 ? -errno : result;
}

static int64_t tell_store(uint64_t op, uint64_t w0, uint64_t w3)
{
    return ask("store", (struct gate_call){ .op = op, .w0 = w0, .w3 = w3 });
}

static void put_record(unsigned record, const void *from, size_t bytes)
{
    char copy[STORE_BYTES] = { 0 };
    memcpy(copy, from, bytes);
    NEED(ask("store", (struct gate_call){ .op = PUT,
                                          .w0 = record,
                                          .base = (uintptr_t)copy,
                                          .length = sizeof copy,
                                          .window = IN }) == 0);
}

static void get_record(unsigned record, void *to)
{
    NEED(ask("store", (struct gate_call){ .op = GET,
                                          .w0 = record,
                                          .base = (uintptr_t)to,
                                          .length = STORE_BYTES,
                                          .window = OUT }) == 0);
}

/* A command to the service manager: "restart ledger". */
static void manage(const char *verb)
{
    char line[32];
    int fd = open("/dev/service", O_WRONLY | O_CLOEXEC);
    int length = snprintf(line, sizeof line, "%s ledger\n", verb);
    NEED(fd >= 0);
    NEED(write(fd, line, length) == length);
    close(fd);
}

/* ---- requests, and what they should come to ---- */

struct request {
    uint64_t op, client, sequence, account, to, amount;
};

static const char *text_of(const struct request *r)
{
    static char text[4][160];
    static unsigned turn;
    char *t = text[turn++ % 4];
    if (r->op == PAY_IN)
        snprintf(t, sizeof text[0], "PAY_IN by client %llu, sequence %llu: %llu into account %llu",
                 (long long)r->client, (long long)r->sequence, (long long)r->amount,
                 (long long)r->account);
    else
        snprintf(t, sizeof text[0],
                 "MOVE by client %llu, sequence %llu: %llu from account %llu to %llu",
                 (long long)r->client, (long long)r->sequence, (long long)r->amount,
                 (long long)r->account, (long long)r->to);
    return t;
}

static int64_t make(const struct request *r)
{
    lab_now("%s", text_of(r));
    return ask("ledger", (struct gate_call){ .op = r->op,
                                             .w0 = r->client,
                                             .w3 = r->sequence,
                                             .w4 = r->account | r->to << 32,
                                             .w5 = r->amount });
}

static int64_t balance_of(uint64_t account)
{
    lab_now("BALANCE of account %llu", (long long)account);
    return ask("ledger", (struct gate_call){ .op = BALANCE, .w0 = account });
}

static int64_t last_of(uint64_t client)
{
    lab_now("LAST of client %llu", (long long)client);
    return ask("ledger", (struct gate_call){ .op = LAST, .w0 = client });
}

/* What the ledger should be now. */
static struct {
    int64_t balance[ACCOUNTS];
    struct request last[CLIENTS]; /* sequence 0: none */
    int64_t answer[CLIENTS];
} model;

/* Carries a new, valid request out in the model. */
static int64_t carry_out(const struct request *r)
{
    int64_t *from = r->op == MOVE ? &model.balance[r->account] : NULL;
    int64_t *to = &model.balance[r->op == MOVE ? r->to : r->account], amount = r->amount;
    int64_t answer = -ERANGE;
    if ((!from || *from >= amount) && *to + amount <= BALANCE_MOST) {
        *to += amount;
        if (from)
            *from -= amount;
        answer = from ? *from : *to;
    }
    model.last[r->client] = *r;
    model.answer[r->client] = answer;
    return answer;
}

static struct request new_request(uint64_t op, uint64_t client, uint64_t account, uint64_t to,
                                  uint64_t amount)
{
    return (struct request){
        op, client, model.last[client].sequence + 1, account, op == MOVE ? to : 0, amount
    };
}

static struct request draw(void)
{
    uint64_t account = lab_below(ACCOUNTS), to = (account + 1 + lab_below(ACCOUNTS - 1)) % ACCOUNTS;
    return new_request(lab_below(2) ? PAY_IN : MOVE, lab_below(CLIENTS), account, to,
                       1 + lab_below(lab_below(2) ? 100 : AMOUNT_MOST));
}

/* Makes a new request, whose answer must be the model's. */
static void must(const char *requirement, struct request r)
{
    EXPECT(requirement, make(&r), carry_out(&r), "%s", text_of(&r));
}

static void pay_in(uint64_t client, uint64_t account, uint64_t amount)
{
    must("R1", new_request(PAY_IN, client, account, 0, amount));
}

/* Compares all balances with the model, and what each client's last request was. */
static void look(const char *requirement, const char *when)
{
    for (unsigned i = 0; i < ACCOUNTS; i++)
        EXPECT(requirement, balance_of(i), model.balance[i], "%s: BALANCE of account %u", when, i);
    for (unsigned i = 0; i < CLIENTS; i++)
        EXPECT(requirement, last_of(i), model.last[i].sequence, "%s: LAST of client %u", when, i);
}

/* Makes each client's last request once more: nothing may come of it but its answer. */
static void look_at_answers(const char *requirement, const char *when)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        if (model.last[i].sequence)
            EXPECT(requirement, make(&model.last[i]), model.answer[i], "%s: once more: %s", when,
                   text_of(&model.last[i]));
    look(requirement, when);
}

/* A new ledger. */
static void begin(void)
{
    lab_now("starting the ledger with an empty store");
    manage("stop");
    NEED(tell_store(HOLD, 0, 0) == 0);
    NEED(tell_store(ERASE, 0, 0) == 0);
    memset(&model, 0, sizeof model);
    manage("start");
}

/* ---- undisturbed ---- */

static void test_pay_in(void)
{
    begin();
    look("R1", "a new ledger");
    pay_in(0, 3, 100);
    EXPECT("R1", balance_of(3), 100, "BALANCE of account 3 after 100 was paid in");
    for (int i = 0; i < 20; i++)
        pay_in(lab_below(CLIENTS), lab_below(ACCOUNTS), 1 + lab_below(AMOUNT_MOST));
    look("R1", "after 21 requests PAY_IN");
}

static void test_move(void)
{
    begin();
    for (unsigned i = 0; i < ACCOUNTS; i++)
        pay_in(i, i, 100000 + lab_below(1000));
    must("R2", new_request(MOVE, 1, 0, ACCOUNTS - 1, 1));
    for (int i = 0; i < 20; i++) {
        uint64_t from = lab_below(ACCOUNTS), to = (from + 1 + lab_below(ACCOUNTS - 1)) % ACCOUNTS;
        must("R2", new_request(MOVE, lab_below(CLIENTS), from, to, 1 + lab_below(1000)));
    }
    must("R2", new_request(MOVE, 5, 7, 8, model.balance[7]));
    look("R2", "after 22 requests MOVE");
}

static void refuse(const char *what, struct request r)
{
    EXPECT("R3", make(&r), -EINVAL, "%s: %s", what, text_of(&r));
    look("R3", what);
}

static void test_bounds(void)
{
    begin();
    pay_in(2, 2, 500);
    refuse("an account that there is not", new_request(PAY_IN, 2, ACCOUNTS, 0, 1));
    refuse("an account that there is not", new_request(MOVE, 2, 2, ACCOUNTS, 1));
    refuse("an account that there is not", new_request(MOVE, 2, ACCOUNTS, 2, 1));
    refuse("an account that there is not", new_request(MOVE, 2, 0xffffffff, 2, 1));
    refuse("an account moved to itself", new_request(MOVE, 2, 2, 2, 1));
    refuse("an amount of 0", new_request(PAY_IN, 2, 2, 0, 0));
    refuse("an amount of 0", new_request(MOVE, 2, 2, 3, 0));
    refuse("an amount that is too large", new_request(PAY_IN, 2, 2, 0, AMOUNT_MOST + 1));
    refuse("an amount that is too large", new_request(PAY_IN, 2, 2, 0, -1ull));
    refuse("an amount that is too large", new_request(MOVE, 2, 2, 3, 1ull << 32 | 1));
    refuse("a client that there is not", (struct request){ PAY_IN, CLIENTS, 1, 2, 0, 1 });
    refuse("a client that there is not", (struct request){ PAY_IN, -1ull, 1, 2, 0, 1 });
    EXPECT("R3", balance_of(ACCOUNTS), -EINVAL, "BALANCE of account %d", ACCOUNTS);
    EXPECT("R3", balance_of(1ull << 32), -EINVAL, "BALANCE of account 2^32");
    EXPECT("R3", last_of(CLIENTS), -EINVAL, "LAST of client %d", CLIENTS);
    EXPECT("R3", ask("ledger", (struct gate_call){ .op = UNKNOWN }), -ENOSYS,
           "an operation that there is not");
    must("R3", new_request(PAY_IN, 2, 2, 0, AMOUNT_MOST));
    must("R3", new_request(MOVE, 2, 2, ACCOUNTS - 1, 1));
    look("R3", "after those");
}

static void test_refused(void)
{
    begin();
    pay_in(1, 1, 500);
    must("R4", new_request(MOVE, 1, 1, 2, 501));
    look("R4", "after a MOVE of 501 out of 500");
    must("R4", new_request(MOVE, 1, 1, 2, 500));
    for (int i = 0; i < BALANCE_MOST / AMOUNT_MOST; i++) {
        struct request r = new_request(PAY_IN, 3, 3, 0, AMOUNT_MOST);
        EXPECT("R1", make(&r), carry_out(&r), "%s", text_of(&r));
    }
    pay_in(4, 4, 10);
    must("R4", new_request(PAY_IN, 3, 3, 0, 1));
    must("R4", new_request(MOVE, 3, 4, 3, 10));
    look("R4", "when account 3 is full, after a PAY_IN and a MOVE into it");
    must("R4", new_request(MOVE, 3, 3, 4, 1));
    look("R4", "after a MOVE out of it");
}

/* Makes a request whose sequence is not the next one, nor the last. */
static void out_of_order(struct request r, int64_t sequence, int64_t answer)
{
    r.sequence = sequence;
    EXPECT("R6", make(&r), answer, "%s, when the client's last one was %llu", text_of(&r),
           (long long)model.last[r.client].sequence);
}

static void test_repeat(void)
{
    begin();
    pay_in(6, 1, 100);
    look_at_answers("R5", "after one request");
    for (int i = 0; i < 5; i++)
        pay_in(i, 1, 7);
    look_at_answers("R5", "after requests of other clients");
    must("R4", new_request(MOVE, 7, 2, 3, 50));
    pay_in(1, 2, 1000);
    look_at_answers("R5", "when there is enough for a MOVE that was refused");
    struct request other = new_request(MOVE, 1, 1, 5, 3);
    other.sequence = model.last[1].sequence;
    EXPECT("R5", make(&other), model.answer[1], "with the sequence of the last one: %s",
           text_of(&other));
    other.amount = 0;
    EXPECT("R3", make(&other), -EINVAL, "with the sequence of the last one: %s", text_of(&other));
    look("R5", "after those");
    for (int i = 0; i < 30; i++) {
        must("R5", draw());
        if (!lab_below(3))
            look_at_answers("R5", "after some more");
    }
}

static void test_order(void)
{
    begin();
    struct request r = new_request(PAY_IN, 6, 1, 0, 100);
    out_of_order(r, 0, -ESTALE);
    out_of_order(r, 2, -ENODATA);
    out_of_order(r, -1ull, -ENODATA);
    for (int i = 0; i < 3; i++)
        pay_in(6, 1, 100 + i);
    out_of_order(r, 0, -ESTALE);
    out_of_order(r, 1, -ESTALE);
    out_of_order(r, 2, -ESTALE);
    out_of_order(r, 5, -ENODATA);
    out_of_order(r, 1ull << 32 | 3, -ENODATA);
    look("R6", "after requests out of order");
    pay_in(6, 1, 7);
    r.amount = 0;
    out_of_order(r, 1, -EINVAL);
    look("R6", "after requests out of order");
}

/* ---- started afresh ---- */

static void test_restart(void)
{
    begin();
    manage("restart");
    look("R7", "a new ledger, started twice");
    for (int round = 0; round < 8; round++) {
        for (unsigned n = 1 + lab_below(5); n--;)
            must("R7", draw());
        manage("restart");
        look_at_answers("R7", "after it has been started afresh");
    }
    must("R4", new_request(MOVE, 7, 0, 3, model.balance[0] + 1));
    manage("restart");
    pay_in(1, 0, 1000);
    manage("restart");
    look_at_answers("R7", "after a MOVE that was refused, a start, a PAY_IN, and a start");
}

/* A process that makes one request. */
struct asker {
    pid_t pid;
    volatile struct {
        int done;
        int64_t answer;
    } * seen;
};
enum { LOOK_US = 100, ANSWER_MS = 100 };

static struct asker start_asker(const struct request *r)
{
    static void *page;
    if (!page)
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(page != MAP_FAILED);
    struct asker a = { .seen = page };
    a.seen->done = 0;
    NEED((a.pid = fork()) >= 0);
    if (!a.pid) {
        a.seen->answer = r ? make(r) : balance_of(0);
        a.seen->done = 1;
        _exit(0);
    }
    return a;
}

static void await_asker(const char *requirement, struct asker *a, const char *what)
{
    for (int i = 0; !a->seen->done; i++) {
        if (i == ANSWER_MS * 1000 / LOOK_US)
            lab_fail(requirement, "an answer", "none", "%s: waiting for 100 ms", what);
        usleep(LOOK_US);
    }
    waitpid(a->pid, NULL, 0);
}

/* Waits until the store holds a call of the ledger. false: the request has been answered before. */
static bool is_held(struct asker *a)
{
    for (int i = 0; !a->seen->done; i++) {
        if (tell_store(HELD, 0, 0) == 1)
            return true;
        NEED(i < ANSWER_MS * 1000 / LOOK_US);
        usleep(LOOK_US);
    }
    return false;
}

static char when[200];

/* Makes a request, during which the ledger is started afresh at its n-th call of the store. In the
 * first `more` calls of the store after that it is started afresh once more. false: it makes fewer
 * calls. */
static bool disturbed(const char *requirement, struct request r, unsigned n, unsigned more)
{
    bool after = lab_below(2), held;
    int64_t expected = carry_out(&r);
    NEED(tell_store(HOLD, n, after) == 0);
    struct asker a = start_asker(&r);
    if ((held = is_held(&a))) {
        snprintf(when, sizeof when, "started afresh at call %u of the store, %s it was done", n,
                 after ? "after" : "before");
        NEED(tell_store(HOLD, more, lab_below(2)) == 0);
        manage("restart");
        if (more && (held = is_held(&a))) {
            snprintf(when + strlen(when), sizeof when - strlen(when), ", and at call %u then",
                     more);
            NEED(tell_store(HOLD, 0, 0) == 0);
            manage("restart");
        }
    } else {
        snprintf(when, sizeof when, "undisturbed");
    }
    await_asker(requirement, &a, when);
    EXPECT(requirement, a.seen->answer, expected, "%s: %s", when, text_of(&r));
    NEED(tell_store(HOLD, 0, 0) == 0);
    look_at_answers(requirement, when);
    return held;
}

enum { CALLS_MOST = 8, TOO_MANY = 200 };

static void test_killed(void)
{
    begin();
    pay_in(1, 1, 100);
    bool held = true;
    for (unsigned n = 1; held && n < TOO_MANY; n++)
        held = disturbed("R8", new_request(PAY_IN, 2, 1, 0, 10 + n), n, 0);
    held = true;
    for (unsigned n = 1; held && n < TOO_MANY; n++)
        held = disturbed("R8", new_request(MOVE, 3, 5, 6, 1), n, 0); /* is refused */
}

static void test_move_killed(void)
{
    begin();
    for (unsigned i = 0; i < ACCOUNTS; i++)
        pay_in(i, i, 100000 + lab_below(1000));
    bool held = true;
    for (unsigned n = 1; held && n < TOO_MANY; n++) {
        uint64_t from = lab_below(ACCOUNTS), to = (from + 1 + lab_below(ACCOUNTS - 1)) % ACCOUNTS;
        held = disturbed("R9", new_request(MOVE, lab_below(CLIENTS), from, to, 10 + n), n, 0);
    }
}

static void test_again(void)
{
    begin();
    for (unsigned i = 0; i < ACCOUNTS; i++)
        pay_in(i, i, 100000 + lab_below(1000));
    bool held = true;
    for (unsigned n = 1; held && n < TOO_MANY; n++)
        held = disturbed("R10", new_request(MOVE, n % CLIENTS, n % 5, 5 + n % 7, 10 + n),
                         1 + lab_below(3), n);
}

/* The client dies during its request, and the ledger (even n) or not. Nobody knows then whether the
 * request was done; but the ledger does. */
static void test_widow(void)
{
    begin();
    pay_in(1, 1, 100000);
    bool held = true;
    for (unsigned n = 1; held && n < TOO_MANY; n++) {
        bool both = n % 2 == 0;
        struct request r = new_request(MOVE, 4, 1, 2, 10 + n);
        NEED(tell_store(HOLD, n, !both || lab_below(2)) == 0);
        struct asker a = start_asker(&r);
        held = is_held(&a);
        kill(a.pid, SIGKILL);
        waitpid(a.pid, NULL, 0);
        if (both) {
            NEED(tell_store(HOLD, 0, 0) == 0);
            manage("restart");
        } else {
            NEED(tell_store(HELD, 1, 0) == held);
        }
        int64_t last = last_of(4);
        if (last != (int64_t)r.sequence && last != (int64_t)r.sequence - 1)
            lab_fail("R11", lab_result(r.sequence), lab_result(last),
                     "LAST of a client that was killed during its request %llu (or the one before)",
                     (long long)r.sequence);
        bool done = last == (int64_t)r.sequence;
        if (done)
            carry_out(&r);
        snprintf(when, sizeof when,
                 "at call %u of the store the client was killed%s; LAST says that its request was "
                 "%sdone",
                 n, both ? ", and the ledger" : "", done ? "" : "not ");
        look_at_answers("R11", when);
    }
}

/* ---- many at a time ---- */

enum { CROWD = 6, EACH = 25, COMMON = ACCOUNTS - 1 };

/* One of many: pays into an account of its own, and moves from there to the common one. */
static void be_one(unsigned client, int64_t *moved)
{
    for (int i = 0; i < EACH; i++) {
        struct request r = lab_below(2)
                               ? new_request(PAY_IN, client, client, 0, 1 + lab_below(500))
                               : new_request(MOVE, client, client, COMMON, 1 + lab_below(300));
        int64_t before = model.balance[COMMON];
        model.balance[COMMON] = 0; /* what others put there is not known here */
        int64_t answer = carry_out(&r);
        *moved += model.balance[COMMON];
        model.balance[COMMON] = before;
        for (unsigned times = 1 + !lab_below(3); times; times--)
            EXPECT("R12", make(&r), answer, "one of %d clients, at the same time: %s", CROWD,
                   text_of(&r));
    }
}

/* Lets a crowd loose on the ledger, which is started now and then started afresh all the time. */
static void crowd_at(void)
{
    int64_t *moved = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t crowd[CROWD];
    int left = CROWD, status;
    NEED(moved != MAP_FAILED);
    for (unsigned i = 0; i < CROWD; i++) {
        uint64_t seed = lab_random();
        NEED((crowd[i] = fork()) >= 0);
        if (!crowd[i]) {
            lab_seed(seed);
            be_one(i, &moved[i]);
            _exit(0);
        }
    }
    usleep(1000);
    manage("start");
    while (left) {
        usleep(200 + lab_below(1500));
        manage("restart");
        for (unsigned i = 0; i < CROWD; i++)
            if (crowd[i] && waitpid(crowd[i], &status, WNOHANG) == crowd[i]) {
                if (status)
                    _exit(1); /* it has said what was wrong */
                crowd[i] = 0;
                left--;
            }
    }
    int64_t sum = model.balance[COMMON];
    for (unsigned i = 0; i < CROWD; i++) {
        EXPECT("R12", last_of(i), model.last[i].sequence + EACH, "LAST of client %u, one of %d", i,
               CROWD);
        sum += moved[i];
    }
    EXPECT("R12", balance_of(COMMON), sum, "BALANCE of the account that %d clients moved to",
           CROWD);
}

static void test_crowd(void)
{
    begin();
    pay_in(CROWD, COMMON, 1);
    manage("stop");
    crowd_at();
}

/* ---- other versions ---- */

static struct v1_account v1_of(int64_t pence)
{
    return (struct v1_account){ pence / 240, pence / 12 % 20, pence % 12 };
}

static struct v1_client v1_client_of(unsigned client)
{
    return (struct v1_client){ model.last[client].sequence, model.answer[client] };
}

static void put_account(unsigned account)
{
    struct v1_account a = v1_of(model.balance[account]);
    put_record(V1_ACCOUNT + account, &a, sizeof a);
}

static void put_client(unsigned client)
{
    struct v1_client c = v1_client_of(client);
    put_record(V1_CLIENT + client, &c, sizeof c);
}

/* Puts a state of version 1 into the store, in the middle of a request if there is one: `steps` of
 * what follows its intent have been done. */
static void put_v1(const struct request *in_hand, unsigned steps)
{
    manage("stop");
    NEED(tell_store(HOLD, 0, 0) == 0);
    NEED(tell_store(ERASE, 0, 0) == 0);
    memset(&model, 0, sizeof model);
    put_record(0, &(struct ledger_head){ LEDGER_MAGIC, 1 }, sizeof(struct ledger_head));
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        model.balance[i] = lab_below(3) ? lab_below(BALANCE_MOST / 2) : lab_below(500);
        if (in_hand && in_hand->account == i)
            model.balance[i] += AMOUNT_MOST;
        put_account(i);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        if (lab_below(3)) {
            model.last[i] = (struct request){
                PAY_IN, i, 1 + lab_below(1000), lab_below(ACCOUNTS), 0, 1 + lab_below(AMOUNT_MOST)
            };
            model.answer[i] = lab_below(3) ? (int)lab_below(BALANCE_MOST) : -ERANGE;
            put_client(i);
        }
    if (!in_hand)
        return;
    struct request r = *in_hand;
    r.sequence = model.last[r.client].sequence + 1;
    carry_out(&r);
    struct v1_intent v = { .count = r.op == MOVE ? 2 : 1, .client = r.client };
    v.client_becomes = v1_client_of(r.client);
    v.account[0] = r.account, v.account[1] = r.op == MOVE ? r.to : 0;
    for (unsigned i = 0; i < v.count; i++)
        v.account_becomes[i] = v1_of(model.balance[v.account[i]]);
    put_record(V1_INTENT, &v, sizeof v);
    for (unsigned i = 0; i < v.count && i < steps; i++)
        put_account(v.account[i]);
    if (steps > v.count)
        put_client(r.client);
}

static void expect_version_2(void)
{
    struct ledger_head head[STORE_BYTES / sizeof(struct ledger_head)];
    get_record(0, head);
    EXPECT("R13", head[0].magic, LEDGER_MAGIC, "the magic number in record 0 afterwards");
    EXPECT("R13", head[0].version, LEDGER_VERSION, "the version in record 0 afterwards");
}

static void look_at_converted(const char *requirement, const char *what)
{
    look_at_answers(requirement, what);
    expect_version_2();
    for (int i = 0; i < 3; i++)
        must(requirement, draw());
    manage("restart");
    look_at_answers(requirement, "the converted ledger, after three requests and a start");
}

static void test_version_1(void)
{
    for (int round = 0; round < 3; round++) {
        put_v1(NULL, 0);
        manage("start");
        EXPECT("R13", balance_of(0), model.balance[0], "a ledger of version 1: BALANCE");
        expect_version_2();
        look_at_converted("R13", "a ledger of version 1");
    }
}

static void test_update(void)
{
    put_v1(NULL, 0);
    crowd_at();
    expect_version_2();
}

static void test_intent(void)
{
    for (unsigned op = PAY_IN; op <= MOVE; op++)
        for (unsigned steps = 0; steps <= 3; steps++) {
            unsigned account = lab_below(ACCOUNTS), to = (account + 3) % ACCOUNTS;
            struct request r = { op,      lab_below(CLIENTS),  0,
                                 account, op == MOVE ? to : 0, 1 + lab_below(AMOUNT_MOST) };
            put_v1(&r, steps);
            manage("start");
            snprintf(when, sizeof when, "version 1 was killed %u steps behind an intent", steps);
            look_at_converted("R14", when);
        }
}

static void test_conversion(void)
{
    bool held = true;
    for (unsigned n = 1; held && n < TOO_MANY; n++) {
        unsigned account = lab_below(ACCOUNTS);
        struct request r = { MOVE, lab_below(CLIENTS), 0, account, (account + 5) % ACCOUNTS, 77 };
        put_v1(&r, lab_below(4));
        NEED(tell_store(HOLD, n, lab_below(2)) == 0);
        manage("start");
        struct asker a = start_asker(NULL);
        if ((held = is_held(&a)))
            manage("restart");
        snprintf(when, sizeof when,
                 "started afresh at call %u of the store, the first time that "
                 "it finds version 1",
                 n);
        await_asker("R15", &a, when);
        NEED(tell_store(HOLD, 0, 0) == 0);
        EXPECT("R15", a.seen->answer, model.balance[0], "%s: BALANCE of account 0", when);
        look_at_answers("R15", when);
        expect_version_2();
    }
}

static void expect_refusal(const char *what)
{
    struct request p = { PAY_IN, 1, 1, 1, 0, 1 }, m = { MOVE, 1, 1, 1, 2, 1 };
    EXPECT("R16", make(&p), -EOPNOTSUPP, "%s: PAY_IN", what);
    EXPECT("R16", make(&m), -EOPNOTSUPP, "%s: MOVE", what);
    EXPECT("R16", balance_of(1), -EOPNOTSUPP, "%s: BALANCE", what);
    EXPECT("R16", last_of(1), -EOPNOTSUPP, "%s: LAST", what);
    EXPECT("R16", balance_of(ACCOUNTS), -EOPNOTSUPP, "%s: BALANCE of an account that there is not",
           what);
}

static void test_unknown(void)
{
    static const struct {
        struct ledger_head head;
        const char *what;
    } cases[] = {
        { { LEDGER_MAGIC, 3 }, "version 3" },
        { { LEDGER_MAGIC, 0 }, "version 0" },
        { { LEDGER_MAGIC + 1, 2 }, "another magic number" },
        { { 0, 2 }, "no magic number" },
        { { 0, 0 }, "zeroes where the head is, and other bytes behind them" },
    };
    static char records[STORE_RECORDS][STORE_BYTES], found[STORE_BYTES];
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        manage("stop");
        for (unsigned k = 0; k < STORE_RECORDS; k++) {
            for (unsigned b = 0; b < STORE_BYTES; b++)
                records[k][b] = lab_random();
            if (!k)
                memcpy(records[k], &cases[i].head, sizeof cases[i].head);
            put_record(k, records[k], STORE_BYTES);
        }
        manage("start");
        expect_refusal(cases[i].what);
        manage("restart");
        expect_refusal(cases[i].what);
        for (unsigned k = 0; k < STORE_RECORDS; k++) {
            get_record(k, found);
            EXPECT("R16", memcmp(found, records[k], STORE_BYTES), 0,
                   "%s: comparing record %u with what it was", cases[i].what, k);
        }
    }
}

/* ---- how much it takes ---- */

static void test_cost(void)
{
    begin();
    pay_in(1, 1, 1000);
    int64_t before = tell_store(COUNT, 0, 0);
    struct request r = new_request(PAY_IN, 1, 1, 0, 0), late = new_request(PAY_IN, 1, 1, 0, 5),
                   early = late;
    late.sequence = 0;
    early.sequence = 7;
    EXPECT("R17", balance_of(1), 1000, "BALANCE");
    EXPECT("R17", last_of(1), 1, "LAST");
    EXPECT("R17", make(&model.last[1]), 1000, "a request made once more");
    EXPECT("R17", make(&r), -EINVAL, "a request for an amount of 0");
    EXPECT("R17", make(&late), -ESTALE, "a request with the sequence 0");
    EXPECT("R17", make(&early), -ENODATA, "a request with the sequence 7");
    EXPECT("R17", tell_store(COUNT, 0, 0) - before, 0,
           "those: how often the ledger has called the store");
    for (int i = 0; i < 10; i++) {
        before = tell_store(COUNT, 0, 0);
        r = i % 2 ? new_request(MOVE, 2, 1, 2, 1 + i) : new_request(PAY_IN, 2, 1, 0, 1 + i);
        must("R17", r);
        int64_t calls = tell_store(COUNT, 0, 0) - before;
        if (calls > CALLS_MOST)
            lab_fail("R17", "8 at most", lab_result(calls),
                     "%s: how often the ledger has called the store", text_of(&r));
    }
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "pay-in", test_pay_in },
        { "move", test_move },
        { "bounds", test_bounds },
        { "refused", test_refused },
        { "repeat", test_repeat },
        { "order", test_order },
        { "restart", test_restart },
        { "killed", test_killed },
        { "move-killed", test_move_killed },
        { "again", test_again },
        { "widow", test_widow },
        { "crowd", test_crowd },
        { "version-1", test_version_1 },
        { "intent", test_intent },
        { "update", test_update },
        { "conversion", test_conversion },
        { "unknown", test_unknown },
        { "cost", test_cost },
        { 0 },
    };
    return lab_main(argc, argv, tests);
}
