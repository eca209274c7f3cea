/* The tests of lab 01: calls of the server `names`, made by ordinary programs through the gate.
 * names TEST SEED */
#define _GNU_SOURCE
#include "labtest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../gate/gate.h"
#include "../skeleton/names.h"

/* Of minnow/protocol.def and minnow/message.h, which are for services. */
enum { PUT = 9 << 8, GET, REMOVE, TAKE, LIST, UNKNOWN = 9 << 8 | 77, IN = 1, OUT = 2, INOUT = 3 };
/* microseconds after which whoever was started waits */
enum { CALM = 3000 };

static int gate = -1;

static const char *op_name(uint64_t op)
{
    static const char *names[] = { "PUT", "GET", "REMOVE", "TAKE", "LIST" };
    return op >= PUT && op <= LIST ? names[op - PUT] : "an operation that there is not";
}

static int64_t ask(uint64_t op, uint64_t w0, void *base, size_t length, int window)
{
    struct gate_call c = { .service = "names",
                           .op = op,
                           .w0 = w0,
                           .base = (uintptr_t)base,
                           .length = length,
                           .window = window };
    lab_now("%s, w[0] = %lld, a window of %zu bytes", op_name(op), (long long)w0, length);
    if (gate < 0)
        NEED((gate = open("/dev/gate", O_RDWR | O_CLOEXEC)) >= 0);
    int result = ioctl(gate, GATE_CALL, &c);
    return result < 0 ? -errno : result;
}

/* All names that have been put, so that the next test finds none. */
static struct {
    unsigned length;
    char name[NAME_BYTES];
} used[512];
static unsigned used_count;

static int64_t put(const void *name, unsigned length, const void *value, unsigned size)
{
    char window[4096];
    memcpy(window, name, length);
    memcpy(window + length, value, size);
    int64_t result = ask(PUT, length, window, length + size, IN);
    if (result == 0 && length <= NAME_BYTES && used_count < sizeof used / sizeof used[0]) {
        used[used_count].length = length;
        memcpy(used[used_count++].name, name, length);
    }
    return result;
}

/* GET or TAKE: the value comes behind the name. Nothing else of the window may change. */
static int64_t fetch(uint64_t op, const void *name, unsigned length, void *value, unsigned room)
{
    unsigned char window[4096];
    memset(window, 0xa5, sizeof window);
    memcpy(window, name, length);
    int64_t size = ask(op, length, window, length + room, INOUT);
    unsigned wrote = size > 0 ? size : 0;
    if (memcmp(window, name, length))
        lab_fail("R2", "the name as it was", "it was overwritten", "GET or TAKE of \"%.*s\"",
                 length, (char *)name);
    for (unsigned i = length + wrote; i < sizeof window; i++)
        if (window[i] != 0xa5)
            lab_fail(
                "R2", "nothing", "a byte was changed",
                "byte %u behind the value of %u bytes in the window of GET or TAKE of \"%.*s\"",
                i - length - wrote, wrote, length, (char *)name);
    memcpy(value, window + length, wrote < room ? wrote : room);
    return size;
}

static int64_t take_away(const void *name, unsigned length)
{
    char window[64];
    memcpy(window, name, length);
    return ask(REMOVE, length, window, length, IN);
}

/* Asks for a name that must be there, and looks at every byte of its value. */
static void expect_value(const char *requirement, const void *name, unsigned length,
                         const void *value, unsigned size)
{
    unsigned char got[1024];
    EXPECT(requirement, fetch(GET, name, length, got, sizeof got), size,
           "GET of the name \"%.*s\", whose value has %u bytes", length, (char *)name, size);
    for (unsigned i = 0; i < size; i++)
        EXPECT(requirement, got[i], ((unsigned char *)value)[i],
               "GET of the name \"%.*s\": byte %u of %u", length, (char *)name, i, size);
}

