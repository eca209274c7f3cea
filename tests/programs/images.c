/* Programs that no linker makes: segments in any order and over each other, writable code, very
 * many of them, interpreters with long paths. Each is written to a file and run, and ends with a
 * byte that it finds in its memory. */
#include "oracle.h"
#include <elf.h>

enum { PAGE = 4096, CODE = 0x10000000, HEADERS_MAX = 1200, FILE_PAGES = 24, CODE_PAGE = 20 };
enum { R = PF_R, RW = PF_R | PF_W, RX = PF_R | PF_X, RWX = PF_R | PF_W | PF_X };

static struct {
    Elf64_Ehdr h;
    Elf64_Phdr p[HEADERS_MAX];
    char rest[FILE_PAGES * PAGE - sizeof(Elf64_Ehdr) - HEADERS_MAX * sizeof(Elf64_Phdr)];
} image;

static char path[64], interpreter[8192];

/* mov %edi <- the byte at `from`, after `store` has been stored there if it is not 0; exit */
static void code(unsigned page, uint32_t from, uint8_t store)
{
    uint8_t *c = (uint8_t *)&image + page * PAGE;
    if (store) {
        /* movb $store, from */
        memcpy(c, (uint8_t[]){ 0xc6, 0x04, 0x25 }, 3), memcpy(c + 3, &from, 4), c[7] = store;
        c += 8;
    }
    /* movzbl from, %edi */
    memcpy(c, (uint8_t[]){ 0x0f, 0xb6, 0x3c, 0x25 }, 4), memcpy(c + 4, &from, 4);
    /* mov $60, %eax; syscall */
    memcpy(c + 8, (uint8_t[]){ 0xb8, 60, 0, 0, 0, 0x0f, 0x05 }, 7);
}

static void begin(uint32_t from, uint8_t store)
{
    memset(&image, 0, sizeof image);
    image.h = (Elf64_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
                            .e_type = ET_EXEC,
                            .e_machine = EM_X86_64,
                            .e_version = 1,
                            .e_entry = CODE,
                            .e_phoff = sizeof image.h,
                            .e_ehsize = sizeof image.h,
                            .e_phentsize = sizeof image.p[0] };
    for (unsigned k = 1; k < FILE_PAGES; k++)
        memset((char *)&image + k * PAGE, 100 + k, k == 1 || k > 17 ? PAGE : 0);
    code(CODE_PAGE, from, store);
}

static void add(uint32_t type, uint32_t flags, unsigned page, uint64_t address, uint64_t in_file,
                uint64_t in_memory)
{
    image.p[image.h.e_phnum++] = (Elf64_Phdr){ type,      flags, page * PAGE + address % PAGE,
                                               address,   0,     in_file,
                                               in_memory, PAGE };
}

static void save(const char *to)
{
    unlink(to);
    int file = open(to, O_CREAT | O_WRONLY, 0755);
    write(file, &image, sizeof image);
    close(file);
}

static void run(const char *what)
{
    int status;
    save(path);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        execl(path, path, NULL);
        SAY("%s: %s", what, error_name(errno));
        _exit(99);
    }
    waitpid(pid, &status, 0);
    show_status(what, status);
}

static void orders(void)
{
    begin(CODE + 0x5000, 0);
    add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE), add(PT_LOAD, R, 21, CODE + 0x5000, PAGE, PAGE);
    run("ascending");
    begin(CODE - 0x5000, 0);
    add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE), add(PT_LOAD, R, 21, CODE - 0x5000, PAGE, PAGE);
    run("descending");
    begin(CODE + 0x1800, 0);
    add(PT_LOAD, RX, CODE_PAGE, CODE, 2 * PAGE, 2 * PAGE),
        add(PT_LOAD, R, 22, CODE + PAGE, PAGE, PAGE);
    run("over the one before");
    begin(CODE + 0x1800, 0);
    add(PT_LOAD, R, 22, CODE + PAGE, PAGE, PAGE),
        add(PT_LOAD, RX, CODE_PAGE, CODE, 2 * PAGE, 2 * PAGE);
    run("over the one before, which is higher");
    begin(CODE + 0x1800, 0);
    add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE), add(PT_LOAD, RW, 21, CODE + PAGE, 100, 2 * PAGE);
    run("behind the file's part");
    begin(CODE + PAGE + 50, 0);
    add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE), add(PT_LOAD, RW, 21, CODE + PAGE, 100, 2 * PAGE),
        add(PT_LOAD, RW, 22, CODE + 3 * PAGE, 100, 200);
    run("in it");
    begin(CODE + 0x900, 0);
    add(PT_LOAD, RW, 21, CODE - PAGE, 100, 2 * PAGE), add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE);
    run("zeroes that the next one covers");
}

