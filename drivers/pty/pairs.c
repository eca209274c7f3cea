/* Pairs: making, opening, closing them. See pty.h. */
#include "pty.h"

#include "share.h"

static struct terminal slaves[PAIRS];
static struct pair pairs[PAIRS];
static struct share pair_share = SHARE(PAIRS, PAIRS / 8, PAIRS / 2);

struct pair *pair_number(uint64_t number) { return number < PAIRS ? &pairs[number] : NULL; }

struct pair *pair_of_master(uint64_t object)
{
    return object < PTY_MASTER ? NULL : pair_number(object - PTY_MASTER);
}

struct pair *pair_of_slave(uint64_t object)
{
    return object < DEV_PTS ? NULL : pair_number(object - DEV_PTS);
}

/* terminal.start */
static void slave_written(struct terminal *t) { master_serve(pair_of_slave(t->number)); }

/* terminal.resume */
static void slave_read(struct terminal *t)
{
    struct pair *p = pair_of_slave(t->number);
    writes_settle(&p->writes, false);
    master_serve(p);
}

/* terminal.opened */
static void slave_opened(struct terminal *t)
{
    struct pair *p = pair_of_slave(t->number);
    p->slaves++;
    p->was_open = true;
}

void pairs_start(void)
{
    for (unsigned i = 0; i < PAIRS; i++) {
        struct terminal *t = pairs[i].slave = &slaves[i];
        t->number = DEV_PTS + i;
        t->start = slave_written;
        t->resume = slave_read;
        t->opened = slave_opened;
        t->arrives_at_once = true;
        t->closed = -EIO;
        master_start(&pairs[i]);
    }
    terminal_start(slaves, PAIRS);
}

/* A pair that nobody has open, and that no session has to lose; NULL: there is none. */
static struct pair *free_pair(void)
{
    for (unsigned i = 0; i < PAIRS; i++)
        if (!pairs[i].master && !pairs[i].slaves && !slaves[i].lost)
            return &pairs[i];
    return NULL;
}

int64_t pair_open(struct message *m)
{
    uint32_t user = call_user(m->call);
    struct pair *p = free_pair();
    if (!p || share_take(&pair_share, user, 1, -ENOSPC))
        return -ENOSPC;
    uint32_t flags = m->w[1] & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
    int64_t descriptor = connect(m, PTY_MASTER + number_of(p), flags);
    if (descriptor < 0) {
        share_give(&pair_share, user, 1);
        return descriptor;
    }
    terminal_fresh(p->slave);
    p->slave->termios.cflag &= ~(uint32_t)(HUPCL | CLOCAL); /* of real lines */
    pair_lock(p, true);
    p->master = true;
    p->was_open = p->packet = false;
    p->user = user;
    name_make(p, m->w[4] >> 32);
    return descriptor;
}

void pair_lock(struct pair *p, bool lock) { p->slave->closed = lock ? -EIO : 0; }
bool pair_locked(const struct pair *p) { return p->slave->closed; }

void pair_release(const struct message *m)
{
    struct pair *p = pair_of_master(m->object);
    if (p) {
        p->master = false;
        pair_lock(p, true);
        terminal_hang_up(p->slave);
    } else if ((p = pair_of_slave(m->object)) && p->slaves) {
        p->slaves--;
    } else {
        return; /* the directory */
    }
    if (!p->master && !p->slaves)
        share_give(&pair_share, p->user, 1);
    pair_settle(p);
}
