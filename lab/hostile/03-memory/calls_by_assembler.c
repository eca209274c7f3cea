/* Names a function that it may not use only to the assembler. Not built. */
#include "rest.h"

int64_t do_fault(struct message *m)
{
    int64_t result;
    __asm__ volatile("call ask_poke" : "=a"(result) : "D"(m->from) : "memory");
    return result;
}
