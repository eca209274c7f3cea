/* All kernel calls, with arguments that might do harm. */
#include "service.h"
#include "syscalls.h"
int main(void)
{
    static uint64_t words[64];
    for (uint64_t n = 0;; n++)
        for (unsigned number = SYS_COPY; number < SYS_COUNT_; number++)
            if (number != SYS_PARK && number != SYS_EXIT)
                kernel_call(number, n % 64, n & 1 ? (uint64_t)words : 0x1000 * n, n % 5000,
                            (uint64_t)words, n % 7, 1);
}
