/* Paths as text; the contracts stand in path.h. */
#include "path.h"

#include <minnow/errno.h>
#include <minnow/file.h>

/* FNV-1a */
enum { HASH_START = 0x811c9dc5, HASH_FACTOR = 0x01000193 };

int path_component(const char *path, struct component *c)
{
    while (*path == '/')
        path++;
    if (!*path)
        return 0;
    const char *p = path;
    uint32_t hash = HASH_START;
    for (; *p && *p != '/'; p++)
        hash = (hash ^ (uint8_t)*p) * HASH_FACTOR;
    if (p - path > NAME_MAX)
        return -ENAMETOOLONG;
    c->name = path;
    c->rest = p;
    c->length = p - path;
    c->hash = hash;
    c->slash = *p == '/';
    while (*p == '/')
        p++;
    c->last = !*p;
    return 1;
}

uint32_t path_hash(const char *name, size_t length)
{
    uint32_t hash = HASH_START;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * HASH_FACTOR;
    return hash;
}

char *path_insert(char *start, char *rest, size_t length)
{
    if (length >= (size_t)(rest - start))
        return NULL;
    for (size_t i = length; i-- > 0;) /* upwards, from the end: the two places may overlap */
        rest[(ptrdiff_t)i - (ptrdiff_t)length] = start[i];
    return rest - length;
}

char *path_prepend(char *start, char *at, const char *name, size_t length)
{
    if ((size_t)(at - start) < length + 1)
        return NULL;
    at -= length + 1;
    at[0] = '/';
    for (size_t i = 0; i < length; i++)
        at[1 + i] = name[i];
    return at;
}