/* Well within the limits, which have a test of their own. */
static unsigned random_name(char *name)
{
    unsigned length = 1 + lab_below(NAME_BYTES - 6);
    for (unsigned i = 0; i < length; i++)
        name[i] = lab_below(2) ? 'a' + lab_below(3) : lab_random();
    return length;
}

static unsigned random_value(char *value)
{
    unsigned size = lab_below(4) ? lab_below(VALUE_BYTES + 1) : lab_below(9);
    for (unsigned i = 0; i < size; i++)
        value[i] = lab_random();
    return size;
}

/* ---- without waiting ---- */

static void test_put_get(void)
{
    char name[NAME_BYTES], value[VALUE_BYTES];
    EXPECT("R2", fetch(GET, "absent", 6, value, sizeof value), -ENOENT,
           "GET of a name that is not there");
    EXPECT("R1", put("answer", 6, "42", 2), 0, "PUT of answer = 42");
    expect_value("R2", "answer", 6, "42", 2);
    EXPECT("R1", put("answer", 6, "forty-two", 9), 0, "PUT of answer, which is there already");
    expect_value("R1", "answer", 6, "forty-two", 9);
    EXPECT("R1", put("answer", 6, "no", 2), 0, "PUT of answer, with a shorter value");
    expect_value("R1", "answer", 6, "no", 2);
    EXPECT("R1", put("empty", 5, "", 0), 0, "PUT of a value of no bytes");
    expect_value("R2", "empty", 5, "", 0);
    EXPECT("R2", fetch(GET, "answe", 5, value, sizeof value), -ENOENT,
           "GET of the beginning of a name that is there");
    for (int i = 0; i < 20; i++) {
        unsigned length = random_name(name), size = random_value(value);
        EXPECT("R1", put(name, length, value, size), 0,
               "PUT number %d, name of %u bytes, value of %u", i, length, size);
        expect_value("R2", name, length, value, size);
        EXPECT("R5", take_away(name, length), 0, "REMOVE of that name");
    }
}

static void test_bounds(void)
{
    static char big[4096];
    char value[64], name[] = "0123456789";
    memset(big, 'n', sizeof big);
    EXPECT("R1", put("x", 1, "1", 1), 0, "PUT of x = 1");
    EXPECT("R3", put(big, 0, "v", 1), -EINVAL, "PUT of a name of 0 bytes");
    EXPECT("R3", put(big, NAME_BYTES + 1, "v", 1), -EINVAL, "PUT of a name of %d bytes",
           NAME_BYTES + 1);
    EXPECT("R3", ask(PUT, 10, big, 5, IN), -EINVAL, "PUT of a name of 10 bytes in a window of 5");
    EXPECT("R3", ask(PUT, -1ull, big, 5, IN), -EINVAL, "PUT of a name of 2^64-1 bytes");
    EXPECT("R3", ask(PUT, 1ull << 32 | 1, big, 5, IN), -EINVAL, "PUT of a name of 2^32+1 bytes");
    EXPECT("R3", put(big, NAME_BYTES, big, VALUE_BYTES), 0,
           "PUT of a name and a value as long as may be");
    expect_value("R3", big, NAME_BYTES, big, VALUE_BYTES);
    EXPECT("R3", put("long", 4, big, VALUE_BYTES + 1), -E2BIG, "PUT of a value of %d bytes",
           VALUE_BYTES + 1);
    EXPECT("R3", fetch(GET, "long", 4, value, sizeof value), -ENOENT, "GET of it");
    EXPECT("R3", put("x", 1, big, VALUE_BYTES + 1), -E2BIG, "PUT of as much for x");
    expect_value("R3", "x", 1, "1", 1);
    EXPECT("R3", ask(GET, 0, big, 10, INOUT), -EINVAL, "GET of a name of 0 bytes");
    EXPECT("R3", ask(GET, 40, big, 50, INOUT), -EINVAL, "GET of a name of 40 bytes");
    EXPECT("R3", ask(REMOVE, 1ull << 63, big, 10, IN), -EINVAL, "REMOVE of a name of 2^63 bytes");
    /* a name of which the window has only half, when the server has just seen all of it */
    EXPECT("R1", put(name, 10, "1", 1), 0, "PUT of %s = 1", name);
    expect_value("R1", name, 10, "1", 1);
    EXPECT("R3", ask(REMOVE, 10, name, 5, IN), -EINVAL,
           "REMOVE of a name of 10 bytes in a window of 5");
    EXPECT("R3", ask(GET, 10, name, 5, INOUT), -EINVAL,
           "GET of a name of 10 bytes in a window of 5");
    EXPECT("R3", ask(TAKE, 10, name, 5, INOUT), -EINVAL,
           "TAKE of a name of 10 bytes in a window of 5");
    expect_value("R3", name, 10, "1", 1);
    EXPECT("R1", put("s", 1, "0123456789", 10), 0, "PUT of a value of 10 bytes");
    EXPECT("R4", fetch(GET, "s", 1, big, 9), -ERANGE, "GET of it into room for 9 bytes");
    EXPECT("R4", fetch(GET, "s", 1, big, 10), 10, "GET of it into room for 10 bytes");
    expect_value("R4", "s", 1, "0123456789", 10);
    expect_value("R3", "x", 1, "1", 1);
}

