/* hostile: a service that does what it can to harm the others, in the place of a driver or a file
 * server. Each message makes it do some random things: answer wrongly, twice or never, copy outside
 * windows and after its reply, forward, connect, throw back, notify everybody, make kernel calls at
 * random. */
#include "../draw.h"
#include "service.h"
#include "syscalls.h"

enum { ACTS = 12, HELD = 64, SCRATCH = 65536 };

static call_t held[HELD];
static char scratch[SCRATCH];

/* Mostly small, sometimes anything, sometimes an address. */
static uint64_t word(void)
{
    switch (draw() % 6) {
    case 0: return draw();
    case 1: return (uint64_t)scratch + draw() % SCRATCH;
    case 2: return -(draw() % 200);
    case 3: return 0x7fff00000000ul - draw() % 100000;
    default: return draw() % 300;
    }
}

static call_t some_call(const struct message *m)
{
    return draw() % 3 ? m->call : draw() % 2 ? held[draw() % HELD] : word();
}

static void wild_kernel_call(void)
{
    unsigned n = draw() % SYS_COUNT_;
    switch (n) {
    case SYS_CALL:
    case SYS_RECEIVE:
    case SYS_REPLY_RECEIVE:
    case SYS_FORWARD_RECEIVE:
    case SYS_RECEIVE_AGAIN:
    case SYS_PARK:
    case SYS_EXIT: return; /* these would only stop the service itself */
    default: kernel_call(n, word(), word(), word(), word(), word(), word());
    }
}

static void act(struct message *m)
{
    struct reply r = { word(), word(), word(), word() };
    switch (draw() % 10) {
    case 0: reply(some_call(m), word()); break;
    case 1: reply_full(some_call(m), word(), &r); break;
    case 2: copy_out_call(some_call(m), word(), scratch + draw() % 1000, word() % SCRATCH); break;
    case 3: copy_in_call(some_call(m), word(), scratch + draw() % 1000, word() % SCRATCH); break;
    case 4:
        m->op = draw() % 0x900;
        m->w[draw() % 6] = word();
        forward(m, draw() % 64);
        break;
    case 5: connect(m, word(), draw()); break;
    case 6: throw_back(some_call(m), word(), word()); break;
    case 7:
        for (unsigned i = 0; i < 64; i++)
            ask_notify(i, draw());
        break;
    case 8: sys_retry(some_call(m)); break;
    case 9: wild_kernel_call(); break;
    }
}

int main(void)
{
    struct message m;
    draw_seed(time_now());
    recovery_register(1u << PROTOCOL_FS, 1);
    for (unsigned n = 0;; n++) {
        message_receive(&m);
        held[n % HELD] = m.call;
        for (unsigned i = draw() % ACTS; i; i--)
            act(&m);
        if (draw() % 8)
            reply(m.call, word());
    }
}
