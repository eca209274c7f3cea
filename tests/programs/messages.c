/* sendmmsg and recvmmsg: several messages by one call, its errors, waits, signals and missing
 * pages.
 */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum { MANY = 8, PAGE = 4096 };

static struct mmsghdr out[MANY], in[MANY];
static struct iovec out_vector[MANY], in_vector[MANY];
static char text[MANY][32], room[MANY][64];
static volatile sig_atomic_t caught_signals;

/* The calls themselves: musl's functions send each message by itself. */
static long send_many(int fd, void *messages, unsigned count, unsigned flags)
{
    return syscall(SYS_sendmmsg, fd, messages, count, flags);
}
static long receive_many(int fd, void *messages, unsigned count, unsigned flags, void *timeout)
{
    return syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
}

static void caught(int sig)
{
    (void)sig;
    caught_signals = caught_signals + 1;
}

/* Messages "a0", "ab1", "abc2" ... go out, and have room to come in. */
static void prepare(void)
{
    memset(out, 0, sizeof out);
    memset(in, 0, sizeof in);
    memset(room, 0, sizeof room);
    for (int i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], "%.*s%d", i + 1, "abcdefgh", i);
        out_vector[i] = (struct iovec){ text[i], strlen(text[i]) };
        in_vector[i] = (struct iovec){ room[i], sizeof room[i] };
        out[i].msg_hdr.msg_iov = &out_vector[i];
        in[i].msg_hdr.msg_iov = &in_vector[i];
        out[i].msg_hdr.msg_iovlen = in[i].msg_hdr.msg_iovlen = 1;
        out[i].msg_len = in[i].msg_len = 99;
    }
}

static void show(const struct mmsghdr *m, const char *what)
{
    printf("%s", what);
    for (int i = 0; i < MANY; i++)
        printf(" %u", m[i].msg_len);
    for (int i = 0; m == in && i < MANY && in[i].msg_len != 99; i++)
        printf(" %.*s", (int)in[i].msg_len, room[i]);
    SAY("%s", "");
}

static void datagrams(void)
{
    int s[2];
    prepare();
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    SHOW(send_many(s[0], out, 3, 0));
    show(out, "sent");
    SHOW(receive_many(s[1], in, 2, 0, NULL));
    show(in, "received");
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    show(in, "received");
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    SHOW(send_many(s[0], out, 0, 0));
    SHOW(receive_many(s[1], in, 0, 0, NULL));
    SHOW(send_many(s[0], out, MANY, 0));
    prepare();
    SHOW(receive_many(s[1], in, MANY, MSG_WAITFORONE, NULL));
    show(in, "received");
    SHOW(send_many(99, out, 1, 0));
    SHOW(send_many(0, out, 1, 0));
    SHOW(receive_many(99, in, 1, 0, NULL));
    SHOW(send_many(s[0], (void *)16, 1, 0));
    SHOW(receive_many(s[1], (void *)16, 1, MSG_DONTWAIT, NULL));
    close(s[0]);
    close(s[1]);
}

static void errors_between(void)
{
    int s[2];
    struct sockaddr_un nobody = { AF_UNIX, "nobody" };
    prepare();
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    out_vector[2].iov_base = (void *)16;
    SHOW(send_many(s[0], out, MANY, 0));
    show(out, "sent");
    SHOW(send_many(s[0], out + 2, MANY - 2, 0));
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    show(in, "received");
    prepare();
    out[1].msg_hdr.msg_iov = (void *)16;
    SHOW(send_many(s[0], out, MANY, 0));
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    prepare();
    out[3].msg_hdr.msg_name = &nobody;
    out[3].msg_hdr.msg_namelen = sizeof nobody;
    SHOW(send_many(s[0], out, MANY, 0));
    SHOW(send_many(s[0], out + 3, 1, 0));
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    show(in, "received");
    SHOW(send_many(s[0], out, 1, 0));
    prepare();
    in_vector[1].iov_base = (void *)16; /* for which there is no message */
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    in_vector[0].iov_base = (void *)16;
    SHOW(send_many(s[0], out, 1, 0));
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    close(s[0]);
    close(s[1]);
}

