/* Writes frames of the result channel to its port. */
#include "service.h"
static const char frames[] = "\177MNWx\6\0\0\0exit 0\177MNWq\0\0\0\0";
int main(void)
{
    for (;;)
        out_string8(0xe9, frames, sizeof frames - 1);
}