static void rights(void)
{
    begin(CODE + 0x800, 77);
    add(PT_LOAD, RWX, CODE_PAGE, CODE, PAGE, PAGE);
    run("writable code");
    begin(CODE + 0x800, 77);
    add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE);
    run("code that is not");
    /* the instruction's own address: it is changed before it is done */
    begin(CODE + 12, 33);
    add(PT_LOAD, RWX, CODE_PAGE, CODE, PAGE, PAGE);
    run("code that changes itself");
    begin(CODE + PAGE, 0);
    add(PT_LOAD, RWX, CODE_PAGE, CODE, PAGE, 3 * PAGE);
    run("zeroes behind writable code");
}

/* exit(5) is put on the stack and called there. */
static void stacks(void)
{
    static const uint8_t pushes[] = { 0x48, 0xb8, 0,    0,    0x0f, 0x05, 0x90, 0x90,
                                      0x90, 0x90, 0x50, 0x48, 0xb8, 0xbf, 5,    0,
                                      0,    0,    0xb8, 60,   0,    0x50, 0xff, 0xe4 };
    for (int kind = 0; kind < 3; kind++) {
        begin(CODE, 0);
        memcpy((char *)&image + CODE_PAGE * PAGE, pushes, sizeof pushes);
        add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE);
        if (kind)
            add(PT_GNU_STACK, kind == 1 ? RW : RWX, 0, 0, 0, 0);
        run(kind == 0   ? "nothing is said of the stack"
            : kind == 1 ? "a stack of data"
                        : "a stack of code");
    }
}

static void numbers(void)
{
    static const unsigned counts[] = { 2, 15, 16, 17, 64, 65, 300, 1000, 1169, 1170, 1171, 1200 };
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char what[64];
        begin(CODE + counts[i] * 0x2000ul - 0x1800, 0);
        add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE);
        for (unsigned k = 1; k < counts[i]; k++)
            add(PT_LOAD, k % 2 ? R : RW, 18 + k % 2, CODE + k * 0x2000ul, k % 3 ? PAGE : 0x900,
                PAGE);
        snprintf(what, sizeof what, "%u segments", counts[i]);
        run(what);
        begin(CODE + 1, 0);
        for (unsigned k = 1; k < counts[i]; k++)
            add(k % 2 ? PT_NULL : PT_NOTE, R, 1, CODE, PAGE, PAGE);
        add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE);
        snprintf(what, sizeof what, "%u headers", counts[i]);
        run(what);
    }
}

/* The same interpreter by paths of many lengths. */
static void interpreters(void)
{
    /* without the NUL */
    static const unsigned lengths[] = { 20, 254, 255, 256, 257, 1000, 4094, 4095, 4096, 5000 };
    char real[64];
    snprintf(real, sizeof real, "/tmp/i%d", getpid() % 1000 + 1000);
    begin(CODE + 0x5000, 0);
    add(PT_LOAD, RX, CODE_PAGE, CODE, PAGE, PAGE), add(PT_LOAD, R, 23, CODE + 0x5000, PAGE, PAGE);
    save(real);
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char what[64];
        unsigned length = lengths[i], odd = (length - strlen(real)) % 2;
        memset(interpreter, 0, sizeof interpreter);
        memset(interpreter, '/', length - strlen(real));
        for (unsigned k = 1 + odd; k + 1 < length - strlen(real) + 1; k += 2)
            interpreter[k] = '.';
        interpreter[length - strlen(real)] = 0;
        strcat(interpreter, real);
        begin(2 * CODE + 0x5000, 0);
        image.h.e_entry = 2 * CODE;
        add(PT_INTERP, R, 1, 0, length + 1, length + 1);
        add(PT_LOAD, RX, CODE_PAGE, 2 * CODE, PAGE, PAGE);
        memcpy((char *)&image + PAGE, interpreter, length + 1);
        snprintf(what, sizeof what, "an interpreter's path of %u", length);
        run(what);
    }
    unlink(real);
}

int main(void)
{
    snprintf(path, sizeof path, "/tmp/image%d", getpid());
    orders();
    rights();
    stacks();
    numbers();
    interpreters();
    unlink(path);
    return 0;
}
