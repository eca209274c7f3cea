/* Pseudo terminals. A pair is a terminal, the slave, and instead of a device its master: what
 * programs write to the slave the master reads, and what the master is written is typed at the
 * slave.
 *
 *     write -> [ master.c ] -> terminal_input() -> [ libtty ] -> read
 *     read  <- [ master.c ] <- terminal_look()  <- [ libtty ] <- write
 *
 *     master   slave          a read of the master    a read of the slave   its name
 *     open     not yet open   waits                   -                     opens
 *     open     open           waits                   waits                 opens
 *     open     closed         -EIO, after the output  -                     opens
 *     closed   open           -                       0: it has hung up     none
 *     closed   closed         the pair is free as soon as POSIX knows that its session has lost it
 *
 * The slave's object is its device number, which is also that of its name in /dev/pts; the master's
 * is PTY_MASTER + the pair's number. */
#ifndef PTY_H
#define PTY_H

#include "handlers.h"
#include "terminal.h"

enum { PAIRS = DEV_PTS_COUNT };

struct pair {
    struct fs_node node; /* the slave's name in /dev/pts, and its attributes */
    struct terminal *slave;
    bool master;     /* the master is open; else there is no name */
    uint32_t slaves; /* open files of the slave */
    bool was_open;   /* the slave has been */
    bool packet;     /* TIOCPKT */
    uint32_t user;   /* who is charged */

    /* Calls on the master that wait. */
    struct pending_list readers;
    struct writes writes;
    struct pollable poll;
    uint16_t poll_seen; /* events that held when somebody asked last, or was told */
    uint32_t poll_head; /* how much output there had been then */
};

/* ---- pairs.c ---- */

void pairs_start(void);
struct pair *pair_number(uint64_t number);    /* NULL: there can be none */
struct pair *pair_of_master(uint64_t object); /* NULL: the object is no master's */
struct pair *pair_of_slave(uint64_t object);  /* NULL: likewise */
static inline unsigned number_of(const struct pair *p) { return p->slave->number - DEV_PTS; }
int64_t pair_open(struct message *m); /* FS_OPEN of ptmx: a new pair */
void pair_lock(struct pair *p, bool lock);
bool pair_locked(const struct pair *p);
void pair_release(const struct message *m);

/* ---- master.c: the handlers of protocol FS for masters ---- */

extern const handler_t master_handlers[FS_HANDLERS];
/* Ends what need wait no longer on either side. To be called after every call. */
void pair_settle(struct pair *p);
/* Gives the master what the slave has for it. */
void master_serve(struct pair *p);
void master_start(struct pair *p); /* fills in what is this file's of a fresh pair */

/* ---- names.c: fs_ops, the file system of names ---- */

/* The name of a pair whose slave gets this owner. */
void name_make(struct pair *p, uint32_t uid);

#endif
