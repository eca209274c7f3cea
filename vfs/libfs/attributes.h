/* Extended attributes, in the form in which ext2 has them on the disk: one block for a file, which
 * holds entries from its front and values from its back. (Linux: fs/ext2/xattr.c.)
 *
 *     | head | entry | entry | 0 ...        ... value | value |
 *
 * Entries are sorted by prefix, length and name. An entry, and the block, has a hash. tmpfs keeps
 * such blocks in memory. */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include "service.h"

/* How one attribute is named, and what it is to be. */
struct attribute {
    uint8_t prefix;   /* ATTRIBUTE_..., which stands for the name's beginning */
    uint8_t length;   /* of the rest of the name */
    const char *name; /* the rest, not terminated */
    bool remove;
    unsigned flags; /* XATTR_CREATE, XATTR_REPLACE */
    const void *value;
    size_t size;
};
enum { ATTRIBUTE_USER = 1, ATTRIBUTE_TRUSTED = 4, ATTRIBUTE_SECURITY = 6 };

/* Splits a name at its prefix. 0; -EOPNOTSUPP: the prefix is not known; -EINVAL: nothing behind it.
 */
int attribute_name(const char *name, size_t length, struct attribute *a);

/* Makes `size` bytes an empty block. */
void attributes_init(void *block, size_t size);
/* Whether a block that a disk has can be one: all that it says lies within it. */
bool attributes_sound(const void *block, size_t size);
bool attributes_empty(const void *block);
/* How many inodes have the block. */
uint32_t *attributes_users(void *block);

/* The functions below expect a sound block. The value of an attribute, copied to `to` of
 * ATTRIBUTES_MAX bytes: its size, or -ENODATA. */
int attributes_get(const void *block, const struct attribute *a, void *to);
/* All names, each with a NUL, copied to `to`: how many bytes; -E2BIG: more than ATTRIBUTES_MAX. */
int attributes_list(const void *block, char *to);
/* Sets or removes one. 0, -EEXIST, -ENODATA, or -ENOSPC: then nothing has changed. */
int attributes_set(void *block, size_t size, const struct attribute *a);

#endif