/* A vector of messages that runs out of memory: what lies in memory is done. */
static void end_of_memory(void)
{
    int s[2];
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + PAGE, PAGE);
    struct mmsghdr *last = (void *)(page + PAGE - 2 * sizeof *last);
    prepare();
    memcpy(last, out, 2 * sizeof *last);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    SHOW(send_many(s[0], last, MANY, 0));
    SAY("lengths %u %u", last[0].msg_len, last[1].msg_len);
    memcpy(last, in, 2 * sizeof *last);
    SHOW(receive_many(s[1], last, MANY, MSG_DONTWAIT, NULL));
    SAY("lengths %u %u", last[0].msg_len, last[1].msg_len);
    munmap(page, PAGE);
    close(s[0]);
    close(s[1]);
}

/* Buffers whose pages nobody has touched yet: the call is made again for each, and yet each message
 * comes once. */
static void new_pages(void)
{
    int s[2];
    prepare();
    char *pages = mmap(NULL, 4 * MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
    for (int i = 0; i < MANY; i++)
        in_vector[i].iov_base = pages + i * 4 * PAGE + PAGE - 1;
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    SHOW(send_many(s[0], out, MANY, 0));
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    for (int i = 0; i < MANY; i++)
        SAY("%.*s", (int)in[i].msg_len, (char *)in_vector[i].iov_base);
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    munmap(pages, 4 * MANY * PAGE);
    pages = mmap(NULL, 4 * MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < MANY; i++)
        out_vector[i] = (struct iovec){ pages + i * 4 * PAGE + PAGE - 1, 10 + i };
    SHOW(send_many(s[0], out, MANY, 0));
    show(out, "sent");
    for (int i = 0; i < MANY; i++)
        in_vector[i] = (struct iovec){ room[i], sizeof room[i] };
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    for (int i = 0; i < MANY; i++)
        printf(" %u", in[i].msg_len);
    SAY("%s", "");
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    close(s[0]);
    close(s[1]);
}

static void streams(void)
{
    int s[2];
    static char large[300000], back[300000];
    signal(SIGPIPE, caught);
    prepare();
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    SHOW(send_many(s[0], out, 4, 0));
    SHOW(receive_many(s[1], in, 1, 0, NULL));
    show(in, "received");
    out_vector[1] = (struct iovec){ large, sizeof large };
    SAY("a part: %ld", send_many(s[0], out, 4, MSG_DONTWAIT));
    SAY("lengths %u, some %d", out[0].msg_len, out[1].msg_len > 1000 && out[1].msg_len < 300000);
    while (recv(s[1], back, sizeof back, MSG_DONTWAIT) > 0)
        ;
    pid_t child = fork();
    if (!child) {
        long all = 0, n;
        close(s[0]);
        while ((n = read(s[1], back, sizeof back)) > 0)
            all += n;
        _exit(all == 300000 + 2 + 4 ? 7 : 1);
    }
    SHOW(send_many(s[0], out, 3, 0));
    SAY("lengths %u %u %u", out[0].msg_len, out[1].msg_len, out[2].msg_len);
    close(s[0]);
    close(s[1]);
    int status;
    waitpid(child, &status, 0);
    show_status("reader", status);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    close(s[1]);
    SHOW(send_many(s[0], out, 3, 0));
    SAY("signals %d", (int)caught_signals);
    SHOW(send_many(s[0], out, 3, MSG_NOSIGNAL));
    SAY("signals %d", (int)caught_signals);
    SHOW(receive_many(s[0], in, 3, 0, NULL));
    close(s[0]);
    caught_signals = 0;
}

/* Waits for messages that a child sends late, for the time of a timeout, and until a signal. */
static void waits(void)
{
    int s[2], status;
    prepare();
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    pid_t child = fork();
    if (!child) {
        for (int i = 0; i < 4; i++) {
            pause_ms(30);
            (void)!send(s[0], text[i], strlen(text[i]), 0);
        }
        _exit(0);
    }
    SHOW(receive_many(s[1], in, 4, 0, NULL));
    show(in, "received");
    waitpid(child, &status, 0);
    prepare();
    child = fork();
    if (!child) {
        for (int i = 0; i < 3; i++) {
            pause_ms(200);
            (void)!send(s[0], text[i], strlen(text[i]), 0);
        }
        _exit(0);
    }
    struct timespec limit = { 0, 300000000 };
    SHOW(receive_many(s[1], in, MANY, 0, &limit));
    SAY("left: %ld %ld", (long)limit.tv_sec, (long)limit.tv_nsec);
    waitpid(child, &status, 0);
    SHOW(receive_many(s[1], in, MANY, MSG_DONTWAIT, NULL));
    limit = (struct timespec){ 0, 1000000000 };
    SHOW(receive_many(s[1], in, MANY, 0, &limit));
    limit = (struct timespec){ -1, 0 };
    SHOW(receive_many(s[1], in, MANY, 0, &limit));
    SHOW(receive_many(s[1], in, MANY, 0, (void *)16));
    struct timeval short_time = { 0, 50000 };
    setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time);
    SHOW(receive_many(s[1], in, MANY, 0, NULL));
    (void)!send(s[0], "x", 1, 0);
    prepare();
    SHOW(receive_many(s[1], in, MANY, 0, NULL));
    show(in, "received");
    close(s[0]);
    close(s[1]);
}

