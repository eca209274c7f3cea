/* Where names stand in a directory: a hash table of slots, made by reading the directory once, and
 * kept while its node is in memory. The slots of a FAT directory have no order, so without a table
 * each look-up and each new name would read all of them: a thousand new files in one directory, a
 * million slots.
 *
 * An entry of the table is the number of a slot and the upper bits of a hash; the directory itself
 * tells which of the slots with the right bits has the name. Each name has two entries: one by its
 * name, with the slot where its long name begins; one by its short name, with the slot of its
 * entry. A table that becomes too full, by names or by the holes that removed ones have left, is
 * dropped, and made anew when it is needed next.
 *
 * A table is made in place while other threads may run. It is used when it is `ready`; if a name is
 * added or removed before that, the table is dropped, and the directory is searched slot by slot
 * this time. */
#include "fat.h"

enum {
    SLOT_BITS = 17,
    TABLE_FIRST = 512,
    TABLE_MOST = 1 << 15,
    TABLES_MOST = 1 << 16, /* places */
    FULL = 3,
    FULL_OF = 4, /* a table is full when FULL of FULL_OF places are used */
    ROOMS = LONG_PARTS + 2,
    EMPTY = 0,
    HOLE = 1,
    SLOT_FIRST = 2, /* in the slot's bits of an entry */
};

struct names {
    struct node *dir;
    struct names *next;   /* in a list of all, the newest first */
    bool ready;           /* all names are in it */
    uint32_t size, used;  /* places; those that are not empty, holes included */
    uint32_t room[ROOMS]; /* [n]: before this slot there are no n free ones in a row */
    uint32_t table[];
};

static struct names *all;
static uint32_t places; /* of all tables together */

uint32_t names_short_hash(const uint8_t *short_name)
{
    return fs_hash((const char *)short_name, 11) ^ 0x5a5a5a5a;
}

static uint32_t entry_of(uint32_t hash, uint32_t slot)
{
    return hash >> SLOT_BITS << SLOT_BITS | (slot + SLOT_FIRST);
}
static uint32_t place_of(const struct names *x, uint32_t hash) { return hash & (x->size - 1); }
static uint32_t place_after(const struct names *x, uint32_t place)
{
    return (place + 1) & (x->size - 1);
}

void names_forget(struct disk_node *n)
{
    struct node *dir = fat_node(n);
    struct names *x = dir->names, **at = &all;
    if (!x)
        return;
    dir->names = NULL;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    places -= x->size;
    memory_free(x);
}

/* Makes an empty table of `size` places, dropping the oldest tables if all together would be too
 * large. NULL: no memory. */
static struct names *make_table(struct node *dir, uint32_t size)
{
    while (all && places + size > TABLES_MOST) {
        struct names *last = all;
        while (last->next)
            last = last->next;
        names_forget((struct disk_node *)last->dir);
    }
    struct names *x = memory_zalloc(sizeof *x + size * sizeof x->table[0]);
    if (!x)
        return NULL;
    x->dir = dir;
    x->size = size;
    x->next = all;
    all = x;
    places += size;
    dir->names = x;
    return x;
}

static bool add_entry(struct names *x, uint32_t hash, uint32_t slot)
{
    if (x->used >= x->size / FULL_OF * FULL)
        return false;
    uint32_t at = place_of(x, hash);
    while (x->table[at] > HOLE)
        at = place_after(x, at);
    x->used += x->table[at] == EMPTY;
    x->table[at] = entry_of(hash, slot);
    return true;
}

static bool add_both(struct names *x, const struct found *f)
{
    return add_entry(x, name_hash(f->name, f->length), f->first) &&
           add_entry(x, names_short_hash(f->entry.name), f->slot);
}

static void remove_entry(struct names *x, uint32_t hash, uint32_t slot)
{
    for (uint32_t at = place_of(x, hash); x->table[at] != EMPTY; at = place_after(x, at))
        if (x->table[at] == entry_of(hash, slot)) {
            x->table[at] = HOLE;
            return;
        }
}

/* Enters all names of the directory: 1; 0 when the table is too small; -EAGAIN when the directory
 * has changed during a wait, or another error. May wait. */
static int fill_table(struct node *dir)
{
    struct found f;
    uint32_t slot = 0, version = dir->version;
    int more;
    while ((more = dir_next(dir, &slot, &f)) == 1) {
        if (!dir->names || version != dir->version)
            return -EAGAIN;
        if (!add_both(dir->names, &f))
            return 0;
    }
    return more < 0 ? more : !dir->names || version != dir->version ? -EAGAIN : 1;
}

/* Makes the table of a directory, in the smallest size that has room. NULL: there is no memory, or
 * the directory has too many names or has changed meanwhile. May wait. */
static struct names *build(struct node *dir)
{
    int result = 0;
    if (dir->many)
        return NULL;
    for (uint32_t size = TABLE_FIRST; size <= TABLE_MOST && !result; size *= 4) {
        if (!make_table(dir, size))
            return NULL;
        result = fill_table(dir);
        if (result != 1)
            names_forget((struct disk_node *)dir);
    }
    if (result != 1) {
        dir->many = result == 0;
        return NULL;
    }
    dir->names->ready = true;
    return dir->names;
}

int names_like(struct node *dir, uint32_t hash, uint32_t *slots)
{
    struct names *x = dir->names ? dir->names : build(dir);
    int count = 0;
    if (!x || !x->ready)
        return -1;
    uint32_t tag = hash >> SLOT_BITS;
    for (uint32_t at = place_of(x, hash); x->table[at] != EMPTY; at = place_after(x, at)) {
        if (x->table[at] == HOLE || x->table[at] >> SLOT_BITS != tag)
            continue;
        if (count == CANDIDATES)
            return -1;
        slots[count++] = (x->table[at] & ((1u << SLOT_BITS) - 1)) - SLOT_FIRST;
    }
    return count;
}

void names_added(struct node *dir, const struct found *f)
{
    if (dir->names && !(dir->names->ready && add_both(dir->names, f)))
        names_forget((struct disk_node *)dir);
}

void names_removed(struct node *dir, const struct found *f)
{
    struct names *x = dir->names;
    dir->many = false;
    if (!x)
        return;
    remove_entry(x, name_hash(f->name, f->length), f->first);
    remove_entry(x, names_short_hash(f->entry.name), f->slot);
    /* Free slots before those that are free now may make a longer row with them. */
    for (unsigned n = 0; n < ROOMS; n++)
        x->room[n] = MIN(x->room[n], f->first - MIN(f->first, (uint32_t)ROOMS));
}

uint32_t names_room(const struct node *dir, unsigned count)
{
    return dir->names ? dir->names->room[count] : 0;
}

void names_room_found(struct node *dir, unsigned count, uint32_t first)
{
    for (unsigned n = count; dir->names && n < ROOMS; n++)
        dir->names->room[n] = MAX(dir->names->room[n], first + count);
}
