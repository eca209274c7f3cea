/* Pseudo terminals: a master made by opening /dev/ptmx, its slave in /dev/pts, and what passes
 * between them. */
#define _GNU_SOURCE
#include "oracle.h"

#include <pty.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

enum { ALL = POLLIN | POLLOUT | POLLPRI };

static int master, slave;
static char name[64];

static void look(const char *what, int fd)
{
    struct pollfd p = { fd, ALL, 0 };
    int n = poll(&p, 1, 0);
    SAY("%s: %d %x", what, n, (unsigned)p.revents);
}

/* Prints what reads get until there are `size` bytes, an error or the end; control characters
 * visibly. Linux passes an echo on in the background, as many bytes at once as it happens to. */
static void take_bytes(const char *what, int fd, ssize_t size)
{
    char bytes[256];
    ssize_t n, got = 0;
    do {
        n = read(fd, bytes + got, sizeof bytes - got);
        if (n > 0)
            got += n;
    } while (n > 0 && got < size);
    int error = errno;
    printf("%s: %zd", what, got ? got : n);
    if (n < 0)
        printf(" %s", error_name(error));
    for (ssize_t i = 0; i < got; i++)
        printf(bytes[i] >= ' ' && bytes[i] < 127 ? " %c" : " %02x", (unsigned char)bytes[i]);
    SAY("%s", "");
}

/* The same of one read. */
static void take(const char *what, int fd) { take_bytes(what, fd, 1); }