static void signals(void)
{
    int s[2], status;
    struct sigaction a = { .sa_handler = caught };
    static char large[400000];
    sigaction(SIGUSR1, &a, NULL);
    prepare();
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    pid_t child = fork();
    if (!child) {
        (void)!send(s[0], "one", 3, 0);
        pause_ms(100);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    SHOW(receive_many(s[1], in, MANY, 0, NULL));
    show(in, "received");
    SAY("signals %d", (int)caught_signals);
    waitpid(child, &status, 0);
    close(s[0]);
    close(s[1]);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s); /* Linux tells the first one's error once more */
    child = fork();
    if (!child) {
        pause_ms(100);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    SHOW(receive_many(s[1], in, MANY, 0, NULL));
    waitpid(child, &status, 0);
    close(s[0]);
    close(s[1]);
    prepare();
    out_vector[1] = (struct iovec){ large, sizeof large };
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    child = fork();
    if (!child) {
        pause_ms(100);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    SHOW(send_many(s[0], out, 4, 0));
    SAY("lengths %u, some %d, %u", out[0].msg_len,
        out[1].msg_len > 1000 && out[1].msg_len < sizeof large, out[2].msg_len);
    long all = 0, n;
    while ((n = recv(s[1], large, sizeof large, MSG_DONTWAIT)) > 0)
        all += n;
    SAY("all of it: %d", all == (long)out[1].msg_len + 2);
    waitpid(child, &status, 0);
    SAY("signals %d", (int)caught_signals);
    close(s[0]);
    close(s[1]);
}

/* Descriptors and names go along. */
static void beside(void)
{
    int s[2], p[2];
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS } },
      got[2];
    struct sockaddr_un name = { AF_UNIX, "" }, from[2];
    prepare();
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    strcpy(name.sun_path + 1, "messages-test");
    SHOW(bind(s[0], (void *)&name, 16));
    (void)!pipe(p);
    memcpy(CMSG_DATA(&control.head), &p[1], sizeof(int));
    out[1].msg_hdr.msg_control = &control;
    out[1].msg_hdr.msg_controllen = sizeof control;
    for (int i = 0; i < 2; i++) {
        in[i].msg_hdr.msg_control = &got[i];
        in[i].msg_hdr.msg_controllen = sizeof got[i];
        in[i].msg_hdr.msg_name = &from[i];
        in[i].msg_hdr.msg_namelen = sizeof from[i];
    }
    SHOW(send_many(s[0], out, 2, 0));
    SHOW(receive_many(s[1], in, 2, 0, NULL));
    show(in, "received");
    SAY("control %lu %lu, names %u %u", (unsigned long)in[0].msg_hdr.msg_controllen,
        (unsigned long)in[1].msg_hdr.msg_controllen, in[0].msg_hdr.msg_namelen,
        in[1].msg_hdr.msg_namelen);
    int fd;
    memcpy(&fd, CMSG_DATA(&got[1].head), sizeof fd);
    SHOW(write(fd, "y", 1));
    SHOW(read(p[0], room[0], 4));
    close(s[0]);
    close(s[1]);
}

int main(void)
{
    datagrams();
    errors_between();
    end_of_memory();
    new_pages();
    streams();
    waits();
    signals();
    beside();
    return 0;
}
