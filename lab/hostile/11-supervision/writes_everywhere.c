/* Writes through pointers that lead nowhere, and over its own code. */
#include "rest.h"

enum health policy_look(struct policy_record *r, const struct look *l)
{
    (void)r;
    *(volatile uint64_t *)(uintptr_t)(l->messages << 12) = 1;
    *(volatile uint64_t *)(uintptr_t)__builtin_return_address(0) = 1;
    return HEALTH_WELL;
}