/* Instructions per call of this operation, with each of the names in turn: of some rounds the one
 * in which least came between. */
static double cost(uint64_t op)
{
    uint64_t least = UINT64_MAX;
    for (int round = 0; round < 8; round++) {
        uint64_t start = lab_instructions();
        for (int i = 0; i < NAMES_MAX; i++) {
            char window[64];
            int n = sprintf(window, "name%d", i);
            struct gate_call c = { .service = "names",
                                   .op = op,
                                   .w0 = n,
                                   .base = (uintptr_t)window,
                                   .length = sizeof window,
                                   .window = INOUT };
            int result = ioctl(gate, GATE_CALL, &c);
            EXPECT("R2", result < 0 && op == GET, 0, "whether GET of \"name%d\" fails", i);
        }
        uint64_t took = lab_instructions() - start;
        least = took < least ? took : least;
    }
    return (double)least / NAMES_MAX;
}

static void test_full(void)
{
    char name[16], value[16];
    for (int i = 0; i < NAMES_MAX; i++) {
        int n = sprintf(name, "name%d", i);
        EXPECT("R6", put(name, n, name, n), 0, "PUT of name number %d of %d", i + 1, NAMES_MAX);
    }
    EXPECT("R6", put("more", 4, "", 0), -ENOSPC, "PUT of name number %d", NAMES_MAX + 1);
    int chosen = lab_below(NAMES_MAX), n = sprintf(name, "name%d", chosen);
    EXPECT("R6", put(name, n, "again", 5), 0,
           "PUT of a name that is there, when there is no room for another");
    expect_value("R6", name, n, "again", 5);
    for (int i = 0; i < NAMES_MAX; i++) {
        n = sprintf(name, "name%d", i);
        if (i != chosen)
            expect_value("R6", name, n, name, n);
    }
    lab_measure("instructions per GET", cost(GET) - cost(UNKNOWN));
    EXPECT("R6", fetch(GET, "more", 4, value, sizeof value), -ENOENT,
           "GET of the name for which there was no room");
    n = sprintf(name, "name%d", chosen);
    EXPECT("R5", take_away(name, n), 0, "REMOVE of one");
    EXPECT("R6", put("more", 4, "", 0), 0, "PUT, now that there is room again");
}

