/* Nodes and the name cache: see node.h.
 *
 * Nodes stand in a table and are found by hash chains. When a place is needed a hand goes round the
 * table (the clock algorithm: Tanenbaum, Modern Operating Systems, 3.4.5) and takes the first place
 * that is not pinned and was not used since the hand last came by. Names stand in sets of four. A
 * name refers to its two nodes, the directory and what it names, by place and generation. When the
 * place of a node is taken its generation goes up, and all names that refer to it are dead at once,
 * without a search; so are the targets of links, which are kept by place and generation too. */
#include "node.h"

#include "path.h"

enum { BUCKETS = 2048, WAYS = 4, SETS = NAMES / WAYS, NAME_ROOM = 42, LINKS = 128, LINK_ROOM = 60 };

struct name {
    uint32_t hash, dir_generation, node_generation;
    /* places of nodes; node 0: there is no such name. dir 0: the entry is free */
    uint16_t dir, node;
    uint8_t length;
    uint8_t gone; /* there is no such name any more, and node is what had it last */
    char name[NAME_ROOM];
};

struct link {
    uint32_t generation;
    uint16_t node;
    uint8_t length;
    char target[LINK_ROOM];
};

uint64_t changes;

static struct node nodes[NODES]; /* place 0 is not used */
static uint16_t buckets[BUCKETS];
static unsigned hand;
static struct name names[SETS][WAYS];
static unsigned turn;
static struct link links[LINKS];

/* ---- nodes ---- */

static inline uint16_t *bucket(unsigned service, uint64_t object)
{
    uint64_t h = (object ^ object >> 32 ^ service << 7) * 0x9e3779b97f4a7c15u;
    return &buckets[h >> 53];
}
_Static_assert(BUCKETS == 1 << (64 - 53), "bucket() takes eleven bits");

struct node *node_find(unsigned service, uint64_t object)
{
    for (unsigned i = *bucket(service, object); i; i = nodes[i].next)
        if (nodes[i].object == object && nodes[i].service == service)
            return &nodes[i];
    return NULL;
}

static void node_free(struct node *n)
{
    for (uint16_t *at = bucket(n->service, n->object); *at; at = &nodes[*at].next)
        if (&nodes[*at] == n) {
            *at = n->next;
            break;
        }
    *n = (struct node){ .generation = n->generation + 1 };
}

/* A free place, if need be by forgetting a node. NULL: all are pinned. */
static struct node *node_place(void)
{
    for (unsigned tries = 0; tries < 2 * NODES; tries++) {
        hand = hand + 1 < NODES ? hand + 1 : 1;
        struct node *n = &nodes[hand];
        if (n->pins)
            continue;
        if (!n->service)
            return n;
        if (!n->recent) {
            node_free(n);
            return n;
        }
        n->recent = 0;
    }
    return NULL;
}

struct node *node_set(unsigned service, uint64_t object, unsigned mount, const struct attributes *a)
{
    struct node *n = node_find(service, object);
    if (!n) {
        n = node_place();
        if (!n)
            return NULL;
        uint16_t *first = bucket(service, object);
        n->object = object;
        n->service = service;
        n->mount = mount;
        n->next = *first;
        *first = n - nodes;
    }
    n->mode = a->mode;
    n->uid = a->uid;
    n->gid = a->gid;
    n->rdev = a->rdev;
    n->recent = 1;
    return n;
}

int node_stat(unsigned service, uint64_t object, struct stat *s)
{
    int64_t error = call_window(service, &(struct call_args){ .op = FS_STAT, .object = object },
                                WINDOW_OUT, s, sizeof *s, NULL);
    return MIN(error, 0);
}

int node_ask(unsigned service, uint64_t object, struct attributes *a)
{
    struct stat st;
    int error = node_stat(service, object, &st);
    if (!error)
        *a = (struct attributes){ st.mode, st.uid, st.gid, st.rdev };
    return error;
}

/* A lock is for many nodes. */
static struct lock *lock_of(const struct node *n)
{
    static struct lock locks[16];
    return &locks[(n - nodes) % ARRAY_SIZE(locks)];
}

void node_lock(const struct node *n) { lock_take(lock_of(n)); }
void node_unlock(const struct node *n) { lock_give(lock_of(n)); }

int node_refresh(struct node *n)
{
    struct attributes a;
    int error = node_ask(n->service, n->object, &a);
    if (!error)
        node_set(n->service, n->object, n->mount, &a);
    return error;
}

void node_hold(struct node *n)
{
    if (n->pins > 1 && !(n->flags & NODE_HELD) &&
        call_object(n->service, FS_HOLD, n->object, 1, 0, 0) == 0)
        n->flags |= NODE_HELD;
}

