/* corners: in the place of PM, makes the calls that chance does not find: it gives memory that is
 * the kernel's, or will be, to a program. */
#include "service.h"
#include "syscalls.h"

enum { FRAMES = 16, AT = 0x500000 };

static uint8_t junk[PAGE_SIZE];

static int64_t change(int64_t task, enum page_action action, vaddr_t at, uint64_t count,
                      uint64_t source, endpoint_t service, uint32_t protection)
{
    struct page_change c = { .address = at,
                             .count = count,
                             .source = source,
                             .task = task,
                             .service = service,
                             .protection = protection,
                             .action = action };
    return sys_pages(&c, 1);
}

/* Frames that a program goes on using when the kernel has got them back. */
static void frames_twice(int64_t task)
{
    paddr_t first = 0;
    int64_t n = sys_frames(FRAMES, &first);
    change(task, PAGE_MAP_ZERO, AT, n, first, 0, PAGE_READ | PAGE_WRITE);
    sys_frames_give(first, n);
    for (int64_t i = 0; i < n; i++)
        ask_poke(task, AT + i * PAGE_SIZE, junk, PAGE_SIZE);
    for (unsigned i = 0; i < 4 * FRAMES; i++)
        sys_task_create(0, 0);
}

/* The kernel's own page that programs may read. */
static void write_clock(int64_t task)
{
    uint64_t clock = 0;
    ask_info(INFO_CLOCK_PAGE, 0, &clock, sizeof clock);
    change(task, PAGE_MAP, AT - PAGE_SIZE, 1, clock, 0, PAGE_READ);
    change(task, PAGE_PROTECT, AT - PAGE_SIZE, 1, 0, 0, PAGE_READ | PAGE_WRITE);
    int64_t n = ask_poke(task, AT - PAGE_SIZE, junk, PAGE_SIZE);
    print(n == -EFAULT ? "the clock cannot be written" : "the clock was written");
}

/* Pages of every service, also of one that has never come up. */
static void map_services(int64_t task)
{
    for (endpoint_t slot = 1; slot < MAX_SERVICE; slot++)
        change(task, PAGE_MAP_SERVICE, AT - 2 * PAGE_SIZE, 1, 0x400000, slot, PAGE_READ);
}

int main(void)
{
    struct message m;
    int64_t task;
    memset(junk, 0x41, sizeof junk);
    recovery_register(~0u, 1);
    do /* until POSIX has registered its personality */
        message_receive(&m);
    while ((task = sys_task_create(0, 0)) < 0);
    map_services(task);
    frames_twice(task);
    write_clock(task);
    print("has done its worst");
    for (;;)
        message_receive(&m);
}
