/* Watches and their events: see watch.h.
 *
 * Events stand one behind the other in `events` until they are fetched. Two equal ones in a row are
 * one, as for inotify. When there is no room an event is lost, and the next answer ends with
 * IN_Q_OVERFLOW. The personality server fetches before any program that waits for events runs on,
 * so there are few. */
#include "watch.h"

#include "share.h"

enum {
    CHAINS = 64,
    /* objects that may be watched, where open_max does not say */
    WATCHES = 2048,
    LOST = 32 /* names that open files had last */
};

bool fs_watching;

static struct fs_node *chains[CHAINS]; /* watched nodes, the newest first, by their objects */
static unsigned watches;
static struct share watch_share;

static _Alignas(8) char events[FILE_EVENTS_BYTES];
static unsigned used, newest; /* bytes in use; where the last event begins */
static bool lost;

/* Names that open files had last, in directories that are watched. An open file that has lost its
 * name is told of with it; if more than these are open, the oldest is forgotten. */
static struct lost_name {
    uint64_t object, dir;
    uint8_t length;
    char text[NAME_MAX];
} lost_names[LOST];

static struct fs_node **chain(uint64_t object) { return &chains[fs_object_ino(object) % CHAINS]; }

static struct fs_node *watched(uint64_t object)
{
    struct fs_node *n = *chain(object);
    while (n && n->object != object)
        n = n->watch_next;
    return n;
}

/* ---- events ---- */

static bool repeats(const struct file_event *e, const char *name)
{
    const struct file_event *last = (const struct file_event *)(events + newest);
    return used && last->object == e->object && last->mask == e->mask &&
           last->cookie == e->cookie && last->nameless == e->nameless &&
           last->length == e->length && memcmp(last->name, name, e->length) == 0;
}

/* Adds an event, for which the last place in `events` is not used: it is for IN_Q_OVERFLOW. */
static void add(const struct file_event *e, const char *name)
{
    unsigned size = file_event_size(e->length);
    if (repeats(e, name))
        return;
    if (!used)
        notify(service_find("posix"), BIT_FILES);
    if (used + size + file_event_size(0) > sizeof events) {
        lost = true;
        return;
    }
    struct file_event *to = (struct file_event *)(events + used);
    *to = *e;
    memcpy(to->name, name, e->length);
    newest = used;
    used += size;
}

static uint32_t directory_bit(const struct fs_node *n) { return S_ISDIR(n->mode) ? IN_ISDIR : 0; }

void watch_self(struct fs_node *n, uint32_t event)
{
    uint32_t bit = event & (IN_DELETE_SELF | IN_MOVE_SELF) ? 0 : directory_bit(n);
    if (n->watched & event)
        add(&(struct file_event){ .object = n->object, .mask = event | bit }, "");
}

void watch_name(struct fs_node *dir, const struct fs_name *name, uint32_t event, uint32_t cookie,
                bool directory)
{
    if (dir->watched & event)
        add(&(struct file_event){ .object = dir->object,
                                  .mask = event | (directory ? IN_ISDIR : 0),
                                  .cookie = cookie,
                                  .length = name->length },
            name->text);
}

uint32_t watch_cookie(void)
{
    static uint32_t moves;
    enum { MOVES = 1 << 24 };
    moves = (moves + 1) % MOVES;
    return (uint32_t)service_self() << 24 | moves;
}

/* ---- the names of files in watched directories ---- */

void watch_name_lost(const struct fs_node *dir, const struct fs_name *name, const struct fs_node *n)
{
    static unsigned hand;
    if (!n->opens || n->found_in != dir->object)
        return;
    struct lost_name *l = &lost_names[hand++ % LOST];
    l->object = n->object;
    l->dir = dir->object;
    l->length = name->length;
    memcpy(l->text, name->text, name->length);
}

/* The name that n had last in its directory: its length; 0: not known. */
static unsigned name_lost(const struct fs_node *n, char text[NAME_MAX + 1])
{
    for (const struct lost_name *l = lost_names; l < lost_names + LOST; l++)
        if (l->object == n->object && l->dir == n->found_in) {
            memcpy(text, l->text, l->length);
            return l->length;
        }
    return 0;
}

