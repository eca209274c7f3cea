/* What a program finds on its stack (System V ABI, x86-64 supplement, 3.4.1), from the top down:
 *
 *     8 zero bytes | file name | environment strings | argument strings | platform | 16 random bytes | padding
 *     | auxiliary vector | NULL | environment pointers | NULL | argument pointers | argument count  <- stack pointer
 *
 * Tested on the host. */
#ifndef STACK_H
#define STACK_H

#include <minnow/types.h>

enum { AT_NULL = 0, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7, AT_FLAGS = 8, AT_ENTRY = 9,
       AT_UID = 11, AT_EUID = 12, AT_GID = 13, AT_EGID = 14, AT_PLATFORM = 15, AT_HWCAP = 16, AT_CLKTCK = 17,
       AT_SECURE = 23, AT_RANDOM = 25, AT_EXECFN = 31, AT_SYSINFO_EHDR = 33 };
enum { STACK_AUX_MAX = 24, STACK_PIECE = 256 };

struct aux { uint64_t type, value; };

struct stack {
    vaddr_t     top;              /* given: the end of the stack, page-aligned */
    const char *strings;          /* given: argc + envc strings, each with its NUL */
    uint32_t    bytes, argc, envc;
    const char *name;             /* given: of the program's file */
    uint64_t    random[2];        /* given */
    struct aux  aux[STACK_AUX_MAX];   /* given but for AT_RANDOM, AT_EXECFN, AT_PLATFORM and AT_NULL */
    unsigned    aux_count;
    vaddr_t     name_at, strings_at, platform_at, random_at;   /* from stack_lay */
    vaddr_t     pointer;          /* from stack_lay: the first stack pointer */
};

/* Whether `bytes` bytes are exactly `count` strings. */
bool stack_strings(const char *strings, uint32_t bytes, uint64_t count);
/* Decides where everything goes and completes the auxiliary vector. false: it does not fit into `limit` bytes. */
bool stack_lay(struct stack *s, uint64_t limit);
/* Writes it all, piece by piece, by the given function. 0, or its first error. */
typedef int64_t (*stack_put_t)(void *argument, vaddr_t to, const void *from, size_t length);
int64_t stack_write(const struct stack *s, stack_put_t put, void *argument);

#endif
