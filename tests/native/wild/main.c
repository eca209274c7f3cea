/* wild: a service that uses all rights of its slot at random: every kernel call but those that only
 * stop the service itself, with arguments that are often nearly right. In the place of PM, VFS or
 * POSIX the system does not get far; the kernel must stay up nevertheless. */
#include "../draw.h"
#include "service.h"
#include "syscalls.h"

enum { ROUNDS = 100000, POOL = 64, SCRATCH = 16384 };

static uint64_t pool[POOL];
static uint64_t scratch[SCRATCH / 8];

/* Small numbers, results of earlier calls (tasks, calls, frames), addresses of its own and of
 * programs, and anything. */
static uint64_t word(void)
{
    switch (draw() % 10) {
    case 0: return draw();
    case 1: return -(draw() % 200);
    case 2:
    case 3: return (uint64_t)scratch + draw() % SCRATCH;
    case 4: return draw() % 0x800000000000 & ~(PAGE_SIZE - 1ul);
    case 5: return draw() % 32768 * PAGE_SIZE;
    case 6:
    case 7: return pool[draw() % POOL];
    default: return draw() % 100;
    }
}

static void remember(uint64_t value) { pool[draw() % POOL] = value; }

static void change_page(void)
{
    struct page_change c = { .address = draw() % 0x7fffffff & ~(PAGE_SIZE - 1ul),
                             .count = draw() % 9 ? draw() % 5 : word(),
                             .source = word(),
                             .task = word(),
                             .service = word(),
                             .protection = draw() % 16,
                             .action = draw() % (PAGE_FILL_SERVICE + 2) };
    sys_pages(&c, 1);
}

static void take_frames(void)
{
    paddr_t first = 0;
    if (sys_frames(draw() % 8, &first) > 0)
        remember(first);
}

static void any_call(void)
{
    unsigned n = draw() % SYS_COUNT_;
    switch (n) {
    case SYS_CALL:
    case SYS_RECEIVE:
    case SYS_REPLY_RECEIVE:
    case SYS_FORWARD_RECEIVE:
    case SYS_RECEIVE_AGAIN:
    case SYS_PARK:
    case SYS_EXIT:
    case SYS_THREAD:
    case SYS_HALT: return;
    default:
        scratch[draw() % (SCRATCH / 8)] = word();
        remember(kernel_call(n, word(), word(), word(), word(), word(), word()));
    }
}

static void rage(void)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        switch (draw() % 8) {
        case 0: change_page(); break;
        case 1: take_frames(); break;
        case 2: remember(sys_task_create(draw() % 2 ? 0 : word(), draw() % 4)); break;
        case 3: remember(sys_thread_create(word(), draw() % 2 ? 0 : word(), word(), word())); break;
        default: any_call(); break;
        }
}

int main(void)
{
    struct message m;
    draw_seed(time_now() * 0x9e3779b97f4a7c15ul);
    recovery_register(~0u, 1);
    for (unsigned i = 0; i < SCRATCH / 8; i++)
        scratch[i] = word();
    rage();
    for (;;) {
        message_receive(&m);
        remember(m.call);
        rage();
        reply(m.call, word());
    }
}
