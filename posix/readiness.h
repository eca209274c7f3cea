/* What is known of the readiness of objects, and who waits for which: see readiness.c. */
#ifndef READINESS_H
#define READINESS_H

#include "process.h"
#include <minnow/file.h>

/* A descriptor, as poll has it in the program's memory, and the word of its open file, which leads
 * to what is known of the object behind it. */
struct pollfd {
    int32_t fd;
    int16_t events, revents;
};
struct poll_item {
    union {
        struct pollfd f;
        uint64_t whole; /* the same as one number */
    };
    uint64_t word;
} __attribute__((aligned(_Alignof(struct conn_word))));
_Static_assert(sizeof(struct poll_item) == sizeof(struct conn_word) &&
                   offsetof(struct poll_item, word) == offsetof(struct conn_word, word),
               "SYS_CONN_WORDS fills a list of these");

struct watch;

/* An object behind descriptors with this access mode. */
struct object {
    uint64_t object;
    struct object *next;   /* by its hash */
    struct watch *watches; /* who is told when it changes */
    uint32_t service;
    uint32_t serial;  /* in the words of its open files: the place was used so often before */
    uint32_t changes; /* counts what was heard of it */
    uint32_t user;    /* who is charged for it while it is watched */
    /* Its service has been asked about these events, has said that none of them holds, and will
     * tell of a change. 0: nothing is known. */
    uint16_t idle;
    uint16_t edge;   /* its service will tell when one of these happens, even if it holds already */
    uint16_t asking; /* handlers that wait for the service's answer: the place is not used anew */
    uint8_t access;  /* O_ACCMODE */
};

/* Wants to be told when an object changes. All 0: it watches nothing. */
struct watch {
    struct watch *next, **before;
    struct object *object;
    /* true: somebody who waits goes on because of it, and so `exclusive` watches need not be told
     * any more. Does not wait. */
    bool (*tell)(struct watch *w);
    bool exclusive;
};

enum { OBJECTS = 4096, ALWAYS_EVENTS = POLLERR | POLLHUP };
/* By the low 32 bits of a word. The first one stands for all objects that are always ready. */
extern struct object objects[OBJECTS];
/* A notification has come, and not all that it stands for has been heard yet: what is `idle` may
 * not be so any more. */
extern bool unsure;

void readiness_start(void); /* to be called at start */

/* The object that an open file's word leads to; NULL: none (any more). */
static inline struct object *object_known(uint64_t word)
{
    struct object *o = &objects[word % OBJECTS];
    return o->serial == word >> 32 ? o : NULL;
}

/* Whether it is known that neither `events` nor an error hold on o, and that a change will be
 * told. */
static inline bool object_idle(const struct object *o, uint16_t events)
{
    return !((events | ALWAYS_EVENTS) & ~o->idle) && !unsure;
}
static inline bool item_idle(const struct poll_item *i)
{
    const struct object *o = object_known(i->word);
    return __builtin_expect(o && object_idle(o, i->f.events), 1);
}

/* The object behind i's descriptor, whose word is found out again. NULL: the descriptor is not
 * open. */
struct object *object_find(struct thread *t, struct poll_item *i);
/* The object behind an open file. */
struct object *object_of(const struct conn_info *c);
/* Which of the events, or errors, hold on o, which is watched, for t. If none holds, and it is
 * armed, o is idle afterwards, unless it has changed meanwhile. May wait. */
int object_ask(struct thread *t, struct object *o, uint16_t events, enum poll_arm arm);
/* Whether nothing happens while o is asked about. */
bool object_instant(const struct object *o);
/* Likewise of i's events on what is behind its descriptor; POLLNVAL: that is not open. */
int item_ask(struct thread *t, struct poll_item *i, enum poll_arm arm);

/* Objects of this very service, `me`: events() tells which hold for one of them (POLLERR: it is
 * gone), and may wait. readiness_own_changed(): these events have happened; or, unless `edge`, they
 * only hold again. */
void readiness_own(endpoint_t me, int64_t (*events)(uint64_t object, struct thread *asker));
void readiness_own_changed(uint64_t object, uint16_t events, bool edge);

/* Whether some of these objects hold events depends on other services: fetch() brings what these
 * know, may wait, and is called before a notification counts as heard. */
void readiness_own_fetch(void (*fetch)(void));

/* w watches o from now on, for this user. 0; -ENOMEM: the user has its share of all objects. */
int watch_set(struct watch *w, struct object *o, uint32_t user);
void watch_end(struct watch *w); /* harmless if it watches nothing */

/* A service has notified. To be called before anything else is done for that notification. */
static inline void readiness_notified(void) { unsure = true; }
/* Asks each service of which an object is idle what has changed, and tells the watches. true: there
 * may be more. May wait. */
bool readiness_pull(void);

#endif