static void test_remove(void)
{
    char value[64];
    EXPECT("R5", take_away("a", 1), -ENOENT, "REMOVE of a name that is not there");
    EXPECT("R1", put("a", 1, "1", 1), 0, "PUT of a");
    EXPECT("R1", put("ab", 2, "2", 1), 0, "PUT of ab");
    EXPECT("R5", take_away("a", 1), 0, "REMOVE of a");
    EXPECT("R5", fetch(GET, "a", 1, value, sizeof value), -ENOENT, "GET of a");
    expect_value("R5", "ab", 2, "2", 1);
    EXPECT("R5", take_away("a", 1), -ENOENT, "REMOVE of a, once more");
}

static int64_t list(unsigned index, void *name, size_t room)
{
    return ask(LIST, index, name, room, OUT);
}

static void test_list(void)
{
    static const struct {
        const char *text;
        int length;
    } in_order[] = { { "a", 1 }, { "a\0a", 3 }, { "a\0b", 3 }, { "aa", 2 },      { "ab", 2 },
                     { "b", 1 }, { "ba", 2 },   { "c", 1 },    { "\xc3\xa4", 2 } };
    enum { N = sizeof in_order / sizeof in_order[0] };
    int order[N];
    char name[64];
    for (int i = 0; i < N; i++)
        order[i] = i;
    for (int i = N - 1; i > 0; i--) {
        int k = lab_below(i + 1), keep = order[i];
        order[i] = order[k];
        order[k] = keep;
    }
    EXPECT("R7", list(0, name, sizeof name), -ENOENT, "LIST of index 0 when there are no names");
    for (int i = 0; i < N; i++)
        EXPECT("R1", put(in_order[order[i]].text, in_order[order[i]].length, "v", 1), 0,
               "PUT of a name of %d bytes, \"%s\"", in_order[order[i]].length,
               in_order[order[i]].text);
    for (int i = 0; i < N; i++) {
        memset(name, 0, sizeof name);
        EXPECT("R7", list(i, name, sizeof name), in_order[i].length,
               "LIST of index %d of %d; it should be \"%s\"", i, N, in_order[i].text);
        EXPECT("R7", memcmp(name, in_order[i].text, in_order[i].length), 0,
               "comparing it, \"%s\", with \"%s\"", name, in_order[i].text);
    }
    EXPECT("R7", list(N, name, sizeof name), -ENOENT, "LIST of the index past the last");
    name[0] = '#';
    EXPECT("R4", list(3, name, 1), -ERANGE, "LIST of a name of 2 bytes into a window of 1");
    EXPECT("R4", name[0], '#', "the byte of that window, into which nothing is copied");
    EXPECT("R4", list(3, name, 2), 2, "LIST of a name of 2 bytes into a window of 2");
    EXPECT("R5", take_away("a", 1), 0, "REMOVE of the first");
    EXPECT("R7", list(0, name, sizeof name), 3, "LIST of index 0, which has 3 bytes now");
}

/* A model of the server, and many random calls of both. */
static struct {
    int used;
    unsigned length, size;
    char name[NAME_BYTES], value[VALUE_BYTES];
} model[NAMES_MAX];

static int model_find(const char *name, unsigned length)
{
    for (int i = 0; i < NAMES_MAX; i++)
        if (model[i].used && model[i].length == length && !memcmp(model[i].name, name, length))
            return i;
    return -1;
}

static void model_put(int step, const char *name, unsigned length)
{
    char value[VALUE_BYTES];
    unsigned size = random_value(value);
    int at = model_find(name, length);
    for (int i = 0; i < NAMES_MAX && at < 0; i++)
        if (!model[i].used)
            at = i;
    EXPECT("R1", put(name, length, value, size), at < 0 ? -ENOSPC : 0,
           "step %d: PUT of a name of %u bytes", step, length);
    if (at < 0)
        return;
    model[at].used = 1, model[at].length = length, model[at].size = size;
    memcpy(model[at].name, name, length);
    memcpy(model[at].value, value, size);
}

