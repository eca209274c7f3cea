/* Paths as text: how they fall into components. No knowledge of files. */
#ifndef VFS_PATH_H
#define VFS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct component {
    const char *name; /* in the path, not terminated */
    const char *rest; /* behind it: empty, or begins with a slash */
    uint32_t length;  /* 1 .. NAME_MAX */
    uint32_t hash;    /* path_hash() of the name */
    bool last;        /* only slashes follow */
    bool slash;       /* at least one slash follows */
};

/* The first component of `path`, slashes before it skipped. 1; 0 when there is none; -ENAMETOOLONG.
 */
int path_component(const char *path, struct component *c);

uint32_t path_hash(const char *name, size_t length);

static inline bool path_is_dot(const struct component *c)
{
    return c->length == 1 && c->name[0] == '.';
}
static inline bool path_is_dotdot(const struct component *c)
{
    return c->length == 2 && c->name[0] == '.' && c->name[1] == '.';
}

/* Puts the target of a symbolic link before the rest of a path. The path stands at the end of a
 * buffer that begins at `start`; the target is at `start` already, and is moved up to `rest`. The
 * new path, or NULL: no room, so the target was cut. */
char *path_insert(char *start, char *rest, size_t length);

/* Builds a path from its end: puts "/name" before `at`, which lies in a buffer that begins at
 * `start`. NULL: no room. */
char *path_prepend(char *start, char *at, const char *name, size_t length);

#endif
