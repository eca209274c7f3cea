/* Directories: entries of 64 bytes, one after the other. A name that goes leaves its entry free for
 * the next. */
#include "minix.h"

static unsigned name_length(const struct entry *e) { return strnlen(e->name, NAME_BYTES); }

/* The entry number `n`; its page is held. */
static int entry_get(struct inode *dir, uint32_t n, struct place *p)
{
    uint32_t block;
    int error = map_block(dir, n / ENTRIES_PER_BLOCK, &block);
    if (!error && !block)
        error = corrupt("hole in directory", dir->ino);
    if (!error)
        error = block_get(block, &p->page);
    if (!error)
        p->entry = (struct entry *)p->page->data + n % ENTRIES_PER_BLOCK;
    return error;
}

static uint32_t entries(const struct inode *dir) { return dir->d->size / sizeof(struct entry); }

int dir_find(struct inode *dir, const char *name, unsigned length, struct place *p)
{
    for (uint32_t n = 0; n < entries(dir); n++) {
        int error = entry_get(dir, n, p);
        if (error)
            return error;
        if (p->entry->ino && name_length(p->entry) == length &&
            memcmp(p->entry->name, name, length) == 0)
            return 0;
        cache_put(p->page);
    }
    return -ENOENT;
}

int dir_name(struct message *m, size_t offset, size_t length, char *name)
{
    int error = fs_copy_name(m, offset, length, name);
    return !error && length > NAME_BYTES ? -ENAMETOOLONG : error;
}

int64_t do_dents(struct message *m)
{
    struct inode dir;
    struct dents d;
    int64_t result = inode_of(m->object, &dir);
    if (result)
        return result;
    uint32_t n = m->position / sizeof(struct entry);
    int added = 1, error = S_ISDIR(dir.d->mode) ? 0 : -ENOTDIR;
    dents_start(&d, m);
    while (!error && dir.d->links && n < entries(&dir)) {
        struct place p;
        error = entry_get(&dir, n, &p);
        if (error)
            break;
        if (p.entry->ino)
            added = dents_add(&d, p.entry->ino, (n + 1) * sizeof(struct entry), DT_UNKNOWN,
                              p.entry->name, name_length(p.entry));
        cache_put(p.page);
        if (added <= 0)
            break;
        n++;
    }
    inode_put(&dir);
    return dents_end(&d, added < 0 ? added : error);
}

int64_t do_name(struct message *m)
{
    struct inode dir;
    int64_t result = inode_of(m->object, &dir);
    if (result)
        return result;
    result = S_ISDIR(dir.d->mode) ? -ENOENT : -ENOTDIR;
    for (uint32_t n = 0; n < entries(&dir) && result == -ENOENT; n++) {
        struct place p;
        int error = entry_get(&dir, n, &p);
        if (error) {
            result = error;
            break;
        }
        unsigned length = name_length(p.entry);
        if (p.entry->ino == fs_object_ino(m->w[3]) && !fs_is_dots(p.entry->name, length)) {
            error = length > m->w[2] ? -ERANGE : copy_out(m, 0, p.entry->name, length);
            result = error ? error : (int64_t)length;
        }
        cache_put(p.page);
    }
    inode_put(&dir);
    return result;
}