static void test_model(void)
{
    enum { STEPS = 300, POOL = 40 };
    static char pool[POOL][NAME_BYTES];
    unsigned lengths[POOL];
    char value[1024];
    for (int i = 0; i < POOL; i++)
        lengths[i] = random_name(pool[i]);
    for (int step = 0; step < STEPS; step++) {
        int which = lab_below(POOL), at = model_find(pool[which], lengths[which]);
        const char *name = pool[which];
        unsigned length = lengths[which];
        switch (lab_below(5)) {
        case 0:
        case 1: model_put(step, name, length); break;
        case 2:
            EXPECT("R5", take_away(name, length), at < 0 ? -ENOENT : 0, "step %d: REMOVE", step);
            if (at >= 0)
                model[at].used = 0;
            break;
        default:
            if (at >= 0)
                expect_value("R2", name, length, model[at].value, model[at].size);
            else
                EXPECT("R2", fetch(GET, name, length, value, sizeof value), -ENOENT, "step %d: GET",
                       step);
        }
    }
}

static void test_unknown(void)
{
    EXPECT("R1", put("k", 1, "v", 1), 0, "PUT of k");
    EXPECT("R8", ask(UNKNOWN, 0, NULL, 0, 0), -ENOSYS,
           "an operation that the protocol does not have");
    EXPECT("R8", ask(LIST + 1, 0, NULL, 0, 0), -ENOSYS, "the operation behind LIST");
    EXPECT("R8", ask(1 << 8, 0, NULL, 0, 0), -ENOSYS, "an operation of another protocol");
    expect_value("R8", "k", 1, "v", 1);
}

/* ---- with waiting ---- */

/* A process that takes the name, and says with its exit status whether the value was `expected`,
 * and in a pipe when. */
struct taker {
    pid_t pid;
    int id;
};
static int turns[2] = { -1, -1 };

static struct taker start_taker_with(const char *name, const char *expected, int id, size_t room)
{
    char value[64];
    NEED(turns[0] >= 0 || pipe(turns) == 0);
    pid_t pid = fork();
    NEED(pid >= 0);
    if (!pid) {
        gate = -1;
        int64_t n = fetch(TAKE, name, strlen(name), value, room);
        char turn = id;
        if (write(turns[1], &turn, 1) != 1)
            _exit(3);
        _exit(n < 0                                                                       ? (int)-n
              : expected && ((size_t)n != strlen(expected) || memcmp(value, expected, n)) ? 1
                                                                                          : 0);
    }
    usleep(CALM);
    return (struct taker){ pid, id };
}

static struct taker start_taker(const char *name, const char *expected, int id)
{
    return start_taker_with(name, expected, id, 64);
}

static int ended(struct taker t, int *status) { return waitpid(t.pid, status, WNOHANG) == t.pid; }

/* Within 200 ms. */
static int end_of(struct taker t)
{
    int status;
    for (int i = 0; i < 200; i++) {
        if (ended(t, &status))
            return WEXITSTATUS(status);
        usleep(1000);
    }
    return -1;
}

static void test_take(void)
{
    char value[64];
    EXPECT("R1", put("t", 1, "tea", 3), 0, "PUT of t = tea");
    EXPECT("R9", fetch(TAKE, "t", 1, value, sizeof value), 3, "TAKE of t");
    EXPECT("R9", memcmp(value, "tea", 3), 0, "comparing the value with tea");
    EXPECT("R9", fetch(GET, "t", 1, value, sizeof value), -ENOENT,
           "GET of t, which has been taken");
    EXPECT("R3", ask(TAKE, 0, value, 9, INOUT), -EINVAL, "TAKE of a name of 0 bytes");
    EXPECT("R1", put("u", 1, "0123456789", 10), 0, "PUT of u");
    EXPECT("R4", fetch(TAKE, "u", 1, value, 4), -ERANGE, "TAKE of it into room for 4 bytes");
    expect_value("R4", "u", 1, "0123456789", 10);
    EXPECT("R1", put("e", 1, "", 0), 0, "PUT of e, which has no bytes");
    EXPECT("R9", fetch(TAKE, "e", 1, value, sizeof value), 0, "TAKE of it");
    EXPECT("R9", fetch(GET, "e", 1, value, sizeof value), -ENOENT,
           "GET of e, which has been taken");
}

