/* Scalars that every part of the system shares. */
#ifndef MINNOW_TYPES_H
#define MINNOW_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t; /* a physical address */
typedef uint64_t vaddr_t; /* an address in the space of the task or kernel that has the variable */
/* an address in a *caller's* space: never dereference it, copy through the window */
typedef uint64_t caller_t;
/* a task: index in the low 16 bits, generation above; services are 1..63 */
typedef uint32_t endpoint_t;
/* a call: index of its thread in the low 16 bits, sequence above; 0: none */
typedef uint64_t call_t;

#define SECOND 1000000000l /* in nanoseconds, in which all times are counted */

/* The structure of which `pointer` points to the field `member`. */
#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* In services, of a structure that exists on the stack of the running thread alone, which is set
 * back in one piece, or in a buffer that is filled anew before each use and used before the next
 * call that commits; never in a static variable of its own, in memory_alloc()'s memory or on
 * another thread's stack. What is stored by a pointer to it is not noted in the undo log. A static
 * variable, and a member of a structure that is not so itself, are refused when they are compiled.
 * (libservice/undo/plugin.cc) */
#ifdef UNDO_LOG
#define ON_STACK __attribute__((on_stack))
#else
#define ON_STACK
#endif

enum {
    PAGE_SIZE = 4096,
    /* endpoints below this are services; their generation is 0 and survives restart */
    MAX_SERVICE = 64,
};

/* An address or a length, down or up to a multiple of the page. */
#define PAGE_DOWN(x) ((x) & ~(uint64_t)(PAGE_SIZE - 1))
#define PAGE_UP(x)   PAGE_DOWN((x) + PAGE_SIZE - 1)

#endif
