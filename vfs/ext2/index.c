/* An index in memory of a large directory's names: an open-addressed table from the hash of a name
 * to where in the directory it stands. It holds all names of the directory or does not exist, so
 * that it also tells that a name is not there. A directory for whose index there is no memory is
 * read from front to back.
 *
 * Building an index reads the whole directory, which may wait. The table is built aside, and
 * becomes the directory's only if the directory's version is still the same at the end; dir.c
 * enters and removes the names that come and go later. A slot that was used once and is free again
 * stays marked, so that the search for another name goes on behind it; such slots vanish when the
 * table is enlarged. There are INDEXES tables; when all are used the next directory takes over
 * another's, in turn. The smaller sizes are reserved at the start, before the page cache has taken
 * all memory. */
#include "ext2.h"

/* tables of FIRST_SLOTS << 0 .. SIZES - 1 */
enum { INDEXES = 8, FIRST_SLOTS = 1024, SIZES = 8, RESERVED_SIZES = 5 };

/* where: the byte offset / 4 + 2; or 0: never used, 1: used once and free again */
struct slot {
    uint32_t hash, where;
};
struct dir_index {
    struct inode *dir; /* NULL: free */
    struct slot *slots;
    uint32_t size, used; /* how many slots; how many whose `where` is not 0 */
};

static struct dir_index indexes[INDEXES];
static unsigned next_victim;
/* lists by size; a free table begins with a pointer to the next */
static void *free_tables[SIZES];

static unsigned size_class(uint32_t slots) { return __builtin_ctz(slots / FIRST_SLOTS); }

static struct slot *table_take(uint32_t slots)
{
    if (slots > FIRST_SLOTS << (SIZES - 1))
        return NULL;
    size_t bytes = slots * sizeof(struct slot);
    void **list = &free_tables[size_class(slots)], *table = *list;
    if (!table)
        return memory_pages(bytes / PAGE_SIZE);
    *list = *(void **)table;
    return memset(table, 0, bytes);
}

/* The smallest directory, in blocks, whose index did not fit into memory. Until a table is given
 * back, no index is tried for one as large. */
static uint32_t too_many_blocks = UINT32_MAX;

static void table_give(struct slot *table, uint32_t slots)
{
    too_many_blocks = UINT32_MAX;
    void **list = &free_tables[size_class(slots)];
    if (!table)
        return;
    *(void **)table = *list;
    *list = table;
}

void index_init(void)
{
    for (unsigned k = 0; k < RESERVED_SIZES; k++)
        table_give(memory_pages((FIRST_SLOTS << k) * sizeof(struct slot) / PAGE_SIZE),
                   FIRST_SLOTS << k);
}

void index_drop(struct disk_node *n)
{
    struct inode *dir = inode_of(n);
    struct dir_index *x = dir->index;
    if (!x)
        return;
    table_give(x->slots, x->size);
    *x = (struct dir_index){ .dir = NULL };
    dir->index = NULL;
}

static void set_slot(struct dir_index *x, uint32_t hash, uint32_t where)
{
    uint32_t k = hash & (x->size - 1);
    while (x->slots[k].where > 1)
        k = (k + 1) & (x->size - 1);
    x->used += x->slots[k].where == 0;
    x->slots[k] = (struct slot){ hash, where };
}

static bool enlarge(struct dir_index *x)
{
    struct slot *old = x->slots;
    uint32_t size = x->size;
    struct slot *slots = table_take(size * 2);
    if (!slots)
        return false;
    x->slots = slots;
    x->size = size * 2;
    x->used = 0;
    for (uint32_t k = 0; k < size; k++)
        if (old[k].where > 1)
            set_slot(x, old[k].hash, old[k].where);
    table_give(old, size);
    return true;
}

static bool add_slot(struct dir_index *x, uint32_t hash, uint64_t offset)
{
    if ((x->used + 1) * 4 > x->size * 3 && !enlarge(x))
        return false;
    set_slot(x, hash, offset / 4 + 2);
    return true;
}

void index_add(struct inode *dir, uint32_t hash, uint64_t offset)
{
    if (dir->index && !add_slot(dir->index, hash, offset))
        index_drop((struct disk_node *)dir);
}

void index_remove(struct inode *dir, uint32_t hash, uint64_t offset)
{
    struct dir_index *x = dir->index;
    if (!x)
        return;
    uint32_t k = hash & (x->size - 1), where = offset / 4 + 2;
    while (x->slots[k].where && x->slots[k].where != where)
        k = (k + 1) & (x->size - 1);
    if (x->slots[k].where)
        x->slots[k].where = 1;
}

bool index_next(struct inode *dir, uint32_t hash, uint32_t *cursor, uint64_t *offset)
{
    struct dir_index *x = dir->index;
    for (;;) {
        struct slot *s = &x->slots[*cursor & (x->size - 1)];
        if (!s->where)
            return false;
        ++*cursor;
        if (s->where > 1 && s->hash == hash) {
            *offset = (uint64_t)(s->where - 2) * 4;
            return true;
        }
    }
}

/* Enters all names of block `number`. 0, -ENOMEM, -EUCLEAN, or what dir_block() says. */
static int enter_block(struct inode *dir, uint32_t number, struct dir_index *x)
{
    const struct geometry *g = &mount_of(dir)->geo;
    struct page *page = dir_block(dir, number);
    int error = fs_error(page);
    if (error)
        return error;
    for (uint32_t offset = 0; !error && offset < g->block_size;) {
        struct entry *e = dir_entry(dir, page, offset);
        if (!e) {
            error = -EUCLEAN;
            break;
        }
        if (e->ino && !add_slot(x, fs_hash(e->name, e->name_length),
                                ((uint64_t)number << g->block_shift) + offset))
            error = -ENOMEM;
        offset += e->reclen;
    }
    cache_put(page);
    return error;
}

int index_build(struct inode *dir)
{
    uint32_t version = dir->version, blocks = dir_blocks(dir);
    if (blocks >= too_many_blocks)
        return -ENOMEM;
    struct dir_index x = { .dir = dir, .slots = table_take(FIRST_SLOTS), .size = FIRST_SLOTS };
    int error = x.slots ? 0 : -ENOMEM;
    for (uint32_t n = 0; !error && n < blocks; n++)
        error = enter_block(dir, n, &x);
    /* another thread has made the index, or the names have changed */
    if (error || dir->version != version || dir->index) {
        table_give(x.slots, x.size);
        if (error == -ENOMEM && (x.used + 1) * 4 > x.size * 3)
            too_many_blocks = blocks;
        return dir->index ? 0 : error ? error : -EAGAIN;
    }
    struct dir_index *to = NULL;
    for (unsigned k = 0; k < INDEXES && !to; k++)
        if (!indexes[k].dir)
            to = &indexes[k];
    if (!to) {
        to = &indexes[next_victim++ % INDEXES];
        index_drop((struct disk_node *)to->dir);
    }
    *to = x;
    dir->index = to;
    return 0;
}
