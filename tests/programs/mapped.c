/* Mapped files against read, write and truncation: a long random sequence on each file system,
 * checked byte by byte against a model, in two processes, through shared and private mappings.
 * Behind the end of the file is SIGBUS. */
#define _GNU_SOURCE
#include "oracle.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>

enum { PAGE = 4096, PAGES = 24, SPACE = PAGES * PAGE, STEPS = 1000, FAT = 0x4d44 };

/* Seen by both processes. */
static struct model {
    uint32_t size;
    unsigned char bytes[SPACE]; /* zero from size on */
} * model;

/* Each process' own. */
static struct view {
    unsigned char *shared, *private;
    unsigned char copy[PAGES][PAGE]; /* what the private pages hold that have been written */
    char copied[PAGES];
} view;

static const char *path;
static int wrong, fd;
static uint32_t seed;

static uint32_t pick(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return below ? (seed >> 8) % below : 0;
}

static void check(int good, const char *what, long at)
{
    if (!good && wrong++ < 10)
        SAY("wrong: %s at %ld, size %u", what, at, model->size);
}

static uint32_t pages_of(uint32_t size) { return (size + PAGE - 1) / PAGE; }

/* ---- SIGBUS ---- */

static sigjmp_buf back;
static volatile sig_atomic_t expecting;
static void *volatile fault_at;
static volatile int fault_code;

static void on_bus(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (!expecting)
        _exit(100 + sig);
    fault_at = info->si_addr;
    fault_code = info->si_code;
    siglongjmp(back, 1);
}

/* Touches a byte. 1: it is there; 0: SIGBUS, as it should be; -1: SIGBUS with wrong information. */
static int touch(volatile unsigned char *at, int write)
{
    int result = 1;
    expecting = 1;
    if (sigsetjmp(back, 1))
        result = fault_at == at && fault_code == BUS_ADRERR ? 0 : -1;
    else if (write)
        *at = 1;
    else
        (void)*at;
    expecting = 0;
    return result;
}

/* ---- one process' view ---- */

