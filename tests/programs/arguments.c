/* How much exec accepts: in each string, in all of them together, by the limit of the stack; and
 * that an exec that was refused has done no harm. */
#include "oracle.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { STRING_MAX = 128 * 1024, KIB = 1024, MIB = 1024 * 1024 };

extern char **environ;
static char self[256];

/* A program that prints what strings it was given: how many, how long, a sum over all bytes with
 * their places, and whether they lie side by side. */
static int told(int argc, char **argv)
{
    unsigned long bytes = 0, sum = 0, environment = 0, apart = 0;
    for (int i = 0; i < argc; i++) {
        size_t length = strlen(argv[i]) + 1;
        apart += argv[i] != argv[0] + bytes;
        for (size_t k = 0; k < length; k++)
            sum = sum * 31 + (unsigned char)argv[i][k];
        bytes += length;
    }
    for (; environ[environment]; environment++)
        sum = sum * 31 + strlen(environ[environment]);
    SAY("%d arguments, %lu bytes, sum %lx, environment %lu, apart %lu, aligned %d", argc, bytes,
        sum, environment, apart, (uintptr_t)(argv - 1) % 16 == 0);
    int file = open("/proc/self/cmdline", O_RDONLY);
    unsigned long shown = 0;
    static char part[65536];
    for (ssize_t n; (n = read(file, part, sizeof part)) > 0;)
        shown += n;
    SAY("command line of %s bytes", shown == bytes ? "as many" : "other");
    return 7;
}

static void try_limited(const char *what, char **argv, char **environment, rlim_t stack)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        setrlimit(RLIMIT_STACK, &(struct rlimit){ stack, RLIM_INFINITY });
        execve(self, argv, environment);
        SAY("%s: %s", what, error_name(errno));
        _exit(99);
    }
    waitpid(pid, &status, 0);
    show_status(what, status);
}

static char **array(unsigned count, const char *string)
{
    char **v = malloc((count + 4) * sizeof *v);
    v[0] = "arguments";
    v[1] = "told";
    for (unsigned i = 2; i < count; i++)
        v[i] = (char *)string;
    v[count] = NULL;
    return v;
}

static char *string(size_t length)
{
    char *s = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        s[i] = 'a' + i % 23;
    s[length] = 0;
    return s;
}

static void lengths(void)
{
    char *none[] = { NULL };
    static const size_t length[] = {
        0,     1,     4000,           4079,           4080,       4096,
        8190,  65536, STRING_MAX - 2, STRING_MAX - 1, STRING_MAX, STRING_MAX + 1,
        300000
    };
    for (unsigned i = 0; i < sizeof length / sizeof length[0]; i++) {
        char what[64];
        snprintf(what, sizeof what, "a string of %zu", length[i]);
        try_limited(what, array(3, string(length[i])), none, 8 * MIB);
        try_limited("in the environment", array(2, ""), array(3, string(length[i])) + 2, 8 * MIB);
    }
}

static void numbers(void)
{
    char *none[] = { NULL };
    static const struct {
        unsigned count, length;
        rlim_t stack;
    } all[] = {
        { 1000, 10, 8 * MIB },         { 5000, 25, 8 * MIB },         { 60000, 10, 8 * MIB },
        { 100000, 10, 8 * MIB },       { 120000, 10, 8 * MIB },       { 300000, 10, 8 * MIB },
        { 300000, 10, RLIM_INFINITY }, { 600000, 1, RLIM_INFINITY },  { 700000, 0, RLIM_INFINITY },
        { 900000, 0, RLIM_INFINITY },  { 48, 131000, RLIM_INFINITY }, { 49, 131000, RLIM_INFINITY },
        { 16, 100000, 64 * MIB },      { 100, 60000, 64 * MIB },      { 110, 60000, 64 * MIB },
        { 100, 1200, 256 * KIB },      { 110, 1200, 256 * KIB },      { 30, 100000, 12 * MIB },
        { 34, 100000, 12 * MIB },
    };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        char what[64];
        snprintf(what, sizeof what, "%u strings of %u", all[i].count, all[i].length);
        char **v = array(all[i].count, string(all[i].length));
        try_limited(what, v, none, all[i].stack);
        v[0] = "E=0", v[1] = "E=1";
        try_limited("as environment", array(2, ""), v, all[i].stack);
        free(v);
    }
}

/* Each string another, and each on pages of its own: none is taken for another. */
static void places(void)
{
    enum { COUNT = 3000 };
    char **v = array(COUNT, "");
    for (unsigned i = 2; i < COUNT; i++) {
        v[i] = malloc(1 + i % 700);
        memset(v[i], 'A' + i % 50, i % 700);
        v[i][i % 700] = 0;
    }
    try_limited("many different", v, v + 2, 64 * MIB);
}

static void *waits(void *nothing)
{
    pause_ms(300);
    SAY("the other thread goes on");
    return nothing;
}

static void bad_pointers(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char **cut = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);
    munmap((char *)cut + 4096, 4096);
    cut += 4096 / 8 - 2;
    memset(page, 'x', 4096);
    char *bad[] = { "arguments", (char *)8, NULL },
         *open_end[] = { "arguments", page + 4000, NULL }, *none[] = { NULL },
         *good[] = { "arguments", "told", NULL };
    char **volatile low = (char **)8, **volatile high = (char **)-8ul;
    cut[0] = "arguments", cut[1] = "told";
    pthread_t thread;
    pthread_create(&thread, NULL, waits, NULL);
    SHOW(execve(self, bad, none));
    SHOW(execve(self, good, bad));
    SHOW(execve(self, open_end, none));
    SHOW(execve(self, low, none));
    SHOW(execve(self, good, high));
    SHOW(execve(self, cut, none));
    SHOW(execve(self, array(3, string(STRING_MAX)), none));
    pthread_join(thread, NULL);
    page[4095] = 0;
    open_end[1] = page + 4095;
    try_limited("a string that ends with its page", open_end, none, 8 * MIB);
}

int main(int argc, char **argv)
{
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    if (argc != 1)
        return told(argc, argv);
    lengths();
    numbers();
    places();
    bad_pointers();
    return 0;
}