/* Tells who watches the directory of n. May wait. */
static void tell_parent(struct fs_node *n, uint32_t event)
{
    char text[NAME_MAX + 1];
    const struct fs_node *watch = watched(n->found_in);
    if (!watch || !(watch->watched & event))
        return;
    uint64_t parent = n->found_in;
    struct fs_node *dir = fs_ops.get(parent);
    if (fs_error(dir))
        return;
    int length = fs_ops.name_of(dir, n->object, text);
    bool nameless = length < 0;
    fs_put(dir);
    if (nameless)
        length = name_lost(n, text);
    if (length)
        add(&(struct file_event){ .object = parent,
                                  .mask = event | directory_bit(n),
                                  .nameless = nameless,
                                  .length = length },
            text);
}

void watch_event(struct fs_node *n, uint32_t event)
{
    if (n->found_in)
        tell_parent(n, event);
    watch_self(n, event);
}

void watch_found_in(struct fs_node *n, uint64_t directory)
{
    char text[NAME_MAX + 1];
    if (n->found_in == directory || !watched(directory))
        return;
    struct fs_node *dir = fs_ops.get(directory);
    if (fs_error(dir))
        return;
    if (S_ISDIR(dir->mode) && fs_ops.name_of(dir, n->object, text) > 0)
        n->found_in = directory;
    fs_put(dir);
}

/* ---- watches ---- */

static void drop(struct fs_node *n)
{
    struct fs_node **at = chain(n->object);
    while (*at != n)
        at = &(*at)->watch_next;
    *at = n->watch_next;
    n->watched = 0;
    share_give(&watch_share, n->watch_user, 1);
    fs_watching = --watches;
}

void watch_gone(struct fs_node *n)
{
    n->watched |= IN_DELETE_SELF;
    watch_self(n, IN_DELETE_SELF);
    drop(n);
}

void watch_unmounted(const struct fs_mount *m)
{
    for (unsigned k = 0; k < CHAINS; k++)
        for (struct fs_node *n = chains[k], *next; n; n = next) {
            next = n->watch_next;
            if (n->mount != m)
                continue;
            n->watched |= IN_UNMOUNT;
            watch_self(n, IN_UNMOUNT);
            drop(n);
        }
}

/* Begins to watch n for a user. 0, -ENOSPC, -ENOENT: it is about to go. */
static int begin(struct fs_node *n, uint32_t user)
{
    uint32_t most = fs_ops.open_max ? fs_ops.open_max / 2 : WATCHES;
    if (!n->links && !n->opens && !n->holds)
        return -ENOENT;
    if (!watch_share.capacity)
        watch_share = (struct share)SHARE(most, most / 4, most / 2);
    int error = share_take(&watch_share, user, 1, -ENOSPC);
    if (error)
        return error;
    n->watch_user = user;
    n->watch_next = *chain(n->object);
    *chain(n->object) = n;
    watches++;
    fs_watching = true;
    return 0;
}

int64_t fs_do_watch(struct message *m)
{
    uint32_t mask = m->w[1];
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    if (fs_ops.forgets)
        return -EOPNOTSUPP;
    struct fs_node *n = fs_ops.get(m->object);
    int error = fs_error(n);
    if (error)
        return error;
    if (mask && !n->watched)
        error = begin(n, m->w[2]);
    if (!error && mask)
        n->watched = mask | IN_IGNORED;
    else if (n->watched && !mask)
        drop(n);
    fs_put(n);
    return error;
}

int64_t fs_do_events(struct message *m)
{
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    if (m->w[2] < sizeof events)
        return -EINVAL;
    unsigned bytes = used;
    if (lost) {
        *(struct file_event *)(events + used) = (struct file_event){ .mask = IN_Q_OVERFLOW };
        bytes += file_event_size(0);
    }
    if (bytes && copy_out(m, 0, events, bytes))
        return -EFAULT;
    used = 0;
    lost = false;
    return bytes;
}