static void test_waits(void)
{
    int status;
    char value[64];
    EXPECT("R1", put("x", 1, "1", 1), 0, "PUT of x");
    struct taker t = start_taker("w", "wine", 1);
    usleep(lab_below(4000));
    EXPECT("R10", ended(t, &status), 0, "TAKE of w, which is not there: whether it has ended");
    expect_value("R10", "x", 1, "1", 1);
    EXPECT("R1", put("v", 1, "2", 1), 0, "PUT of another name while somebody waits for w");
    EXPECT("R10", ended(t, &status), 0, "whether the TAKE of w has ended by that");
    EXPECT("R1", put("w", 1, "wine", 4), 0, "PUT of w = wine");
    EXPECT("R10", end_of(t), 0, "the end of the TAKE of w (0: it got wine; -1: it still waits)");
    EXPECT("R10", fetch(GET, "w", 1, value, sizeof value), -ENOENT,
           "GET of w, which has been taken");
    struct taker one = start_taker("one", "1", 1), two = start_taker("two", "2", 2);
    EXPECT("R1", put("two", 3, "2", 1), 0,
           "PUT of two, while one process waits for one and another for two");
    EXPECT("R10", end_of(two), 0, "the end of the TAKE of two");
    EXPECT("R10", ended(one, &status), 0, "whether the TAKE of one has ended by that");
    EXPECT("R1", put("one", 3, "1", 1), 0, "PUT of one");
    EXPECT("R10", end_of(one), 0, "the end of the TAKE of one");
    one = start_taker("one", "1", 1);
    EXPECT("R1", put("on", 2, "0", 1), 0, "PUT of the beginning of a name that somebody waits for");
    EXPECT("R1", put("ones", 4, "0", 1), 0, "PUT of a name that begins as that does");
    usleep(CALM);
    EXPECT("R10", ended(one, &status), 0, "whether the TAKE of one has ended by these");
    expect_value("R10", "ones", 4, "0", 1);
    EXPECT("R1", put("one", 3, "1", 1), 0, "PUT of one");
    EXPECT("R10", end_of(one), 0, "the end of the TAKE of one");
}

static void test_line(void)
{
    enum { N = 6 };
    struct taker t[N];
    char turn, value[64];
    for (int i = 0; i < N; i++) {
        t[i] = start_taker("q", NULL, i);
        usleep(lab_below(2000));
    }
    for (int i = 0; i < N; i++) {
        EXPECT("R1", put("q", 1, "v", 1), 0, "PUT of q while %d wait for it", N - i);
        EXPECT("R11", end_of(t[i]), 0, "the end of TAKE number %d in line (-1: it still waits)",
               i + 1);
        NEED(read(turns[0], &turn, 1) == 1);
        EXPECT("R11", turn, i, "who was answered");
        for (int k = i + 1, status; k < N; k++)
            EXPECT("R11", ended(t[k], &status), 0,
                   "whether TAKE number %d has ended by the same PUT", k + 1);
        EXPECT("R11", fetch(GET, "q", 1, value, sizeof value), -ENOENT,
               "GET of q, which has been taken");
    }
    struct taker small = start_taker_with("r", NULL, 1, 4), large = start_taker("r", "12345", 2);
    EXPECT("R1", put("r", 1, "12345", 5), 0,
           "PUT of 5 bytes for a name that two wait for, the first of them with room for 4");
    EXPECT("R4", end_of(small), ERANGE, "the end of the first TAKE (-1: it still waits)");
    EXPECT("R11", end_of(large), 0, "the end of the second, which has got the value");
    small = start_taker_with("r", NULL, 1, 4);
    EXPECT("R1", put("r", 1, "12345", 5), 0, "PUT of 5 bytes when one waits, with room for 4");
    EXPECT("R4", end_of(small), ERANGE, "the end of that TAKE (-1: it still waits)");
    expect_value("R4", "r", 1, "12345", 5);
}

