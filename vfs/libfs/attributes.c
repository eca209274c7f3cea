/* Blocks of extended attributes; the contracts stand in attributes.h. Nothing here waits. */
#include "attributes.h"

#include <minnow/file.h>

enum { MAGIC = 0xea020000u };

struct head {
    uint32_t magic, users, blocks, hash, reserved[4];
};

/* Behind the last entry stands a word that is 0. */
struct entry {
    uint8_t length, prefix;
    uint16_t offset; /* of the value, from the block's beginning */
    uint32_t value_block, size, hash;
    char name[];
};
_Static_assert(sizeof(struct head) == 32 && sizeof(struct entry) == 16, "as on the disk");

static const struct {
    uint8_t number, length;
    const char *text;
} prefixes[] = {
    { ATTRIBUTE_USER, 5, "user." },
    { ATTRIBUTE_TRUSTED, 8, "trusted." },
    { ATTRIBUTE_SECURITY, 9, "security." },
};

int attribute_name(const char *name, size_t length, struct attribute *a)
{
    for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++) {
        size_t begins = prefixes[i].length;
        if (length < begins || memcmp(name, prefixes[i].text, begins) != 0)
            continue;
        a->prefix = prefixes[i].number;
        a->name = name + begins;
        a->length = length - begins;
        return length == begins ? -EINVAL : 0;
    }
    return -EOPNOTSUPP;
}

/* ---- entries ---- */

static size_t padded(size_t size) { return (size + 3) & ~(size_t)3; }
static size_t entry_size(size_t length) { return padded(sizeof(struct entry) + length); }
static struct entry *first(const void *block)
{
    return (struct entry *)((uintptr_t)block + sizeof(struct head));
}
static struct entry *next(const struct entry *e)
{
    return (struct entry *)((uintptr_t)e + entry_size(e->length));
}
static bool is_last(const struct entry *e) { return *(const uint32_t *)(const void *)e == 0; }
static size_t place(const void *block, const struct entry *e)
{
    return (uintptr_t)e - (uintptr_t)block;
}

/* How an entry stands to a name in the order of the block: less than 0, 0, greater. */
static int compare(const struct entry *e, const struct attribute *a)
{
    if (e->prefix != a->prefix)
        return e->prefix - a->prefix;
    if (e->length != a->length)
        return e->length - a->length;
    return memcmp(e->name, a->name, a->length);
}

static struct entry *find(const void *block, const struct attribute *a)
{
    struct entry *e = first(block);
    while (!is_last(e) && compare(e, a) != 0)
        e = next(e);
    return is_last(e) ? NULL : e;
}

bool attributes_sound(const void *block, size_t size)
{
    const struct head *h = block;
    if (h->magic != MAGIC || h->blocks != 1 || !h->users)
        return false;
    size_t at = sizeof *h;
    for (const struct entry *e = first(block);; e = next(e)) {
        at = place(block, e);
        if (at + sizeof(uint32_t) > size)
            return false;
        if (is_last(e))
            break;
        if (at + sizeof *e > size || at + entry_size(e->length) > size || e->value_block)
            return false;
    }
    for (const struct entry *e = first(block); !is_last(e); e = next(e))
        if (e->size && (e->offset < at + sizeof(uint32_t) || e->offset % 4 || e->offset > size ||
                        e->size > size || e->offset + padded(e->size) > size))
            return false;
    return true;
}

void attributes_init(void *block, size_t size)
{
    memset(block, 0, size);
    *(struct head *)block = (struct head){ .magic = MAGIC, .users = 1, .blocks = 1 };
}

bool attributes_empty(const void *block) { return is_last(first(block)); }
uint32_t *attributes_users(void *block) { return &((struct head *)block)->users; }

int attributes_get(const void *block, const struct attribute *a, void *to)
{
    const struct entry *e = find(block, a);
    if (!e)
        return -ENODATA;
    memcpy(to, (const uint8_t *)block + e->offset, e->size);
    return e->size;
}

