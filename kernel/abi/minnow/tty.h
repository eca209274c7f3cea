/* Terminals: structures and numbers of Linux (asm-generic/termbits.h, ioctls.h). */
#ifndef MINNOW_TTY_H
#define MINNOW_TTY_H

#include <stdint.h>

enum { NCCS = 19 };

/* The kernel's termios, as TCGETS moves it: 36 bytes. musl's is larger; only these are transferred.
 */
struct termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line;
    uint8_t cc[NCCS];
};
_Static_assert(sizeof(struct termios) == 36, "struct termios is Linux's");

/* The same as TCGETA moves it: the lower halves of the modes, and the first characters. */
enum { NCC = 8 };
struct termio {
    uint16_t iflag, oflag, cflag, lflag;
    uint8_t line;
    uint8_t cc[NCC];
};
_Static_assert(sizeof(struct termio) == 18, "struct termio is Linux's");

struct winsize {
    uint16_t rows, cols, xpixel, ypixel;
};

enum {
    VINTR,
    VQUIT,
    VERASE,
    VKILL,
    VEOF,
    VTIME,
    VMIN,
    VSWTC,
    VSTART,
    VSTOP,
    VSUSP,
    VEOL,
    VREPRINT,
    VDISCARD,
    VWERASE,
    VLNEXT,
    VEOL2
};
enum {
    IGNBRK = 1,
    BRKINT = 2,
    IGNPAR = 4,
    PARMRK = 010,
    INPCK = 020,
    ISTRIP = 040,
    INLCR = 0100,
    IGNCR = 0200,
    ICRNL = 0400,
    IUCLC = 01000,
    IXON = 02000,
    IXANY = 04000,
    IXOFF = 010000,
    IMAXBEL = 020000,
    IUTF8 = 040000
};
enum {
    OPOST = 1,
    OLCUC = 2,
    ONLCR = 4,
    OCRNL = 010,
    ONOCR = 020,
    ONLRET = 040,
    TABDLY = 014000,
    XTABS = 014000
};
enum {
    CS8 = 060,
    CSTOPB = 0100,
    CREAD = 0200,
    HUPCL = 02000,
    CLOCAL = 04000,
    B38400 = 017,
    B115200 = 010002
};
enum {
    ISIG = 1,
    ICANON = 2,
    ECHO = 010,
    ECHOE = 020,
    ECHOK = 040,
    ECHONL = 0100,
    NOFLSH = 0200,
    TOSTOP = 0400,
    ECHOCTL = 01000,
    ECHOPRT = 02000,
    ECHOKE = 04000,
    IEXTEN = 0100000
};

enum {
    TCGETS = 0x5401,
    TCSETS,
    TCSETSW,
    TCSETSF,
    TCGETA,
    TCSETA,
    TCSETAW,
    TCSETAF,
    TCSBRK,
    TCXONC,
    TCFLSH,
    TIOCEXCL,
    TIOCNXCL,
    TIOCSCTTY,
    TIOCGPGRP,
    TIOCSPGRP,
    TIOCOUTQ,
    TIOCSTI,
    TIOCGWINSZ,
    TIOCSWINSZ,
    TIOCMGET,
    FIONREAD = 0x541B,
    FIONBIO = 0x5421,
    TIOCNOTTY = 0x5422,
    TIOCGSID = 0x5429,
    TCSBRKP = 0x5425,
    TIOCPKT = 0x5420,
    TIOCGPTN = 0x80045430,
    TIOCSPTLCK = 0x40045431,
    TIOCSIG = 0x40045436,
    TIOCGPKT = 0x80045438,
    TIOCGPTLCK = 0x80045439,
    TIOCGPTPEER = 0x5441,
};
/* what the master of a pseudo terminal is told of in packet mode; 0: bytes follow */
enum {
    TIOCPKT_FLUSHREAD = 1,
    TIOCPKT_FLUSHWRITE = 2,
    TIOCPKT_STOP = 4,
    TIOCPKT_START = 8,
    TIOCPKT_NOSTOP = 16,
    TIOCPKT_DOSTOP = 32
};
enum { TCOOFF, TCOON, TCIOFF, TCION };
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };

#endif