static void test_dead(void)
{
    enum { N = 4 };
    struct taker t[N];
    for (int i = 0; i < N; i++)
        t[i] = start_taker("d", "left", i);
    unsigned victims = 1 + lab_below(2);
    for (unsigned i = 0; i < victims; i++) {
        kill(t[i].pid, SIGKILL);
        waitpid(t[i].pid, NULL, 0);
    }
    EXPECT("R1", put("d", 1, "left", 4), 0, "PUT of d after %u of %d who waited for it were killed",
           victims, N);
    EXPECT("R12", end_of(t[victims]), 0, "the end of the first TAKE that is still alive");
    for (unsigned i = victims + 1; i < N; i++) {
        kill(t[i].pid, SIGKILL);
        waitpid(t[i].pid, NULL, 0);
    }
    EXPECT("R1", put("d", 1, "kept", 4), 0, "PUT of d after all who waited were killed");
    expect_value("R12", "d", 1, "kept", 4);
    EXPECT("R5", take_away("d", 1), 0, "REMOVE of d");
    /* Of no bytes: nothing has to be copied, so only the reply tells that the caller is no more. */
    for (int i = 0; i < N; i++)
        t[i] = start_taker("d", "", i);
    for (int i = 0; i < N; i++) {
        kill(t[i].pid, SIGKILL);
        waitpid(t[i].pid, NULL, 0);
    }
    EXPECT("R1", put("d", 1, "", 0), 0,
           "PUT of d with an empty value after all who waited were killed");
    expect_value("R12", "d", 1, "", 0);
    EXPECT("R5", take_away("d", 1), 0, "REMOVE of d");
}

static void test_many(void)
{
    struct taker t[NAMES_WAITERS];
    char value[64];
    for (int round = 0; round < 2; round++) {
        for (int i = 0, status; i < NAMES_WAITERS; i++) {
            char name[8]; /* in the second round each waits for one of its own */
            snprintf(name, sizeof name, round ? "m%d" : "m", i);
            t[i] = start_taker(name, "v", i);
            EXPECT("R13", ended(t[i], &status), 0,
                   "round %d: whether TAKE number %d of %d has ended", round + 1, i + 1,
                   NAMES_WAITERS);
        }
        EXPECT("R13", fetch(TAKE, "m", 1, value, sizeof value), -EAGAIN,
               "round %d: TAKE when %d wait already", round + 1, NAMES_WAITERS);
        for (int i = 0; i < NAMES_WAITERS; i++) {
            kill(t[i].pid, SIGKILL);
            waitpid(t[i].pid, NULL, 0);
        }
    }
    struct taker last = start_taker("m", "v", 0);
    EXPECT("R1", put("m", 1, "v", 1), 0, "PUT of m");
    EXPECT("R13", end_of(last), 0, "the end of a TAKE after those were killed");
}

/* Two pages, of which the first has n bytes of `text` at `at`. The second is not there: it may
 * have come with the first, and is given back. */
static char *page_before_none(unsigned at, const char *text, size_t n)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(page != MAP_FAILED);
    memcpy(page + at, text, n);
    NEED(madvise(page + 4096, 4096, MADV_DONTNEED) == 0);
    return page;
}