static void put(int fd, const char *text)
{
    SHOW(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* Makes a pair; the slave is open, and nobody's controlling terminal. */
static void pair(void)
{
    master = posix_openpt(O_RDWR | O_NOCTTY);
    unlockpt(master);
    ptsname_r(master, name, sizeof name);
    slave = open(name, O_RDWR | O_NOCTTY);
}

static void unpair(void) { close(slave), close(master); }

static void set_raw(int fd, int min, int time)
{
    struct termios t;
    tcgetattr(fd, &t);
    cfmakeraw(&t);
    t.c_cc[VMIN] = min;
    t.c_cc[VTIME] = time;
    SHOW(tcsetattr(fd, TCSANOW, &t));
}

static void names(void)
{
    int number = -1, lock = -1, m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    struct stat s, f;
    SHOW(m >= 0);
    SHOW(ioctl(m, TIOCGPTN, &number));
    SHOW(ioctl(m, TIOCGPTN, NULL));
    SHOW(ioctl(m, TIOCGPTLCK, &lock));
    SAY("locked %d, number %d", lock, number >= 0);
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    SHOW(open(name, O_RDWR | O_NOCTTY));
    SHOW(ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    SHOW(grantpt(m));
    SHOW(unlockpt(m));
    SHOW(ioctl(m, TIOCGPTLCK, &lock));
    SAY("locked %d", lock);
    SAY("name %d", strcmp(ptsname(m), name) == 0);
    SHOW(stat(name, &s));
    SAY("mode %o owner %d links %d major %d minor %d ino %d size %d", s.st_mode & ~077,
        s.st_uid == geteuid(), (int)s.st_nlink, (int)(s.st_rdev >> 8),
        (int)(s.st_rdev & 255) == number, (int)s.st_ino - number, (int)s.st_size);
    int p = open(name, O_RDWR | O_NOCTTY);
    SHOW(fstat(p, &f));
    SAY("same %d, tty %d", f.st_ino == s.st_ino && f.st_dev == s.st_dev, isatty(p));
    SAY("ttyname %d", ttyname(p) && strcmp(ttyname(p), name) == 0);
    SHOW(isatty(m));
    SHOW(fchmod(p, 0600));
    SHOW(stat(name, &s));
    SAY("mode %o", s.st_mode);
    SHOW(chmod(name, 0640));
    SHOW(fstat(p, &f));
    SAY("mode %o", f.st_mode);
    SHOW(chown(name, 12, 34));
    SHOW(fstat(p, &f));
    SAY("owner %d %d", f.st_uid, f.st_gid);
    SHOW(fstat(m, &f));
    SAY("master: type %o rdev %x", f.st_mode & S_IFMT, (unsigned)f.st_rdev);
    SHOW(lseek(m, 0, SEEK_SET));
    SHOW(lseek(p, 0, SEEK_CUR));
    SHOW(ftruncate(m, 0));
    SHOW(ioctl(p, TIOCGPTN, &number));
    SHOW(ioctl(p, TIOCSPTLCK, &lock));
    SHOW(ioctl(p, TIOCGPTPEER, O_RDWR));
    int peer = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    SHOW(fstat(peer, &f));
    SAY("peer %d", f.st_ino == s.st_ino);
    SHOW(fcntl(peer, F_GETFD));
    SHOW(unlink(name));
    SHOW(mkdir("/dev/pts/x", 0700));
    SHOW(open("/dev/pts/x", O_CREAT | O_RDWR, 0600));
    SHOW(open("/dev/pts/9999", O_RDWR));
    SHOW(stat("/dev/pts", &s));
    SAY("directory %o", s.st_mode);
    close(m);
    SHOW(stat(name, &s));
    SHOW(open(name, O_RDWR | O_NOCTTY));
    SHOW(fstat(p, &f));
    close(p);
    close(peer);
}

static void lines(void)
{
    int n = -1;
    pair();
    look("master, nothing", master);
    look("slave, nothing", slave);
    put(master, "hello");
    take_bytes("echo", master, 5);
    look("slave, half a line", slave);
    SHOW(ioctl(slave, FIONREAD, &n));
    SAY("readable %d", n);
    put(master, "\177\177p!\n");
    look("slave, a line", slave);
    SHOW(ioctl(slave, FIONREAD, &n));
    SAY("readable %d", n);
    take_bytes("erased", master, 10);
    take("line", slave);
    put(slave, "a\nb");
    look("master, output", master);
    SHOW(ioctl(master, FIONREAD, &n));
    SAY("readable %d", n);
    SHOW(ioctl(slave, TIOCOUTQ, &n));
    SAY("waits %d", n);
    SHOW(tcdrain(slave));
    take("output", master);
    put(master, "ab\004\004");
    take("no newline", slave);
    take("end", slave);
    put(master, "x\026\003y\n");
    take("literal", slave);
    take_bytes("its echo", master, 10);
    put(slave, "lost");
    SHOW(tcflush(slave, TCOFLUSH)); /* on Linux some of it may have passed already */
    put(master, "lost\n");
    look("a line to be lost", slave);
    SHOW(tcflush(slave, TCIFLUSH));
    look("flushed", slave);
    for (char last = 0; last != '\n';) /* the echo ends, and perhaps "lost" has passed before it */
        if (read(master, &last, 1) != 1)
            return;
    put(slave, "lost");
    look("to be flushed", master);
    SHOW(tcflush(master, TCIOFLUSH));
    look("flushed", master);
    SHOW(ioctl(slave, TCFLSH, 9));
    unpair();
}

static void raw(void)
{
    struct termios a, b;
    int n = 0;
    pair();
    SHOW(tcgetattr(master, &a));
    SHOW(tcgetattr(slave, &b));
    SAY("the same %d", a.c_iflag == b.c_iflag && a.c_lflag == b.c_lflag && a.c_oflag == b.c_oflag);
    SAY("fresh %x %x %x %x", b.c_iflag & ~IUTF8, b.c_oflag, b.c_cflag & ~CBAUD, b.c_lflag);
    set_raw(slave, 1, 0);
    put(master, "a\r\003");
    take("raw", slave);
    put(slave, "b\n");
    take("raw", master);
    set_raw(master, 4, 0); /* the slave's */
    put(master, "abc");
    look("three of four", slave);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    take("not waiting", slave);
    take("nothing", slave);
    fcntl(slave, F_SETFL, 0);
    set_raw(slave, 0, 1);
    take("time is over", slave);
    set_raw(slave, 0, 0);
    take("at once", slave);
    fcntl(master, F_SETFL, O_NONBLOCK);
    take("nothing", master);
    SHOW(read(master, &n, 0));
    SHOW(read(master, NULL, 4));
    SHOW(write(master, NULL, 4));
    SHOW(write(slave, NULL, 4));
    SHOW(tcflow(slave, TCOOFF));
    SHOW(tcflow(slave, TCOON));
    put(slave, "goes");
    take("goes", master);
    unpair();
}

/* The modes as System V had them (asm-generic/termios.h). */
enum { NCC = 8 };
struct termio {
    unsigned short c_iflag, c_oflag, c_cflag, c_lflag;
    unsigned char c_line, c_cc[NCC];
};
static void termio(void)
{
    struct termio a, b;
    struct termios c;
    pair();
    SHOW(ioctl(slave, TCGETA, &a));
    SAY("%x %x %x %x %d", a.c_iflag & ~IUTF8, a.c_oflag, a.c_cflag & ~CBAUD, a.c_lflag, a.c_line);
    for (int i = 0; i < NCC; i++)
        SAY("character %d: %d", i, a.c_cc[i]);
    b = a;
    b.c_iflag = BRKINT | IGNPAR | IXON;
    b.c_oflag = OPOST | ONLCR;
    b.c_lflag = ISIG | ECHO | NOFLSH;
    memset(b.c_cc, 'x', sizeof b.c_cc);
    SHOW(ioctl(master, TCSETA, &b));
    SHOW(tcgetattr(slave, &c));
    SAY("%x %x %x, %d %d", c.c_iflag, c.c_oflag, c.c_lflag, c.c_cc[VINTR], c.c_cc[VMIN]);
    SAY("kept: %d %d", c.c_cc[VSTOP], c.c_cc[VLNEXT]);
    put(master, "lost");
    SHOW(ioctl(slave, TCSETAF, &a));
    look("flushed", slave);
    SHOW(ioctl(slave, TCSETAW, &a));
    SHOW(ioctl(slave, TCGETA, &b));
    SAY("as before: %d", !memcmp(&a, &b, sizeof a));
    SHOW(ioctl(slave, TCGETA, NULL));
    SHOW(ioctl(slave, TCSETA, NULL));
    SHOW(ioctl(open("/dev/null", O_RDWR), TCGETA, &a));
    unpair();
}

/* Much in both directions: neither side loses anything. */
static void much(void)
{
    enum { BYTES = 100000 };
    static char bytes[BYTES];
    pair();
    set_raw(slave, 1, 0);
    for (int way = 0; way < 2; way++) {
        int from = way ? master : slave, to = way ? slave : master;
        pid_t pid = fork();
        if (!pid) {
            for (int i = 0; i < BYTES; i++)
                bytes[i] = i * 7 + i / 256;
            _exit(write(from, bytes, BYTES) != BYTES);
        }
        int wrong = 0, got = 0;
        while (got < BYTES) {
            ssize_t n = read(to, bytes + got, BYTES - got);
            if (n <= 0)
                break;
            for (ssize_t i = 0; i < n; i++, got++)
                wrong += bytes[got] != (char)(got * 7 + got / 256);
        }
        int status;
        waitpid(pid, &status, 0);
        SAY("got %d, wrong %d, status %d", got, wrong, status);
    }
    unpair();
}

static void hang_ups(void)
{
    struct winsize w;
    char c;
    pair();
    put(slave, "last");
    close(slave);
    look("slave closed, output", master);
    take("last", master);
    look("slave closed", master);
    take("closed", master);
    slave = open(name, O_RDWR | O_NOCTTY);
    look("opened again", master);
    fcntl(master, F_SETFL, O_NONBLOCK);
    take("opened again", master);
    put(master, "unread\n");
    close(master);
    look("master closed", slave);
    take("master closed", slave);
    SHOW(write(slave, "x", 1));
    SHOW(write(slave, "x", 0));
    SHOW(ioctl(slave, TIOCGWINSZ, &w));
    SHOW(isatty(slave));
    close(slave);
    pair();
    int other = slave, before = master;
    pid_t pid = fork();
    if (!pid) {
        close(before);
        ssize_t n = read(other, &c, 1);
        SAY("waited for %zd %s", n, n < 0 ? error_name(errno) : "");
        _exit(0);
    }
    usleep(100000);
    close(before);
    waitpid(pid, NULL, 0);
    close(other);
    pair();
    pid = fork();
    if (!pid) {
        close(slave);
        ssize_t n = read(master, &c, 1);
        SAY("waited for %zd %s", n, n < 0 ? error_name(errno) : "");
        _exit(0);
    }
    usleep(100000);
    close(slave);
    waitpid(pid, NULL, 0);
    close(master);
}

static void sizes(void)
{
    struct winsize w = { 1, 2, 3, 4 };
    pair();
    SHOW(ioctl(slave, TIOCGWINSZ, &w));
    SAY("%d %d %d %d", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
    w = (struct winsize){ 11, 22, 33, 44 };
    SHOW(ioctl(master, TIOCSWINSZ, &w));
    w = (struct winsize){ 0 };
    SHOW(ioctl(slave, TIOCGWINSZ, &w));
    SAY("%d %d %d %d", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
    w.ws_row = 99;
    SHOW(ioctl(slave, TIOCSWINSZ, &w));
    SHOW(ioctl(master, TIOCGWINSZ, &w));
    SAY("%d", w.ws_row);
    SHOW(ioctl(master, TIOCGWINSZ, NULL));
    unpair();
}

static void packets(void)
{
    int on = 1, n = -1;
    pair();
    SHOW(ioctl(master, TIOCGPKT, &n));
    SAY("packet mode %d", n);
    SHOW(ioctl(master, TIOCPKT, &on));
    SHOW(ioctl(slave, TIOCPKT, &on));
    SHOW(ioctl(master, TIOCGPKT, &n));
    SAY("packet mode %d", n);
    put(slave, "data");
    take("data", master);
    SHOW(tcflush(slave, TCIFLUSH));
    look("flushed", master);
    take("flushed", master);
    SHOW(tcflush(slave, TCOFLUSH));
    take("flushed", master);
    SHOW(tcflow(slave, TCOOFF));
    take("stopped", master);
    SHOW(tcflow(slave, TCOON));
    take("started", master);
    set_raw(slave, 1, 0);
    look("raw", master);
    take("raw", master);
    put(master, "back");
    take("back", slave);
    unpair();
}

static volatile sig_atomic_t caught[65];
static void catch (int sig) { caught[sig]++; }

/* Waits until the signal has come, for ten seconds at most. */
static void await(int sig)
{
    for (int i = 0; i < 10000 && !caught[sig]; i++)
        usleep(1000);
}

static void show_caught(const char *what)
{
    printf("%s:", what);
    for (int i = 1; i < 65; i++)
        if (caught[i]) {
            printf(" %d", i);
            caught[i] = 0;
        }
    SAY("%s", "");
}

/* In a child that leads a session: the slave is its controlling terminal. */
static void session(int with_login)
{
    static const int signals[] = { SIGINT, SIGQUIT, SIGTSTP, SIGHUP, SIGCONT, SIGWINCH };
    struct winsize w = { 5, 6, 0, 0 };
    char c;
    int n;
    SHOW(setsid() == getpid());
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(ioctl(slave, TIOCGSID, &n));
    SHOW(tcgetpgrp(slave));
    SHOW(tcgetpgrp(master));
    if (with_login) {
        SHOW(ioctl(slave, TIOCSCTTY, 0));
    } else {
        int again = open(name, O_RDWR);
        SHOW(again >= 0);
        close(again);
    }
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], catch);
    int tty = open("/dev/tty", O_RDWR);
    SHOW(tty >= 0);
    SHOW(tcgetpgrp(slave) == getpid());
    SHOW(tcgetpgrp(master) == getpid());
    SHOW(tcgetsid(slave) == getpid());
    SHOW(ioctl(master, TIOCSPGRP, &(int){ 999999 }));
    SHOW(write(master, "\003", 1));
    await(SIGINT);
    show_caught("^C");
    take_bytes("echo", master, 2);
    SHOW(write(master, "\034", 1));
    await(SIGQUIT);
    show_caught("^\\");
    take_bytes("echo", master, 2);
    SHOW(write(master, "\032", 1));
    await(SIGTSTP);
    show_caught("^Z");
    take_bytes("echo", master, 2);
    SHOW(ioctl(master, TIOCSWINSZ, &w));
    await(SIGWINCH);
    show_caught("size");
    SHOW(ioctl(master, TIOCSWINSZ, &w));
    usleep(50000);
    show_caught("same size");
    SHOW(ioctl(master, TIOCSIG, SIGINT));
    await(SIGINT);
    show_caught("TIOCSIG");
    SHOW(ioctl(master, TIOCSIG, SIGKILL));
    SHOW(ioctl(slave, TIOCSIG, SIGINT));
    SHOW(write(tty, "tty", 3));
    take("by /dev/tty", master);
    SHOW(ioctl(slave, TIOCSTI, "q"));
    SHOW(ioctl(slave, TIOCSTI, "\n"));
    take("typed", slave);
    take_bytes("its echo", master, 3);
    int has_read[2], goes_on[2];
    if (pipe(has_read) || pipe(goes_on))
        _exit(1);
    pid_t pid = fork();
    if (!pid) {
        setpgid(0, 0);
        for (int i = 0; i < 2; i++) {
            signal(SIGTTIN, i ? SIG_IGN : SIG_DFL);
            SHOW(read(slave, &c, 1));
            if (!i && (write(has_read[1], "", 1) != 1 || read(goes_on[0], &c, 1) != 1))
                _exit(1);
        }
        SHOW(write(slave, "background", 10));
        _exit(3);
    }
    int status;
    SHOW(waitpid(pid, &status, WUNTRACED) == pid);
    SAY("stopped %d by %d", WIFSTOPPED(status), WSTOPSIG(status));
    signal(SIGTTOU, SIG_IGN);
    SHOW(tcsetpgrp(slave, pid));
    put(master, "foreground\n");
    kill(pid, SIGCONT);
    if (read(has_read[0], &c, 1) != 1)
        _exit(1);
    SHOW(tcsetpgrp(slave, getpgrp()));
    if (write(goes_on[1], "", 1) != 1)
        _exit(1);
    SHOW(waitpid(pid, &status, 0) == pid);
    SAY("status %x", status);
    show_caught("before the hang-up");
    close(tty);
    tcflush(master, TCIOFLUSH);
    if (with_login) {
        SHOW(ioctl(slave, TIOCNOTTY));
        show_caught("TIOCNOTTY");
        SHOW(open("/dev/tty", O_RDWR));
        SHOW(ioctl(slave, TIOCSTI, "q"));
        _exit(0);
    }
    close(master);
    await(SIGHUP), await(SIGCONT);
    show_caught("master closed");
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(tcgetpgrp(slave));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    take("slave", slave);
    _exit(0);
}

static void sessions(void)
{
    for (int with_login = 0; with_login < 2; with_login++) {
        int status;
        pair();
        pid_t pid = fork();
        if (!pid)
            session(with_login);
        if (!with_login)
            unpair();
        waitpid(pid, &status, 0);
        show_status("session", status);
        if (with_login)
            unpair();
    }
}

static void wakes(void)
{
    struct epoll_event e = { EPOLLIN, { .fd = 0 } };
    pair();
    set_raw(slave, 1, 0);
    int set = epoll_create1(0);
    e.data.fd = 1;
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, master, &e));
    e.data.fd = 2;
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, slave, &e));
    SHOW(epoll_wait(set, &e, 1, 0));
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (!pid) {
            usleep(50000);
            _exit(write(i ? master : slave, "x", 1) != 1);
        }
        SHOW(epoll_wait(set, &e, 1, 60000));
        SAY("ready %d %x", e.data.fd, e.events);
        take("woken", i ? slave : master);
        waitpid(pid, NULL, 0);
    }
    pid_t pid = fork();
    if (!pid) {
        usleep(50000);
        _exit(0);
    }
    close(slave);
    SHOW(epoll_wait(set, &e, 1, 60000));
    SAY("ready %d %x", e.data.fd, e.events);
    waitpid(pid, NULL, 0);
    close(set);
    close(master);
}

static void library(void)
{
    struct winsize w = { 7, 8, 0, 0 };
    int m, s, status;
    SHOW(openpty(&m, &s, name, NULL, &w));
    SAY("name %d", strncmp(name, "/dev/pts/", 9));
    close(m), close(s);
    pid_t pid = forkpty(&m, NULL, NULL, &w);
    if (!pid) {
        printf("size %d", ioctl(0, TIOCGWINSZ, &w) == 0 ? w.ws_row * 10 + w.ws_col : -1);
        printf(" leader %d foreground %d\n", getsid(0) == getpid(), tcgetpgrp(0) == getpid());
        fflush(stdout);
        scanf("%d", &s);
        _exit(s);
    }
    take_bytes("forkpty", m, 31);
    put(m, "42\n");
    SHOW(waitpid(pid, &status, 0) == pid);
    show_status("child", status);
    take_bytes("echo", m, 4);
    take("closed", m);
    close(m);
}

int main(void)
{
    names();
    lines();
    raw();
    termio();
    much();
    hang_ups();
    sizes();
    packets();
    sessions();
    wakes();
    library();
    return 0;
}
