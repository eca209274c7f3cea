/* ioctls of /dev/random and /dev/urandom. Root's are tried by nobody, and by root only where they
 * change nothing that could be seen. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/ioctl.h>

/* linux/random.h */
#define RNDGETENTCNT   _IOR('R', 0, int)
#define RNDADDTOENTCNT _IOW('R', 1, int)
#define RNDGETPOOL     _IOR('R', 2, int[2])
#define RNDADDENTROPY  _IOW('R', 3, int[2])
#define RNDZAPENTCNT   _IO('R', 4)
#define RNDCLEARPOOL   _IO('R', 6)
#define RNDRESEEDCRNG  _IO('R', 7)

enum { NOBODY = 65534 };

static void look(const char *name)
{
    int fd = open(name, O_RDONLY), bits = -1;
    SAY("%s", name);
    SHOW(ioctl(fd, RNDGETENTCNT, &bits));
    SAY("%d bits", bits);
    SHOW(ioctl(fd, RNDGETENTCNT, NULL));
    SHOW(ioctl(fd, RNDGETPOOL, &bits));
    SHOW(ioctl(fd, _IO('R', 99), &bits));
    SHOW(ioctl(fd, 0x5401, NULL));
    close(fd);
}

/* What adds bytes, or says how good others were. */
static void change(const char *name)
{
    struct {
        int bits, size;
        char bytes[16];
    } more = { 0, 16, "0123456789abcdef" };
    int fd = open(name, O_RDWR), bits = 0;
    SHOW(ioctl(fd, RNDADDTOENTCNT, &bits));
    SHOW(ioctl(fd, RNDADDENTROPY, &more));
    more.size = -1;
    SHOW(ioctl(fd, RNDADDENTROPY, &more));
    more.bits = bits = -1;
    SHOW(ioctl(fd, RNDADDENTROPY, &more));
    SHOW(ioctl(fd, RNDADDTOENTCNT, &bits));
    SHOW(ioctl(fd, RNDADDTOENTCNT, NULL));
    SHOW(ioctl(fd, RNDZAPENTCNT, NULL));
    SHOW(ioctl(fd, RNDCLEARPOOL, NULL));
    SHOW(ioctl(fd, RNDRESEEDCRNG, NULL));
    close(fd);
}

int main(void)
{
    int bits, fd = open("/dev/zero", O_RDONLY);
    look("/dev/random");
    look("/dev/urandom");
    SHOW(ioctl(fd, RNDGETENTCNT, &bits));
    change("/dev/urandom");
    SHOW(setgid(NOBODY) || setuid(NOBODY));
    change("/dev/random");
    look("/dev/urandom");
    return 0;
}
