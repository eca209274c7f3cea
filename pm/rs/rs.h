/* The service manager's parts, each standing on those before it: see README.md. */
#ifndef RS_H
#define RS_H

#include "manifest.h"
#include "service.h"

enum { MS = 1000000 }; /* in nanoseconds, in which all times are counted */

/* ---- services.c: the table of services ---- */

/* What becomes of a service; the drawing is in README.md. */
enum state {
    ABSENT,
    CREATED,   /* it has its slot: calls to it wait */
    RUNNING,   /* undisturbed */
    STOPPED,   /* by command; its callers wait */
    WAITING,   /* it has died often: frozen until `retry` */
    GIVEN_UP,  /* its callers get -ENXIO */
    REFUSED,   /* its program or its manifest is not acceptable */
    CHANGING,  /* runs; `next` takes over as soon as it is at rest, or nothing until `patience` */
    TRIAL,     /* a replacement runs that has not come up yet; `former` is what ran before */
    PROVING,   /* the replacement has come up, and `former` is kept for a while */
    RETURNING, /* runs; the replacement has died, and `former` takes over when it is at rest */
};

/* A program, where it can be read. */
struct image {
    const char *bytes;
    size_t size;
    bool replacement; /* it is not the one of the boot list */
};

/* What tells a request from another one: the thread that made it, and what it asked for. */
struct request {
    uint64_t op, object, position, word;
    uint32_t thread;
};

struct entry {
    char name[16];
    struct service_rights rights;
    struct manifest_more more;
    uint32_t protocols; /* bit per protocol that it speaks; 0: it has not come up yet */
    enum state state;
    enum state resumes; /* WAITING: the state that it comes back to */
    struct image program;
    struct image former; /* TRIAL, PROVING, RETURNING */
    struct image next;   /* CHANGING */
    uint64_t patience;   /* CHANGING, RETURNING: nanoseconds since boot */
    uint64_t retry;      /* WAITING: likewise */
    call_t asker;        /* who has asked for the replacement and waits; 0: nobody */
    int64_t asker_bytes; /* what he gets when it has come up */
    uint32_t starts, deaths, hangs;

    /* death.c */
    uint64_t died;        /* when it died last, or was replaced */
    uint32_t row;         /* deaths one soon after the other */
    uint64_t failed_at;   /* task_info.stretch when it died last by its own fault, and */
    uint32_t failures;    /* how often it has at that one */
    struct request fatal; /* one that keeps nothing: the request that it died of last; op 0: none */

    /* watch.c */
    uint64_t pulse;  /* what it was at when it was looked at last, */
    uint32_t looks;  /* so many times */
    uint32_t sleeps; /* hangs asleep since it last was at rest: its patience doubles each time */
};

extern struct entry services[MAX_SERVICE]; /* by slot; 0 is nobody, 1 is the manager */
extern unsigned slots;

unsigned slot_of(const char *name, size_t length); /* 0: there is none */
bool is_running(const struct entry *e);            /* RUNNING, or under way to another program */
const char *state_name(enum state s);
/* What the kernel knows of the service in a slot; false: there is none. */
bool task_of(unsigned slot, struct task_info *info);

/* ---- boot.c ---- */

/* Reads boot.services and the manifests; dies of a cycle of calls. pages: what the machine has. */
void boot_read(uint64_t pages);

/* ---- image.c: programs ---- */

int image_check(const struct image *i); /* a program that has its place: 0, or -ENOEXEC */
/* how far behind SERVICE_LINKED that is; for one that has been checked */
vaddr_t image_slide(const struct image *i);
enum load {
    LOAD_ALL,
    LOAD_CONSTANT,      /* code and constants */
    LOAD_BESIDES_STATE, /* and what libservice needs for itself */
};
/* Writes it into the service's memory. entry: where to start it, or NULL. 0, or -ENOEXEC, -ENOMEM.
 */
int image_load(unsigned slot, const struct image *i, enum load what, uint64_t *entry);
/* Both keep state, of the same version, at the same addresses. */
bool image_same_state(const struct image *a, const struct image *b);
/* Over its code, at an address as linked; -EINVAL when it has none there. */
int image_poke(unsigned slot, vaddr_t address, const void *bytes, size_t length);

/* ---- lifecycle.c: each 0 or a negated errno ---- */

int lifecycle_create(unsigned slot); /* its slot only: calls to it wait */
int lifecycle_start(unsigned slot);
int lifecycle_stop(unsigned slot);
int lifecycle_restart(unsigned slot);
int lifecycle_kill(unsigned slot);
/* Everything of the running one goes, and its program starts; callers wait for it. */
int lifecycle_afresh(unsigned slot);
/* It will not come up (again): its callers get -ENXIO; GIVEN_UP or REFUSED. Where nothing can run
 * without it, the machine stops some seconds later. */
void lifecycle_give_up(unsigned slot, enum state state);
void lifecycle_halt_if_due(uint64_t now);

/* ---- replace.c: another program for a service ---- */

/* 0: it has taken over, or will when the service is at rest; or -ENOEXEC, -EBUSY, -EOPNOTSUPP (its
 * state is another one). 1: it is what runs, which has been restarted. */
int replace_with(unsigned slot, const struct image *by);
/* The call c waits for the end of the replacement: `bytes`, or -ECANCELED. */
void replace_await(unsigned slot, call_t c, int64_t bytes);
/* CHANGING, RETURNING, and the service is not frozen: changes it if it is at rest. */
void replace_at_rest(unsigned slot, uint64_t now);
/* TRIAL, PROVING: has the replacement come up, in time and with the same protocols? */
void replace_prove(unsigned slot, const struct task_info *info, uint64_t now);
/* The service has died. true: nothing is left to do, the former program runs again. */
bool replace_died(unsigned slot, const struct task_info *info);
/* Nothing comes of a replacement that is under way: the service has been stopped, or given up. */
void replace_cancel(unsigned slot);

/* ---- death.c ---- */

void death_found(unsigned slot, const struct task_info *info); /* it is frozen */
void death_retry(unsigned slot);                               /* WAITING is over */

/* ---- inject.c: deaths and damage on purpose, for the tests ---- */

/* Kills whoever of the mask of slots is at work, at random times of that mean, */
void inject_storm(uint64_t seed, uint64_t mean_ns, uint64_t mask);
/* once, at a time after boot, */
void inject_at(uint64_t when, uint64_t mask);
/* or that long after that record of the trace. */
void inject_after(uint64_t record, uint64_t ns, uint64_t mask);
uint64_t inject_next(void); /* nanoseconds since boot; 0: no more */
void inject_due(uint64_t now, uint64_t bits);
/* Writes over its code, the bytes hexadecimal; 0, -EINVAL, -EBUSY, -EFAULT. */
int inject_mutant(unsigned slot, vaddr_t address, const char *digits, size_t count);

/* ---- watch.c: deaths, hangs, and what is due ---- */

/* bits: notifications: deaths, the alarm, the trace. 0: something may be due earlier than was
 * known. */
void watch_services(uint64_t bits);

/* ---- device.c: /dev/service ---- */

extern const struct protocol device_protocol;

#endif
