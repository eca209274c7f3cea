/* The strings of an exec on their way out of the old program's memory onto the new one's stack.
 *
 * Until the point of no return the new stack is nowhere mapped. It is filled from the top down, as
 * Linux does it: file name, environment, arguments, each from the last string to the first. The
 * page that is being filled stands here; one that is full goes into a frame. So ordinary arguments
 * cost no frame and one copy; the largest cost frames on the user's account. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "backing.h"
#include "space.h"

enum { BLOCK = 512 };

/* A piece of a program's memory, which begins at `at`; 0: nothing. Both fields are written by
 * ordinary stores and never by copy_in(): PM may be rolled back to where an earlier piece was in
 * use, and needs that piece again. */
struct block {
    vaddr_t at;
    _Alignas(8) char bytes[BLOCK];
};

struct arguments {
    endpoint_t task;
    uint8_t protection;      /* of the new stack */
    uint32_t argc, envc;     /* of the new program */
    uint32_t frames, places; /* that are in use, that there is room for */
    vaddr_t top;             /* of the stack, page-aligned */
    vaddr_t at;              /* what stands on the stack begins here */
    vaddr_t least;           /* and may not begin below */
    vaddr_t name_at, environment_at;
    paddr_t *frame;  /* [i]: of the page that ends i pages below the top */
    vaddr_t page_at; /* whose bytes stand in `page`, from `at` on */
    struct block pointers, strings;
    char page[PAGE_SIZE];
};

/* Begins with an empty stack. To be ended with arguments_free. */
void arguments_begin(struct arguments *a, endpoint_t task, vaddr_t top);
/* Collects what `head` asks for; `given` are its strings, checked. 0, -E2BIG, -EFAULT (a bad
 * pointer), -ENOMEM. May wait. */
int arguments_collect(struct arguments *a, const struct pm_exec *head, const char *given);
/* After the change of spaces: puts the strings on the stack of the new one. The page in which they
 * begin must be mapped. 0, or an error. May wait. */
int64_t arguments_place(struct arguments *a);
/* After that: the address behind the string at `at`; `top` when the string could not be read. May
 * wait. */
vaddr_t arguments_next(struct arguments *a, vaddr_t at);
/* Gives back the frames that have not been placed. *a itself is the caller's. */
void arguments_free(struct arguments *a);

#endif
