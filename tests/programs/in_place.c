/* in_place: calls that are given one place for what they take and what they answer. */
#define _GNU_SOURCE
#include "oracle.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>

enum { ROUNDS = 300 };

int main(void)
{
    int wrong[10] = { 0 };
    int ends[2], pair[2], timer = timerfd_create(CLOCK_MONOTONIC, 0);
    pipe(ends);
    write(ends[1], "x", 1);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    int file = open("in", O_CREAT | O_RDWR | O_TRUNC, 0644),
        out = open("out", O_CREAT | O_RDWR | O_TRUNC, 0644);
    ftruncate(file, ROUNDS);
    for (int k = 0; k < ROUNDS; k++) {
        /* musl's own functions would bring these to other places */
        struct {
            uint64_t handler, flags, restorer, mask;
        } action = { 1, SA_RESTART | 0x4000000, 4096 + k, 0 };
        syscall(SYS_rt_sigaction, SIGUSR1, &action, &action, 8);
        wrong[0] += k && action.restorer != 4096 + k - 1ul;
        struct itimerval i = { .it_value.tv_sec = 1000 + k, .it_interval.tv_sec = 5000 + k };
        syscall(SYS_setitimer, ITIMER_REAL, &i, &i);
        wrong[1] += k && i.it_interval.tv_sec != 5000 + k - 1;
        struct itimerspec s = { .it_value.tv_sec = 1000 + k, .it_interval.tv_sec = 5000 + k };
        syscall(SYS_timerfd_settime, timer, 0, &s, &s);
        wrong[2] += k && s.it_interval.tv_sec != 5000 + k - 1;
        fd_set set;
        FD_ZERO(&set);
        FD_SET(ends[0], &set);
        FD_SET(pair[0], &set);
        struct timeval none = { 0 };
        wrong[3] += syscall(SYS_select, 100, &set, NULL, NULL, &none) != 1 ||
                    !FD_ISSET(ends[0], &set);
        off_t at = k;
        wrong[4] += sendfile(out, file, &at, 1) != 1 || at != k + 1;
        loff_t from = k, to = k;
        wrong[5] += copy_file_range(file, &from, out, &to, 1, 0) != 1 || from != k + 1 ||
                    to != k + 1;
        struct sockaddr_un name;
        socklen_t length = sizeof name;
        wrong[6] += getsockname(pair[0], (struct sockaddr *)&name, &length) || length != 2;
        struct flock lock = { .l_type = F_WRLCK, .l_start = k, .l_len = 1 };
        wrong[7] += fcntl(file, F_GETLK, &lock) || lock.l_type != F_UNLCK || lock.l_start != k;
        struct rlimit l = { 100 + k, 2000 };
        syscall(SYS_prlimit64, 0, RLIMIT_CORE, &l, &l);
        wrong[8] += k && l.rlim_cur != (rlim_t)(100 + k - 1);
    }
    for (unsigned k = 0; k < 9; k++)
        SAY("%u: %d wrong", k, wrong[k]);
    return 0;
}
