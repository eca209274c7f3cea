/* The operations of the table on files. A FAT file has no holes: the gap that a write or a
 * truncation leaves behind the old end is filled with zeros. */
#include "fat.h"

enum { BYTES_AT_ONCE = 1 << 20 };

/* Writes zeros from the end of the file up to `size`. On an error the file is as long as before. */
static int fill_up(struct fs_node *f, uint64_t size)
{
    uint64_t old = f->size;
    while (f->size < size) {
        unsigned from = f->size % PAGE_SIZE, to = MIN(size - f->size + from, (uint64_t)PAGE_SIZE);
        struct page *p = contents_prepare(f, f->size / PAGE_SIZE, from, to);
        if (fs_error(p)) {
            contents_cut(f, old, size);
            return fs_error(p);
        }
        memset(p->data + from, 0, to - from);
        if (page_fresh(p))
            cache_ready(p, 0);
        cache_dirty(p);
        cache_put(p);
        f->size += to - from;
        GIVE_WAY_EVERY(BYTES_AT_ONCE, to - from, size - f->size);
    }
    return 0;
}

int64_t file_write(struct fs_node *f, struct message *m, uint64_t position, uint64_t length)
{
    uint64_t old = f->size;
    int error = position > old ? fill_up(f, position) : 0;
    int64_t done = error ? error : contents_write(f, m, position, length);
    if (done > 0)
        fat_node(f)->attributes |= ATTR_ARCHIVE;
    else if (f->size > old)
        contents_cut(f, old, f->size);
    return done;
}

int file_resize(struct fs_node *f, uint64_t size)
{
    int error = size < f->size ? contents_cut(f, size, f->size) : fill_up(f, size);
    if (!error)
        fat_node(f)->attributes |= ATTR_ARCHIVE;
    return error;
}

/* FAT does not write a directory's size down; one cluster is reported. */
int file_stat(struct fs_node *f, struct stat *s)
{
    uint64_t cluster = 1ull << mount_of(fat_node(f))->cluster_shift;
    if (S_ISDIR(f->mode))
        s->size = cluster;
    s->blocks = (s->size + cluster - 1) / cluster * (cluster / 512);
    s->ctime = f->mtime;
    return 0;
}

/* Times can be set; owner and mode only to their present values. */
int file_setattr(struct fs_node *f, const struct fs_attr *a)
{
    return (a->which & ATTR_MODE && (a->mode & 07777) != (f->mode & 07777)) ||
                   (a->which & ATTR_UID && a->uid) || (a->which & ATTR_GID && a->gid)
               ? -EPERM
               : 0;
}
