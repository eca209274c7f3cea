/* probe: tries everything that a service could try, in the place and with the manifest of any
 * service, and prints what the kernel did not refuse. tests/test_authority.py compares that with
 * the manifest. Afterwards probe answers calls with -ENOSYS. */
#include "service.h"
#include "syscalls.h"

enum { PORTS = 65536, LINES = 16, MEGABYTE = 1 << 20, TEXT = 220 };

static uint64_t refused; /* -EPERM so far */
static char text[TEXT];
static size_t length;

static void flush(const char *what)
{
    print("probe %s%s", what, text);
    length = 0;
    text[0] = 0;
}

static void add_range(const char *what, uint64_t first, uint64_t last)
{
    if (length > TEXT - 40)
        flush(what);
    length += format(text + length, TEXT - length, first == last ? " %lx" : " %lx-%lx", first,
                     last);
}

/* `allowed` of 0 .. count-1, as ranges; each is tried once. */
static void tell(const char *what, uint64_t count, bool (*allowed)(uint64_t n))
{
    uint64_t first = 0;
    bool open = false;
    for (uint64_t n = 0; n <= count; n++) {
        bool now = n < count && allowed(n);
        if (now && !open)
            first = n;
        if (!now && open)
            add_range(what, first, n - 1);
        open = now;
    }
    flush(what);
}

static bool not_refused(int64_t result)
{
    refused += result == -EPERM;
    return result != -EPERM;
}

/* Every kernel call with arguments that mean nothing. Left out: those that wait or end this thread,
 * and those that are tried below. */
static bool kernel_call_allowed(uint64_t n)
{
    static const uint8_t skipped[] = {
        SYS_CALL,          SYS_RECEIVE,  SYS_REPLY_RECEIVE, SYS_FORWARD,    SYS_FORWARD_RECEIVE,
        SYS_RECEIVE_AGAIN, SYS_PARK,     SYS_EXIT,          SYS_READY,      SYS_NOTIFY,
        SYS_THREAD,        SYS_LOG,      SYS_IRQ_BIND,      SYS_IRQ_ACK,    SYS_PORT_IN,
        SYS_PORT_OUT,      SYS_PORT_INS, SYS_PORT_OUTS,     SYS_MAP_DEVICE, SYS_PUBLISH,
        SYS_HALT,
    };
    for (unsigned i = 0; i < sizeof skipped; i++)
        if (skipped[i] == n)
            return false;
    return not_refused(kernel_call(n, 0, 0, 0, 0, 0, 0));
}

static bool target_allowed(uint64_t n) { return not_refused(call(n, 0xffff, 0, 0, 0, 0)); }
static bool notify_allowed(uint64_t n) { return not_refused(ask_notify(n, 1)); }
static bool irq_allowed(uint64_t n) { return not_refused(sys_irq_bind(n, 1)); }
static bool port_allowed(uint64_t n) { return not_refused(sys_port_in(n, 1)); }
static bool device_page_allowed(uint64_t n)
{
    return not_refused(ask_map_device(n * PAGE_SIZE, PAGE_SIZE));
}
static bool device_megabyte_allowed(uint64_t n)
{
    return not_refused(ask_map_device(n * MEGABYTE, PAGE_SIZE));
}

static bool forward_allowed(uint64_t n)
{
    struct message nobody = { .call = 0 };
    return not_refused(message_forward(&nobody, n));
}

int main(void)
{
    tell("calls", SYS_COUNT_, kernel_call_allowed);
    tell("targets", 64, target_allowed);
    tell("notifies", 64, notify_allowed);
    tell("forwards", 64, forward_allowed);
    tell("irqs", 64, irq_allowed);
    tell("ports", PORTS, port_allowed);
    tell("low-memory", MEGABYTE / PAGE_SIZE, device_page_allowed);
    tell("memory", 4096, device_megabyte_allowed);
    print("probe dma %s", not_refused(sys_grow(1, GROW_CONTIGUOUS, NULL)) ? "yes" : "no");
    print("probe halt %s", not_refused(sys_halt(99)) ? "yes" : "no");
    print("probe dump %s", not_refused(ask_trace(TRACE_DUMP, 0, NULL, 0)) ? "yes" : "no");
    print("probe budget %ld", sys_grow(1 << 20, 0, NULL));
    print("probe refused %lu", refused);
    service_run(&(struct service){ .threads = 1 });
}