void node_let_go(struct node *n)
{
    n->flags &= ~NODE_HELD;
    call_object(n->service, FS_HOLD, n->object, (uint64_t)-1, 0, 0);
}

void node_forget_mount(unsigned mount)
{
    for (struct node *n = nodes + 1; n < nodes + NODES; n++)
        if (n->service && n->mount == mount)
            node_free(n);
}

unsigned node_mount_pins(unsigned mount)
{
    unsigned pins = 0;
    for (struct node *n = nodes + 1; n < nodes + NODES; n++)
        if (n->service && n->mount == mount)
            pins += n->pins;
    return pins;
}

/* ---- names ---- */

static inline uint32_t name_hash(const struct node *dir, uint32_t hash)
{
    return (hash ^ (uint32_t)(dir - nodes) * 0x9e3779b1u);
}

static inline struct name *name_set_of(uint32_t h) { return names[(h ^ h >> 15) % SETS]; }

static struct name *name_entry(const struct node *dir, const char *name, size_t length, uint32_t h)
{
    struct name *set = name_set_of(h);
    for (unsigned i = 0; i < WAYS; i++) {
        struct name *e = &set[i];
        if (e->hash == h && e->dir == dir - nodes && e->length == length &&
            e->dir_generation == dir->generation && memcmp(e->name, name, length) == 0)
            return e;
    }
    return NULL;
}

int name_find(struct node *dir, const char *name, size_t length, uint32_t hash, struct node **node)
{
    struct name *e = name_entry(dir, name, length, name_hash(dir, hash));
    if (!e)
        return 0;
    if (!e->node || e->gone)
        return -ENOENT;
    struct node *n = &nodes[e->node];
    if (n->generation != e->node_generation)
        return 0;
    n->recent = 1;
    *node = n;
    return 1;
}

/* Whether the entry is free, or one of its nodes has been forgotten. */
static bool name_dead(const struct name *e)
{
    return !e->dir || nodes[e->dir].generation != e->dir_generation ||
           nodes[e->node].generation != e->node_generation;
}

/* Enters a name: over its own entry, a dead one of its set, or else any of the set in turn. */
static void set(struct node *dir, const char *name, size_t length, struct node *node, bool gone)
{
    if (length > NAME_ROOM)
        return;
    uint32_t h = name_hash(dir, path_hash(name, length));
    struct name *e = name_entry(dir, name, length, h), *set = name_set_of(h);
    for (unsigned i = 0; i < WAYS && !e; i++)
        if (name_dead(&set[i]))
            e = &set[i];
    if (!e)
        e = &set[turn++ % WAYS];
    e->hash = h;
    e->dir = dir - nodes;
    e->dir_generation = dir->generation;
    e->node = node ? node - nodes : 0;
    e->node_generation = nodes[e->node].generation;
    e->length = length;
    e->gone = gone;
    memcpy(e->name, name, length);
}

void name_set(struct node *dir, const char *name, size_t length, struct node *node)
{
    set(dir, name, length, node, false);
}
void name_gone(struct node *dir, const char *name, size_t length, struct node *node)
{
    set(dir, name, length, node, true);
}

void name_drop(struct node *dir, const char *name, size_t length)
{
    struct name *e = name_entry(dir, name, length, name_hash(dir, path_hash(name, length)));
    if (e)
        e->dir = 0;
}

void name_drop_all(void)
{
    for (unsigned s = 0; s < SETS; s++)
        for (unsigned i = 0; i < WAYS; i++)
            names[s][i].dir = 0;
}

int name_of(const struct node *n, struct node **dir, char *name, bool *gone)
{
    const struct name *found = NULL;
    for (unsigned s = 0; s < SETS; s++)
        for (unsigned i = 0; i < WAYS; i++) {
            const struct name *e = &names[s][i];
            if (e->node == n - nodes && !name_dead(e) &&
                !(e->length == 2 && e->name[0] == '.' && e->name[1] == '.') &&
                (!found || found->gone))
                found = e;
        }
    if (!found)
        return -ENOENT;
    *gone = found->gone;
    *dir = &nodes[found->dir];
    memcpy(name, found->name, found->length);
    return found->length;
}

/* ---- symbolic links ---- */

int link_find(const struct node *n, char *to, size_t size)
{
    const struct link *l = &links[(n - nodes) % LINKS];
    if (l->node != n - nodes || l->generation != n->generation || l->length > size)
        return -ENOENT;
    memcpy(to, l->target, l->length);
    return l->length;
}

void link_set(const struct node *n, const char *target, size_t length)
{
    struct link *l = &links[(n - nodes) % LINKS];
    if (length > LINK_ROOM)
        return;
    l->node = n - nodes;
    l->generation = n->generation;
    l->length = length;
    memcpy(l->target, target, length);
}
