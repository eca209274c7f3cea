/* Has the machine switched off, to come to a clean end. */
#include "service.h"
#include "syscalls.h"
int main(void)
{
    for (;;) {
        call(service_find("rs"), RS_HALT, HALT_POWEROFF, 0, 0, 0);
        kernel_call(SYS_HALT, HALT_POWEROFF, 0, 0, 0, 0, 0);
    }
}