static void test_pages(void)
{
    EXPECT("R1", put("old", 3, "before", 6), 0, "PUT of old");
    /* the name is there; most of the value is on a page that is not: zeroes */
    char *page = page_before_none(4090, "old", 3);
    EXPECT("R14", ask(PUT, 3, page + 4090, 103, IN), 0,
           "PUT of a value of which the second page is missing");
    char zeroes[100] = { 0 };
    expect_value("R14", "old", 3, zeroes, 100);
    char value[400];
    memset(value, 'p', sizeof value);
    EXPECT("R1", put("p", 1, value, sizeof value), 0, "PUT of p, 400 bytes");
    page = page_before_none(4000, "p", 1);
    EXPECT("R14", ask(TAKE, 1, page + 4000, 401, INOUT), 400,
           "TAKE of p into a window whose second page is missing");
    EXPECT("R14", memcmp(page + 4001, value, 400), 0, "comparing the value");
    EXPECT("R1", put("g", 1, value, sizeof value), 0, "PUT of g, 400 bytes");
    page = page_before_none(4000, "g", 1);
    EXPECT("R14", ask(GET, 1, page + 4000, 401, INOUT), 400,
           "GET of g into a window whose second page is missing");
    EXPECT("R14", memcmp(page + 4001, value, 400), 0, "comparing the value");
    page = page_before_none(4096, "", 0);
    EXPECT("R14", list(0, page + 4096, 31), 1, "LIST of g into a window whose page is missing");
    EXPECT("R14", page[4096], 'g', "the name");
    page = page_before_none(4095, "g", 1);
    EXPECT("R14", ask(REMOVE, 3, page + 4095, 3, IN), -ENOENT,
           "REMOVE of a name of which the second page is missing: zeroes");
    pid_t pid = fork();
    NEED(pid >= 0);
    if (!pid) {
        gate = -1;
        page = page_before_none(4000, "w", 1);
        int64_t n = ask(TAKE, 1, page + 4000, 401, INOUT);
        _exit(n == 400 && !memcmp(page + 4001, value, 400) ? 0 : 1);
    }
    usleep(CALM);
    EXPECT("R1", put("w", 1, value, sizeof value), 0,
           "PUT of w, for which somebody waits with a window whose second page is missing");
    EXPECT("R14", end_of((struct taker){ pid, 0 }), 0,
           "the end of that TAKE (0: it got the value; -1: it still waits)");
}

static void interrupted(int signal) { (void)signal; }

static void test_signal(void)
{
    EXPECT("R1", put("x", 1, "1", 1), 0, "PUT of x");
    pid_t pid = fork();
    NEED(pid >= 0);
    if (!pid) {
        gate = -1;
        char value[64];
        struct sigaction act = { .sa_handler = interrupted };
        sigaction(SIGUSR1, &act, NULL);
        _exit(fetch(TAKE, "i", 1, value, sizeof value) == -EINTR ? 0 : 1);
    }
    usleep(CALM + lab_below(3000));
    kill(pid, SIGUSR1);
    EXPECT("R12", end_of((struct taker){ pid, 0 }), 0,
           "the end of a TAKE that a signal interrupts (0: EINTR; -1: it still waits)");
    EXPECT("R1", put("i", 1, "kept", 4), 0, "PUT of the name that it waited for");
    expect_value("R12", "i", 1, "kept", 4);
}

static void test_quiet(void)
{
    struct taker t = start_taker("never", NULL, 0);
    long before = lab_messages("names");
    usleep(300000);
    EXPECT("R15", lab_messages("names") - before, 0,
           "letting one TAKE wait for 300 ms: messages and notifications that the server received "
           "meanwhile");
    EXPECT("R1", put("never", 5, "", 0), 0, "PUT of the name");
    EXPECT("R10", end_of(t), 0, "the end of the TAKE");
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = {
        { "put-get", test_put_get }, { "bounds", test_bounds },
        { "full", test_full },       { "remove", test_remove },
        { "list", test_list },       { "model", test_model },
        { "unknown", test_unknown }, { "take", test_take },
        { "waits", test_waits },     { "line", test_line },
        { "dead", test_dead },       { "many", test_many },
        { "pages", test_pages },     { "signal", test_signal },
        { "quiet", test_quiet },     { 0 },
    };
    int status = lab_main(argc, argv, tests);
    while (used_count--)
        take_away(used[used_count].name, used[used_count].length);
    return status;
}
