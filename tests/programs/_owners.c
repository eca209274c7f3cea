/* Files on a disk become root's while their owner makes them set-user-id: at no moment may a file
 * be both. Says how many are. What the changes have to read must be on the disk alone, so that they
 * last: the working directory is to be on a disk whose cache, like the memory, is small. */
#include "oracle.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* FILES: more than a file server keeps; of EACH the last has its inode in a block of its own */
enum { FILES = 1000, EACH = 25, OWNER = 9, MODE = 06755, LARGE_MIB = 10 };

/* how many files who begins has begun, and each of both, root and the owner, has done */
static volatile struct {
    unsigned begun, done[2];
} * shared;

static const char *name(unsigned i)
{
    static char text[16];
    snprintf(text, sizeof text, "o%u", i);
    return text;
}

static void create(unsigned i) { close(open(name(i), O_CREAT | O_RDWR, 0755)); }

/* In every second file root begins, then the owner. */
static void change(bool owner)
{
    for (unsigned i = 0; i < FILES / EACH; i++) {
        if (owner == i % 2)
            shared->begun = i + 1;
        while (shared->begun <= i)
            ;
        if (owner)
            chmod(name(i * EACH), MODE);
        else
            chown(name(i * EACH), 0, 0);
        shared->done[owner] = i + 1;
        while (shared->done[!owner] <= i)
            ;
    }
}

static void cool(void)
{
    static char mib[1 << 20];
    struct stat s;
    for (unsigned i = 0; i < FILES; i++)
        create(i);
    for (unsigned i = 0; i < FILES; i += EACH)
        chown(name(i), OWNER, OWNER);
    for (unsigned i = 0; i < FILES; i++)
        if (i % EACH)
            stat(name(i), &s);
    int large = open("large", O_CREAT | O_RDWR, 0600);
    for (unsigned i = 0; i < LARGE_MIB; i++)
        write(large, mib, sizeof mib);
    sync();
}

int main(void)
{
    unsigned both = 0;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cool();
    if (!fork()) {
        setgid(OWNER), setuid(OWNER);
        change(true);
        _exit(0);
    }
    change(false);
    wait(NULL);
    for (unsigned i = 0; i < FILES; i += EACH) {
        struct stat s;
        stat(name(i), &s);
        both += !s.st_uid && s.st_mode & (S_ISUID | S_ISGID);
    }
    SAY("set-id and root's: %u", both);
    return both != 0;
}
