/* The service manager's parts: see README.md. */
#ifndef RS_H
#define RS_H

#include "manifest.h"
#include "service.h"

enum state {
    ABSENT,
    CREATED, /* it has its slot: calls to it wait */
    RUNNING,
    STOPPED,  /* by command; its callers wait */
    WAITING,  /* it has died often: until `retry` */
    GIVEN_UP, /* it never came up: callers get -ENXIO */
    REFUSED,  /* its program or its manifest is not acceptable */
};

/* A program, where it can be read. */
struct image {
    const char *bytes;
    size_t size;
};

struct entry {
    char name[16];
    struct image program; /* what runs, or would */
    /* what ran until a replacement that has not proved itself yet */
    struct image before;
    struct service_rights rights;
    struct manifest_more more;
    enum state state;
    uint32_t starts, deaths, hangs;
    uint32_t row;         /* deaths one soon after the other */
    uint64_t died, retry; /* nanoseconds since boot */
    uint64_t pulse;       /* what it was at when it was looked at last, */
    uint32_t looks;       /* so many times */
    /* hangs asleep since it last was at rest: its patience doubles each time */
    uint32_t sleeps;
    enum crash crash;   /* WAITING: what it died of */
    uint32_t protocols; /* bit per protocol that it speaks */
    /* it is not the program of the boot list; nor was `before` */
    bool replaced, before_replaced;
    /* takes over when the service comes to rest, until `patience` */
    struct image next;
    bool next_is_former;
    uint64_t patience;
    bool on_trial; /* the replacement has not come up yet */
};

extern struct entry services[MAX_SERVICE]; /* by slot; 0 is nobody, 1 is the manager */
extern unsigned slots;
extern uint64_t all_pages;

/* boot.c */
unsigned slot_of(const char *name, size_t length);
void boot_read(void); /* boot.services and the manifests; dies of a cycle */

/* load.c */
int image_check(const struct image *i); /* a program that has its place: 0, or -ENOEXEC */
/* how far behind SERVICE_LINKED that is; for one that has been checked */
vaddr_t image_slide(const struct image *i);
enum load {
    LOAD_ALL,
    LOAD_CONSTANT /* code and constants */,
    LOAD_BESIDES_STATE /* and what libservice needs for itself */
};
int image_load(unsigned slot, const struct image *i, enum load what, uint64_t *entry);
bool image_same_state(const struct image *a, const struct image *b);
/* over its code, at an address as linked; -EINVAL when it has none there */
int image_poke(unsigned slot, vaddr_t address, const void *bytes, size_t length);

/* life.c: each 0 or a negated errno */
int life_create(unsigned slot); /* its slot only: calls to it wait */
int life_start(unsigned slot);
int life_stop(unsigned slot);
int life_restart(unsigned slot);
int life_kill(unsigned slot);
int life_replace(unsigned slot, const struct image *by);
void life_look(uint64_t bits); /* notifications: deaths, the alarm, the trace */

/* storm.c: kills whoever of the mask of slots is at work, at random times of that mean, or once */
void storm_start(uint64_t seed, uint64_t mean_ns, uint64_t mask);
void storm_at(uint64_t when, uint64_t mask);
/* that long after that record of the trace */
void storm_after(uint64_t record, uint64_t ns, uint64_t mask);
uint64_t storm_next(void); /* nanoseconds since boot; 0: no more */
void storm_look(uint64_t now, uint64_t bits);
/* its code, hexadecimal; 0, -EINVAL, -EBUSY, -EFAULT */
int storm_mutate(unsigned slot, vaddr_t address, const char *digits, size_t count);

/* control.c */
extern const struct protocol control_protocol;
/* whoever asked for the replacement is answered */
void control_replaced(unsigned slot, int64_t result);

#endif
