/* Core files, inside: what stands between the steps, and where the memory is that they write; see
 * core.c. */
#ifndef CORE_STEPS_H
#define CORE_STEPS_H

#include "core_file.h"
#include "timer.h"

/* Pages of the program for this service, and regions that are looked at in one go. */
enum { SCRATCH = 2 * PAGE_SIZE, LIST = 32 };

enum state { GATHER, MAP, COUNT, UNLINK, OPEN, EMPTY, SEGMENTS, NOTES, PAGES, SIZE, CLOSE, UNMAP };

struct core {
    struct process *process;
    struct thread *thread; /* which has taken the signal and makes the calls */
    struct siginfo info;
    uint32_t user; /* who is charged for this */
    uint8_t state;
    bool held, calls_in; /* GATHER: the thread is held in an event; the others are being called */
    bool full;           /* the piece at hand is the last that RLIMIT_CORE lets through */
    bool written;        /* the file has a beginning: WCOREDUMP */
    struct timer timer;
    uint64_t since;    /* when it began */
    struct regs regs;  /* the thread's, when it took the signal, */
    uint64_t number;   /* and the number of its system call, or NO_SYSCALL */
    uint64_t call[7];  /* the one at hand: number and arguments */
    uint64_t limit;    /* RLIMIT_CORE */
    caller_t scratch;  /* the mapped pages */
    int fd;            /* the file */
    unsigned threads;  /* of which notes tell, */
    unsigned noted;    /* and so many have been told of */
    caller_t auxv_at;  /* the auxiliary vector, */
    unsigned auxv;     /* so many bytes */
    unsigned count;    /* regions that the table tells of */
    unsigned done;     /* those that have been dealt with in this state */
    vaddr_t next;      /* where the next region is looked for */
    uint64_t file_at;  /* where the next piece of header and notes goes */
    uint64_t first_at; /* where the first region's pages go, */
    uint64_t data_at;  /* and those of the next one */
    vaddr_t at, stop;  /* PAGES: what is left of the region at hand */
    uint64_t base;     /* file offset - address of a byte of it */
    bool whole;        /* of which absent pages are kept too */
    unsigned shows;    /* regions that show the program's file, */
    struct pm_region files[CORE_FILES];
    char program[PROC_EXE]; /* and its name */
};

/* What a step needs for a moment. */
struct work {
    struct pm_region list[LIST];
    char piece[PAGE_SIZE];
    uint8_t fpu[FPU_SIZE];
};

/* Takes the result of the last call, and says by c->call which is next. false: nothing is left to
 * be called. May wait. */
bool core_step(struct core *c, struct work *w, int64_t result);

/* ---- what of the memory the file keeps (core_memory.c) ---- */

/* Tells of regions from c->next on, up to `places` of them; *last: there are no more. The pages for
 * this service are left out. Returns how many. May wait. */
unsigned core_regions(struct core *c, struct pm_region *list, unsigned places, bool *last);
/* How many bytes of a region the file keeps. */
uint64_t core_bytes_kept(const struct core *c, const struct pm_region *r);
/* Goes on to the next region that has pages in the file. false: there is none. May wait. */
bool core_region_next(struct core *c);
/* Finds the next pages of the region at hand. Returns how many bytes, from c->at on; 0: up to there
 * none is. May wait. */
uint64_t core_pages_next(struct core *c);

#endif