int attributes_list(const void *block, char *to)
{
    size_t at = 0;
    for (const struct entry *e = first(block); !is_last(e); e = next(e))
        for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++) {
            if (prefixes[i].number != e->prefix)
                continue; /* such as ACLs, which nobody has set here */
            if (at + prefixes[i].length + e->length + 1 > ATTRIBUTES_MAX)
                return -E2BIG;
            memcpy(to + at, prefixes[i].text, prefixes[i].length);
            memcpy(to + at + prefixes[i].length, e->name, e->length);
            at += prefixes[i].length + e->length + 1;
            to[at - 1] = 0;
        }
    return at;
}

/* ---- changing ---- */

static uint32_t entry_hash(const void *block, const struct entry *e)
{
    uint32_t hash = 0;
    for (unsigned k = 0; k < e->length; k++)
        hash = hash << 5 ^ hash >> 27 ^ (uint8_t)e->name[k];
    const uint32_t *value = (const void *)((const uint8_t *)block + e->offset);
    for (size_t k = 0; k < padded(e->size) / 4; k++)
        hash = hash << 16 ^ hash >> 16 ^ value[k];
    return hash;
}

static void set_hash(void *block)
{
    uint32_t hash = 0;
    for (const struct entry *e = first(block); !is_last(e); e = next(e)) {
        hash = hash << 16 ^ hash >> 16 ^ e->hash;
        if (!e->hash) {
            hash = 0;
            break;
        }
    }
    ((struct head *)block)->hash = hash;
}

/* Where the entries end, without the word behind them, and where the values begin. */
static void bounds(const void *block, size_t size, size_t *end, size_t *values)
{
    const struct entry *e = first(block);
    *values = size;
    for (; !is_last(e); e = next(e))
        if (e->size)
            *values = MIN(*values, (size_t)e->offset);
    *end = place(block, e);
}

/* Takes an entry and its value out; the others close up. */
static void take_out(uint8_t *block, size_t size, struct entry *e)
{
    size_t end, values, at = place(block, e), length = entry_size(e->length), gap = padded(e->size),
                        from = e->offset;
    bounds(block, size, &end, &values);
    memmove(block + at, block + at + length, end - at - length);
    memset(block + end - length, 0, length);
    if (!gap)
        return;
    memmove(block + values + gap, block + values, from - values);
    memset(block + values, 0, gap);
    for (e = first(block); !is_last(e); e = next(e))
        if (e->size && e->offset < from)
            e->offset += gap;
}

static void put_in(uint8_t *block, size_t size, const struct attribute *a)
{
    size_t end, values, length = entry_size(a->length);
    bounds(block, size, &end, &values);
    struct entry *e = first(block);
    while (!is_last(e) && compare(e, a) < 0)
        e = next(e);
    size_t at = place(block, e);
    memmove(block + at + length, block + at, end - at);
    memset(e, 0, length);
    e->length = a->length;
    e->prefix = a->prefix;
    e->size = a->size;
    memcpy(e->name, a->name, a->length);
    if (a->size) {
        e->offset = values - padded(a->size);
        memset(block + e->offset, 0, padded(a->size));
        memcpy(block + e->offset, a->value, a->size);
    }
    e->hash = entry_hash(block, e);
}

int attributes_set(void *block, size_t size, const struct attribute *a)
{
    struct entry *old = find(block, a);
    if (old && a->flags & XATTR_CREATE)
        return -EEXIST;
    if (!old && (a->remove || a->flags & XATTR_REPLACE))
        return -ENODATA;
    size_t end, values;
    bounds(block, size, &end, &values);
    size_t room = values - end - sizeof(uint32_t) +
                  (old ? entry_size(old->length) + padded(old->size) : 0);
    if (!a->remove && (a->size > size || entry_size(a->length) + padded(a->size) > room))
        return -ENOSPC;
    if (old)
        take_out(block, size, old);
    if (!a->remove)
        put_in(block, size, a);
    set_hash(block);
    return 0;
}
