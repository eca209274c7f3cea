/* What becomes of services, as pure logic: which one counts as hung, and what a death leads to. The
 * manager asks and carries out; all that the policy remembers of a service stands in a record that
 * the manager keeps for it. See RECOVERY.md. */
#ifndef POLICY_H
#define POLICY_H

#include <minnow/syscall.h>
#include <minnow/types.h>

enum { MS = 1000000 }; /* in nanoseconds, in which all times are counted */

enum { POLICY_LOOK_NS = 60 * MS }; /* from one look at a service to the next */

/* A request, so that it is known again: the thread that made it, and what it asked for. */
struct request {
    uint64_t op, object, position, word;
    uint32_t thread;
};

/* What is remembered of a service; all 0 at first. */
struct policy_record {
    /* of deaths */
    uint64_t back;        /* when the service came back from its last death, or will; 0: none */
    uint32_t row;         /* deaths one soon after the other */
    uint64_t failed_at;   /* death.at of its last death by its own fault, */
    uint32_t failures;    /* and how many deaths there have been at that one */
    struct request fatal; /* of a service that keeps nothing: what it died of last; op 0: none */

    /* of looks */
    uint64_t pulse;  /* what the service was at when it was looked at last, */
    uint32_t looks;  /* and how many looks in a row have seen the same */
    uint32_t sleeps; /* hangs asleep since it was last at rest: each doubles its patience */
};

/* What a look at a service that runs has found. */
struct look {
    uint64_t at;       /* 0: nothing runs in it; else a number that changes with each message */
    uint64_t messages; /* how many it has received */
    /* A call that it has received and not answered, though that one may not wait; 0: there is none,
     * or the service itself waits for another one. */
    call_t owes;
    uint32_t patience_ms; /* of its manifest; UINT32_MAX: for ever */
    bool next;            /* its thread has the processor next */
    bool afresh;          /* it keeps nothing */
};

enum health {
    HEALTH_WELL,
    HEALTH_SPINS,          /* it counts as hung and is killed: its death is of CRASH_HUNG */
    HEALTH_SLEEPS,         /* likewise */
    HEALTH_SLEEPS_FAILING, /* likewise, and the call that it owes an answer to fails (-EIO) */
};

/* Judges a look; one each POLICY_LOOK_NS. */
enum health policy_look(struct policy_record *r, const struct look *l);

/* How a service has died that the kernel has frozen. */
struct death {
    uint64_t now;
    enum crash crash;
    uint64_t at;            /* how far it had got, as look.at; 0: nothing ran in it */
    bool ready;             /* it had come up */
    bool afresh;            /* it keeps nothing */
    bool serving;           /* afresh: it was serving this request */
    struct request request; /* likewise */
};

enum fate {
    FATE_RETURNS, /* it comes back at once, in the way of policy_return() */
    FATE_WAITS,   /* likewise, but only at `retry`; its callers wait */
    FATE_GIVEN_UP /* its callers get -ENXIO, now and in future */
};

struct verdict {
    enum fate fate;
    bool fails;     /* the request that it was serving fails (-EIO) */
    uint64_t retry; /* FATE_WAITS: nanoseconds since boot */
};

/* Judges a death: once for each. */
struct verdict policy_death(struct policy_record *r, const struct death *d);

enum way {
    WAY_AFRESH,  /* it is started as at boot, and asked again what it has not answered */
    WAY_AGAIN,   /* rolled back, it goes the same way again */
    WAY_FAILING, /* likewise, and what that way began with fails (-EIO) */
    WAY_NONE,    /* its state is lost: it is given up */
};

/* How a service comes back after that death, which policy_death() has judged. */
enum way policy_return(const struct policy_record *r, const struct death *d);

/* Tells that a program of the service starts: looks are counted anew. */
void policy_starts(struct policy_record *r);

/* Tells that it starts by somebody's will, who may have mended it: the row of deaths is over. */
void policy_forgives(struct policy_record *r);

#endif
