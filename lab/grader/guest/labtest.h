/* What the test programs of labs have in common. A test is a function; at the first wrong result it
 * prints what was done, what was expected by which requirement, and what happened, and ends the
 * program. Exit status: 0 right, 1 wrong, 2 the program itself could not go on. */
#ifndef LABTEST_H
#define LABTEST_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct labtest {
    const char *name;
    void (*run)(void);
};

/* ---- random numbers: the same from the same seed, everywhere (xorshift64*, Vigna 2016) ---- */

static uint64_t lab_state;

static inline void lab_seed(uint64_t seed) { lab_state = (seed + 1) * 0x9e3779b97f4a7c15ull; }

static inline uint64_t lab_random(void)
{
    lab_state ^= lab_state >> 12;
    lab_state ^= lab_state << 25;
    lab_state ^= lab_state >> 27;
    return lab_state * 0x2545f4914f6cdd1dull;
}

static inline unsigned lab_below(unsigned n) { return (lab_random() >> 33) % n; }

/* ---- saying what is seen, for tests whose oracle is Linux ---- */

/* One line of what a test has seen, to be compared with Linux's: what was done, and its result. */
__attribute__((format(printf, 2, 3))) static inline long say(long result, const char *format, ...)
{
    int error = errno;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    if (result < 0)
        printf(" = %s\n", strerror(error));
    else
        printf(" = %ld\n", result);
    return result;
}

#define SAY(call) say((long)(call), "%s", #call)

/* ---- saying what is wrong ---- */

static inline const char *lab_result(int64_t value)
{
    static char text[4][48];
    static unsigned next;
    char *t = text[next++ % 4];
    if (value < 0 && value > -200)
        snprintf(t, sizeof text[0], "%s (%lld)", strerror(-value), (long long)value);
    else
        snprintf(t, sizeof text[0], "%lld", (long long)value);
    return t;
}

/* What is about to be done. A test that never ends is explained by the last of these. */
__attribute__((format(printf, 1, 2))) static inline void lab_now(const char *format, ...)
{
    int error = errno;
    va_list args;
    va_start(args, format);
    printf("now: ");
    vprintf(format, args);
    printf("\n");
    fflush(stdout);
    va_end(args);
    errno = error;
}

/* A line that the report shows below what lab_fail() says. */
__attribute__((format(printf, 1, 2))) static inline void lab_show(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("shown: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

/* Three lines, of which the grader knows the first words. */
__attribute__((format(printf, 4, 5), noreturn)) static inline void
lab_fail(const char *requirement, const char *expected, const char *happened, const char *done, ...)
{
    va_list args;
    va_start(args, done);
    printf("did: ");
    vprintf(done, args);
    printf("\nexpected: %s (%s)\nhappened: %s\n", expected, requirement, happened);
    va_end(args);
    fflush(stdout);
    _Exit(1);
}

/* A result is what it has to be. */
#define EXPECT(requirement, got, wanted, ...)                                          \
    do {                                                                               \
        int64_t got_ = (got), wanted_ = (wanted);                                      \
        if (got_ != wanted_)                                                           \
            lab_fail(requirement, lab_result(wanted_), lab_result(got_), __VA_ARGS__); \
    } while (0)

/* The test program's own trouble: not the student's fault. */
#define NEED(condition)                                                                          \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            printf("trouble: %s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno)); \
            fflush(stdout);                                                                      \
            _Exit(2);                                                                            \
        }                                                                                        \
    } while (0)

/* ---- a number for the leaderboard ---- */

/* lab.toml names it. It counts where all tests pass; of several runs the worst does. */
static inline void lab_measure(const char *name, double number)
{
    printf("measure: %s = %.10g\n", name, number);
    fflush(stdout);
}

static inline uint64_t lab_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Instructions that the machine has executed since some time in the past. Its clock counts them, at
 * 2^n ns each; a loop of known length tells the n. */
static inline uint64_t lab_instructions(void)
{
    static unsigned shift;
    static int known;
    if (!known) {
        uint64_t n = 100000, start = lab_ns();
        __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(n));
        for (uint64_t each = (lab_ns() - start) / 200000; each > 1; each /= 2)
            shift++;
        known = 1;
    }
    return lab_ns() >> shift;
}

/* How many messages a service has received; notifications are among them. */
static inline long lab_messages(const char *service)
{
    char line[256];
    long n = -1;
    FILE *file = fopen("/proc/minnow/services", "r");
    NEED(file);
    while (fgets(line, sizeof line, file)) {
        char name[32];
        long slot, starts, threads, messages;
        if (sscanf(line, "%ld %31s %*s %ld %ld %ld", &slot, name, &starts, &threads, &messages) ==
                5 &&
            !strcmp(name, service))
            n = messages;
    }
    fclose(file);
    NEED(n >= 0);
    return n;
}

/* main() of a test program: PROGRAM TEST SEED */
static inline int lab_main(int argc, char **argv, const struct labtest *tests)
{
    NEED(argc == 3);
    lab_seed(strtoull(argv[2], NULL, 10));
    for (; tests->name; tests++)
        if (!strcmp(tests->name, argv[1])) {
            tests->run();
            return 0;
        }
    printf("trouble: there is no test %s\n", argv[1]);
    return 2;
}

#endif
