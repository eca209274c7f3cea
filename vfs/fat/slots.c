/* Directories on the disk: slots of 32 bytes, each an entry or a part of the long name of the entry
 * that follows. */
#include "fat.h"

void cursor_end(struct cursor *c)
{
    if (c->page)
        cache_put(c->page);
    c->page = NULL;
}

bool dir_is_fixed(const struct node *dir)
{
    return dir->ino == ROOT_INO && mount_of(dir)->bits != 32;
}

/* How many sectors all threads have read so far; give_way() after each SECTORS_AT_ONCE. */
enum { SECTORS_AT_ONCE = 128 };
static unsigned sectors;

int cursor_at(struct cursor *c, uint32_t slot, struct entry **e, uint32_t *place)
{
    struct mount *m = mount_of(c->dir);
    uint32_t per = m->sector_size / ENTRY_SIZE, sector;
    if (!c->page || slot % per == 0 || *place / per != c->sector) {
        cursor_end(c);
        if (slot >= DIRECTORY_SLOTS)
            return dir_is_fixed(c->dir) ? 1
                                        : mount_corrupt(m, "endless directory", c->dir->cluster);
        if (dir_is_fixed(c->dir)) {
            sector = slot / per < m->root_sectors ? m->root_start + slot / per : 0;
        } else {
            int error = chain_sector(c->dir, (uint64_t)slot * ENTRY_SIZE, false, &sector);
            if (error)
                return error;
        }
        if (!sector)
            return 1;
        int error = cache_block(m->index, sector, &c->page);
        if (error) {
            c->page = NULL;
            return error;
        }
        c->sector = sector;
        if (++sectors % SECTORS_AT_ONCE == 0)
            give_way(DIRECTORY_SLOTS - MIN(slot, (uint32_t)DIRECTORY_SLOTS));
    }
    *e = (struct entry *)c->page->data + slot % per;
    *place = c->sector * per + slot % per;
    return 0;
}

/* ---- Reading ---- */

/* A long name that is being put together from its slots, last part first. */
struct long_name {
    uint16_t units[LONG_PARTS * LONG_CHARS];
    uint32_t first;
    unsigned parts, expected;
    uint8_t checksum;
};

/* Adds one part to the long name; parts that do not belong together are forgotten. */
static void add_part(struct long_name *l, const struct long_entry *e, uint32_t slot)
{
    unsigned order = e->order & ~LONG_LAST;
    if (e->order & LONG_LAST && order >= 1 && order <= LONG_PARTS) {
        l->parts = l->expected = order;
        l->first = slot;
        l->checksum = e->checksum;
    } else if (!l->parts || order != l->expected || e->checksum != l->checksum) {
        l->parts = 0;
        return;
    }
    long_units(e, l->units + (order - 1) * LONG_CHARS);
    l->expected = order - 1;
}

int dir_next(struct node *dir, uint32_t *slot, struct found *f)
{
    struct cursor c = { .dir = dir };
    struct long_name l = { .parts = 0 };
    struct entry *e;
    uint32_t place = 0;
    int result;
    for (;; ++*slot) {
        result = cursor_at(&c, *slot, &e, &place);
        if (result || e->name[0] == ENTRY_END)
            break;
        if (e->name[0] == ENTRY_FREE) {
            l.parts = 0;
            continue;
        }
        if ((e->attributes & 0x3f) == ATTR_LONG) {
            add_part(&l, (struct long_entry *)e, *slot);
            continue;
        }
        if (e->attributes & ATTR_VOLUME) {
            l.parts = 0;
            continue;
        }
        int length = l.parts && l.expected == 0 && name_checksum(e->name) == l.checksum
                         ? name_from_units(l.units, l.parts * LONG_CHARS, f->name)
                         : -EINVAL;
        f->first = length > 0 ? l.first : *slot;
        f->length = length > 0 ? (unsigned)length : name_from_short(e, f->name);
        f->slot = (*slot)++;
        f->place = place;
        f->entry = *e;
        cursor_end(&c);
        return 1;
    }
    cursor_end(&c);
    return result < 0 ? result : 0;
}
