/* Calls the kernel by an instruction of its own. Not built. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    int64_t result;
    (void)r, (void)l;
    __asm__ volatile("syscall" : "=a"(result) : "a"(83), "D"(0) : "rcx", "r11", "memory");
    return HEALTH_WELL;
}
