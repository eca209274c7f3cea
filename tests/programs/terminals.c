/* Controlling terminals that several sessions get at the same time, while the terminals' driver is
 * at work for somebody else: each session has its own. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sys/ioctl.h>
#include <termios.h>

enum { SESSIONS = 4, KILLS = 8 << 20, KILL = 21 };

struct pair {
    int master, slave;
};

static struct pair pair_open(void)
{
    struct pair p = { .master = posix_openpt(O_RDWR | O_NOCTTY) };
    struct termios modes;
    unlockpt(p.master);
    p.slave = open(ptsname(p.master), O_RDWR | O_NOCTTY);
    tcgetattr(p.slave, &modes);
    modes.c_lflag &= ~(ECHO | ECHOK | ECHOE);
    tcsetattr(p.slave, TCSANOW, &modes);
    return p;
}

/* Types a character that takes an empty line away, millions of times; or, on Linux, as often as it
 * takes. */
static void type_away(const struct pair *p)
{
    static char kills[KILLS];
    memset(kills, KILL, sizeof kills);
    for (size_t done = 0; done < sizeof kills;) {
        ssize_t n = write(p->master, kills + done, sizeof kills - done);
        if (n <= 0)
            _exit(1);
        done += n;
    }
    _exit(0);
}

/* Whether a new session has got the terminal. */
static int has_terminal(const struct pair *p)
{
    setsid();
    if (ioctl(p->slave, TIOCSCTTY, 0))
        return 0;
    pause_ms(500); /* the others have got theirs */
    int own = open("/dev/tty", O_RDWR),
        there = own >= 0 && tcgetsid(p->slave) == getpid() && tcgetpgrp(p->slave) == getpid();
    struct winsize size = { .ws_row = getpid() % 1000 + 1 }, seen = { 0 };
    ioctl(own, TIOCSWINSZ, &size);
    ioctl(p->slave, TIOCGWINSZ, &seen);
    return there && seen.ws_row == size.ws_row;
}

int main(void)
{
    struct pair busy = pair_open(), pairs[SESSIONS];
    pid_t session[SESSIONS];
    int status, have = 0;
    signal(SIGHUP, SIG_IGN);
    for (int i = 0; i < SESSIONS; i++)
        pairs[i] = pair_open();
    pid_t typist = fork();
    if (!typist)
        type_away(&busy);
    pause_ms(50);
    for (int i = 0; i < SESSIONS; i++)
        if (!(session[i] = fork()))
            _exit(has_terminal(&pairs[i]));
    for (int i = 0; i < SESSIONS; i++) {
        waitpid(session[i], &status, 0);
        have += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    kill(typist, SIGKILL);
    SAY("sessions with their terminal: %d of %d", have, SESSIONS);
    return 0;
}
