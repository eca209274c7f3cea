/* The service manager's parts, each standing on those before it: see README.md. */
#ifndef RS_H
#define RS_H

#include "manifest.h"
#include "policy.h"
#include "service.h"

/* ---- services.c: the table of services ---- */

/* The states of a service; README.md has the table of them. */
enum state {
    ABSENT,
    CREATED,   /* it has its slot: calls to it wait */
    RUNNING,   /* undisturbed */
    STOPPED,   /* by command; calls to it wait */
    WAITING,   /* it has died often: frozen until `retry` */
    GIVEN_UP,  /* calls to it fail with -ENXIO */
    REFUSED,   /* likewise: its program or its manifest is not acceptable */
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
    uint64_t replaced;   /* TRIAL, PROVING: when, nanoseconds since boot */
    uint64_t patience;   /* CHANGING, RETURNING: likewise */
    uint64_t retry;      /* WAITING: likewise */
    call_t asker;        /* the call that waits for the end of the replacement; 0: none */
    int64_t asker_bytes; /* its result when the replacement has come up */
    uint32_t starts, deaths, hangs;
    struct policy_record policy;
};

extern struct entry services[MAX_SERVICE]; /* by slot; 0 is none, 1 the manager */
extern unsigned slots;

/* The slot of a name that is not terminated; 0: there is none. */
unsigned slot_of(const char *name, size_t length);
/* Whether a service runs: RUNNING, or under way to another program. */
bool is_running(const struct entry *e);
/* What `service list` calls a state. */
const char *state_name(enum state s);
/* What the kernel knows of the service in a slot; false: there is none. */
bool task_of(unsigned slot, struct task_info *info);

/* ---- boot.c ---- */

/* Reads boot.services and the manifests: services become ABSENT or REFUSED. Dies of a cycle of
 * calls. pages: the machine's. */
void boot_read(uint64_t pages);

/* ---- image.c: programs ---- */

/* Whether a program, relocated to its place already, can be loaded. 0, or -ENOEXEC. */
int image_check(const struct image *i);
/* How far behind SERVICE_LINKED the place of a program is that has been checked. */
vaddr_t image_slide(const struct image *i);
enum load {
    LOAD_ALL,
    LOAD_CONSTANT,      /* code and constants */
    LOAD_BESIDES_STATE, /* and what libservice needs for itself */
};
/* Writes a program into the memory of the service in a slot. *entry, unless entry is NULL, becomes
 * the address to start it at. 0, or -ENOEXEC, -ENOMEM. */
int image_load(unsigned slot, const struct image *i, enum load what, uint64_t *entry);
/* Whether both programs keep state, of the same version and at the same addresses. */
bool image_same_state(const struct image *a, const struct image *b);
/* Writes bytes over the code of the service in a slot, at an address as linked. 0; -EINVAL: there
 * is no code. */
int image_poke(unsigned slot, vaddr_t address, const void *bytes, size_t length);

/* ---- lifecycle.c: each 0 or a negated errno ---- */

/* Gives a service its slot in the kernel, so that calls to it wait: CREATED, or REFUSED. */
int lifecycle_create(unsigned slot);
/* Starts a service that does not run: RUNNING, or GIVEN_UP, REFUSED if that fails. -EALREADY. */
int lifecycle_start(unsigned slot);
/* Stops a service that keeps nothing: STOPPED. -EALREADY; -EOPNOTSUPP: it keeps state; -EDEADLK:
 * its manifest forbids it. */
int lifecycle_stop(unsigned slot);
/* Starts a service afresh, rolls it back if it keeps state, starts it if it does not run. */
int lifecycle_restart(unsigned slot);
/* Freezes a running service; death_found() brings it back. -EALREADY: it does not run. */
int lifecycle_kill(unsigned slot);
/* Throws away all that runs in a service, and starts its program; callers wait. The state stays. */
int lifecycle_afresh(unsigned slot);
/* Makes a service GIVEN_UP or REFUSED: it will not come up (again), and calls to it fail with
 * -ENXIO. If nothing can run without it, lifecycle_halt_if_due() stops the machine some seconds
 * later. */
void lifecycle_give_up(unsigned slot, enum state state);
void lifecycle_halt_if_due(uint64_t now);

/* ---- replace.c: another program for a service ---- */

/* Puts another program in the place of what runs. 0: it has taken over, or will when the service is
 * at rest; -ENOEXEC; -EBUSY; -EOPNOTSUPP: it keeps another state. 1: it is the program that runs,
 * which has been restarted. */
int replace_with(unsigned slot, const struct image *by);
/* Has call c wait for the end of the replacement, which answers it: `bytes`, or an error
 * (-ECANCELED). */
void replace_await(unsigned slot, call_t c, int64_t bytes);
/* For a service that is CHANGING or RETURNING and not frozen: changes its program if it is at rest,
 * or gives the change up when `patience` is over. */
void replace_at_rest(unsigned slot, uint64_t now);
/* For a service on TRIAL or PROVING: goes back to the former program if the replacement has not
 * come up in time or speaks other protocols. */
void replace_prove(unsigned slot, const struct task_info *info, uint64_t now);
/* Tells that a service has died. true: the former program runs again, so nothing is left to do. */
bool replace_died(unsigned slot, const struct task_info *info);
/* Answers the call that waits for a replacement: the service has been stopped. */
void replace_cancel(unsigned slot);

/* ---- death.c ---- */

/* Judges the death of a service, which the kernel has frozen: brings it back, at once or later
 * (WAITING), or gives it up. */
void death_found(unsigned slot, const struct task_info *info);
/* Brings a service back whose time of WAITING is over. */
void death_retry(unsigned slot);

/* ---- inject.c: deaths and damage on purpose, for the tests ---- */

/* From now on kills those services of a mask of slots that are at work: at random times, mean_ns
 * apart in the mean (0: no longer); */
void inject_storm(uint64_t seed, uint64_t mean_ns, uint64_t mask);
/* or once, at `when` after boot; */
void inject_at(uint64_t when, uint64_t mask);
/* or once, ns after a record of the trace has been made. */
void inject_after(uint64_t record, uint64_t ns, uint64_t mask);
/* When the next of these deaths is due, in nanoseconds since boot; 0: none is. */
uint64_t inject_next(void);
/* Does what is due at `now`; bits: the notifications that have come. */
void inject_due(uint64_t now, uint64_t bits);
/* Writes hexadecimal digits over the code of a service. 0, -EINVAL; -EBUSY: it does not run. */
int inject_mutant(unsigned slot, vaddr_t address, const char *digits, size_t count);

/* ---- watch.c: deaths, hangs, and what is due ---- */

/* Looks after all services and sets the next alarm. bits: the notifications that have come (deaths,
 * the alarm, the trace); 0: something may be due earlier than was known. */
void watch_services(uint64_t bits);

/* ---- device.c: /dev/service ---- */

extern const struct protocol device_protocol;

#endif
