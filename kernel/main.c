/* The kernel starts: memory, processor, and the one service that starts all others. */
#include "arch.h"
#include "boot.h"
#include "layout.h"
#include "log.h"
#include "memory.h"
#include "panic.h"
#include "service.h"
#include "turn.h"

/* Called by boot.S, in long mode, on the kernel's stack. */
_Noreturn void kernel_main(uint32_t magic, uint32_t information);

static const struct module *find_module(const char *name)
{
    for (unsigned i = 0; i < module_count; i++)
        if (strncmp(modules[i].name, name, sizeof modules[i].name) == 0)
            return &modules[i];
    panic(NULL, "the boot loader brought no module named %s", name);
}

void kernel_main(uint32_t magic, uint32_t information)
{
    arch_begin();
    log_init();
    boot_read(magic, information);
    arch_init();
    layout_modules();
    kprintf("minnow: %lu MiB of memory, %u modules\n", frames_all / 256, module_count);
    service_strikes = boot_option("strike");
    turn_polls = boot_option("poll");
    if (boot_option("panic"))
        panic(NULL, "asked for by the option `panic`");
    int error = service_load_first(find_module("rs"));
    if (error)
        panic(NULL, "the service manager cannot be loaded: error %d", error);
    arch_start(turn_next());
}