static void open_view(void)
{
    view.shared = mmap(NULL, SPACE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    view.private = mmap(NULL, SPACE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    memset(view.copied, 0, sizeof view.copied);
}

static void close_view(void)
{
    munmap(view.shared, SPACE);
    munmap(view.private, SPACE);
}

static void compare_page(uint32_t page)
{
    uint32_t end = model->size - page * PAGE < PAGE ? model->size - page * PAGE : PAGE;
    const unsigned char *shared = view.shared + page * PAGE, *private = view.private + page * PAGE,
                        *true = model->bytes + page * PAGE;
    check(!memcmp(shared, true, end), "shared mapping", page * PAGE);
    if (view.copied[page])
        check(!memcmp(private, view.copy[page], end), "private copy", page * PAGE);
    else
        check(!memcmp(private, true, end), "private mapping", page * PAGE);
}

static void compare(void)
{
    uint32_t end = pages_of(model->size);
    for (uint32_t page = 0; page < end; page++)
        compare_page(page);
    if (end < PAGES) {
        uint32_t at = (end + pick(PAGES - end)) * PAGE + pick(PAGE);
        check(touch(view.shared + at, pick(2)) == 0, "SIGBUS, shared", at);
        check(touch(view.private + at, pick(2)) == 0, "SIGBUS, private", at);
    }
}

static void store_shared(void)
{
    uint32_t at = pick(model->size), n = pick(9000);
    if (!model->size)
        return;
    n = n < model->size - at ? n : model->size - at;
    for (uint32_t i = 0; i < n; i++)
        view.shared[at + i] = model->bytes[at + i] = pick(256);
}

static void store_private(void)
{
    uint32_t at = pick(model->size), page = at / PAGE;
    if (!model->size)
        return;
    if (!view.copied[page]) {
        memcpy(view.copy[page], model->bytes + page * PAGE, PAGE);
        view.copied[page] = 1;
    }
    view.private[at] = view.copy[page][at % PAGE] = pick(256);
}

/* Truncation takes private copies too. */
static void forget_behind(uint32_t size)
{
    for (uint32_t page = pages_of(size); page < PAGES; page++)
        view.copied[page] = 0;
}

/* ---- changes by calls ---- */

static void set_size(uint32_t size)
{
    if (size < model->size)
        memset(model->bytes + size, 0, model->size - size);
    model->size = size;
}

static void resize(void)
{
    uint32_t size = pick(3) ? pick(SPACE) : pick(PAGES) * PAGE;
    int how = pick(4), other;
    if (how == 0) {
        size = 0;
        other = open(path, O_RDWR | O_TRUNC);
        check(other >= 0, "open", 0);
        close(other);
    } else {
        check((how == 1 ? truncate(path, size) : ftruncate(fd, size)) == 0, "truncate", size);
    }
    set_size(size);
}

static void write_some(void)
{
    static unsigned char bytes[20000];
    uint32_t at = pick(SPACE), n = pick(sizeof bytes);
    n = n < SPACE - at ? n : SPACE - at;
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = pick(256);
    check(pwrite(fd, bytes, n, at) == (long)n, "write", at);
    memcpy(model->bytes + at, bytes, n);
    if (n && at + n > model->size)
        model->size = at + n;
}

static void read_all(void)
{
    static unsigned char bytes[SPACE + 1];
    check(pread(fd, bytes, sizeof bytes, 0) == (long)model->size, "size read", 0);
    check(!memcmp(bytes, model->bytes, model->size), "read", 0);
}

/* ---- the other process ---- */

static int command[2], answer[2];

static void other(void)
{
    char c;
    close(command[1]);
    close(answer[0]);
    open_view();
    while (read(command[0], &c, 1) == 1) {
        seed = (uint32_t)model->bytes[0] * 77 + model->size;
        switch (c) {
        case 'c': compare(); break;
        case 's': store_shared(); break;
        case 'p': store_private(); break;
        case 'm':
            close_view();
            open_view();
            break;
        case 't': forget_behind(model->size); break;
        }
        c = wrong != 0;
        write(answer[1], &c, 1);
    }
    _exit(wrong != 0);
}

static void tell(char c)
{
    char bad = 1;
    write(command[1], &c, 1);
    read(answer[0], &bad, 1);
    check(!bad, "the other process", c);
}

static void step(void)
{
    switch (pick(11)) {
    case 0:
    case 1:
        resize();
        forget_behind(model->size);
        tell('t');
        break;
    case 2:
    case 3: write_some(); break;
    case 4: store_shared(); break;
    case 5: tell('s'); break;
    case 6:
        store_private();
        tell('p');
        break;
    case 7: check(msync(view.shared, SPACE, MS_SYNC) == 0, "msync", 0); break;
    case 8: read_all(); break;
    case 9:
        if (!pick(4)) {
            close_view();
            open_view();
        }
        if (!pick(4))
            tell('m');
        break;
    case 10:
        if (!pick(4))
            check(fsync(fd) == 0, "fsync", 0);
        break;
    }
    compare();
    if (pick(2))
        tell('c');
}

static void sequence(const char *file)
{
    pid_t child;
    path = file;
    memset(model, 0, sizeof *model);
    fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    seed = 42;
    pipe(command);
    pipe(answer);
    open_view();
    if (!(child = fork()))
        other();
    uint32_t sum = 0;
    for (unsigned i = 0; i < STEPS && !wrong; i++) {
        step();
        sum = sum * 31 + model->size;
    }
    /* A mapped file that loses its name keeps its contents. */
    unlink(path);
    ftruncate(fd, 3 * PAGE + 100);
    set_size(3 * PAGE + 100);
    forget_behind(model->size);
    tell('t');
    compare();
    tell('c');
    close(fd);
    store_shared();
    compare();
    tell('c');
    for (int i = 0; i < 2; i++)
        close(command[i]);
    waitpid(child, NULL, 0);
    for (int i = 0; i < 2; i++)
        close(answer[i]);
    close_view();
    SAY("sequence: %s, %u", wrong ? "wrong" : "right", sum);
}

/* ---- times ---- */

static long changed(const struct timespec *before, const struct timespec *now)
{
    return before->tv_sec != now->tv_sec || before->tv_nsec != now->tv_nsec;
}

static void times(const char *file)
{
    struct stat a, b;
    int f = open(file, O_CREAT | O_RDWR | O_TRUNC, 0600);
    ftruncate(f, 3 * PAGE);
    fstat(f, &a);
    pause_ms(20);
    volatile char *m = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    (void)m[PAGE];
    fstat(f, &b);
    SAY("mapped and read: modified %ld", changed(&a.st_mtim, &b.st_mtim));
    m[PAGE] = 1;
    fstat(f, &b);
    SAY("written: modified %ld, changed %ld", changed(&a.st_mtim, &b.st_mtim),
        changed(&a.st_ctim, &b.st_ctim));
    a = b;
    pause_ms(20);
    m[PAGE + 1] = 1;
    fstat(f, &b);
    SAY("written again: modified %ld", changed(&a.st_mtim, &b.st_mtim));
    msync((void *)m, 3 * PAGE, MS_SYNC);
    fstat(f, &b);
    SAY("after msync: modified %ld", changed(&a.st_mtim, &b.st_mtim));
    pause_ms(20);
    m[PAGE + 2] = 1;
    fstat(f, &b);
    SAY("written after msync: modified %ld", changed(&a.st_mtim, &b.st_mtim));
    a = b;
    pause_ms(20);
    munmap((void *)m, 3 * PAGE);
    fstat(f, &b);
    SAY("unmapped: modified %ld", changed(&a.st_mtim, &b.st_mtim));
    close(f);
    unlink(file);
}

/* A call whose buffer is a mapping behind the end of its file. */
static void as_buffer(const char *file)
{
    int f = open(file, O_CREAT | O_RDWR | O_TRUNC, 0600), zero = open("/dev/zero", O_RDONLY);
    ftruncate(f, PAGE + 10);
    char *m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    SHOW(read(zero, m, 4 * PAGE));
    SHOW(read(zero, m + 2 * PAGE, 10));
    SHOW(pwrite(f, m, 4 * PAGE, 0));
    SHOW(pwrite(f, m + 3 * PAGE, 10, 0));
    SHOW(lseek(f, 0, SEEK_END));
    munmap(m, 4 * PAGE);
    close(zero);
    close(f);
    unlink(file);
}

static void all(const char *file)
{
    sequence(file);
    times(file);
    as_buffer(file);
}

int main(void)
{
    struct sigaction a = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
    struct statfs boot;
    sigaction(SIGBUS, &a, NULL);
    model = mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    all("mapped.tmp");
    all("/tmp/mapped.tmp");
    all(!statfs("/boot", &boot) && boot.f_type == FAT ? "/boot/mapped.tmp" : "mapped.tmp");
    return wrong != 0;
}
