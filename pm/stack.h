/* What a program finds on its stack (System V ABI, x86-64 supplement, 3.4.1), from the top down:
 *
 *     8 zero bytes
 *     file name, environment strings, argument strings, platform
 *     16 random bytes, padding
 *     auxiliary vector
 *     NULL, environment pointers
 *     NULL, argument pointers
 *     argument count  <- stack pointer
 *
 * Tested on the host. */
#ifndef STACK_H
#define STACK_H

#include <minnow/types.h>

enum {
    AT_NULL = 0,
    AT_PHDR = 3,
    AT_PHENT = 4,
    AT_PHNUM = 5,
    AT_PAGESZ = 6,
    AT_BASE = 7,
    AT_FLAGS = 8,
    AT_ENTRY = 9,
    AT_UID = 11,
    AT_EUID = 12,
    AT_GID = 13,
    AT_EGID = 14,
    AT_PLATFORM = 15,
    AT_HWCAP = 16,
    AT_CLKTCK = 17,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_EXECFN = 31,
    AT_SYSINFO_EHDR = 33
};
enum { STACK_AUX_MAX = 24, STACK_PIECE = 256 };

struct aux {
    uint64_t type, value;
};

struct stack {
    /* given: the first argument; the others follow it, then the environment */
    vaddr_t strings_at;
    vaddr_t name_at;     /* given: of the program's file */
    uint32_t argc, envc; /* given */
    uint64_t random[2];  /* given */
    /* given but for AT_RANDOM, AT_EXECFN, AT_PLATFORM and AT_NULL */
    struct aux aux[STACK_AUX_MAX];
    unsigned aux_count;
    vaddr_t platform_at, random_at; /* from stack_lay */
    vaddr_t pointer;                /* from stack_lay: the first stack pointer */
};

/* Where the auxiliary vector stands. */
static inline vaddr_t stack_auxv(const struct stack *s)
{
    return s->pointer + sizeof(uint64_t) * (1 + s->argc + 1ul + s->envc + 1);
}

/* Where a program's memory is written, and where the string behind the one at an address begins. */
struct stack_memory {
    /* 0 or an error */
    int64_t (*put)(void *argument, vaddr_t to, const void *from, size_t length);
    vaddr_t (*next)(void *argument, vaddr_t string);
    void *argument;
};

/* Whether `bytes` bytes are exactly `count` strings. */
bool stack_strings(const char *strings, uint32_t bytes, uint64_t count);
/* Decides where everything below the strings goes and completes the auxiliary vector. */
void stack_lay(struct stack *s);
/* Writes all of it but the strings and the name, piece by piece. 0, or the first error of put(). */
int64_t stack_write(const struct stack *s, const struct stack_memory *memory);

#endif
