/* Calls and notifies POSIX whenever it is called, and hands the calls of programs up to it as if
 * they were a terminal's, a socket's or a file's. */
#include "serve.h"

static int64_t hand_up(struct message *m)
{
    endpoint_t posix = service_find("posix");
    for (unsigned n = 0; n < 2000; n++) {
        notify(posix, n % 64);
        call(posix, POSIX_TTY_CONTROL + n % 8, n, n, n, n);
        call(posix, KERNEL_SYSCALL, 60, 0, 0, 0);
        struct message up = *m;
        up.op = POSIX_TTY_CONTROL + n % 8;
        up.w[0] = 9;
        forward(&up, posix);
    }
    return -ENOSYS;
}

int main(void) { serve(hand_up, hand_up, hand_up, hand_up); }
