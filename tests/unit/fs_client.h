/* A client of a file server for unit tests: one function an operation of the FS protocol, calling
 * the handlers of libfs directly, which call the server's. */
#ifndef FS_CLIENT_H
#define FS_CLIENT_H

#include <minnow/file.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_service.h"
#include "handlers.h"

static inline struct fake_answer fs_mount(unsigned disk, uint64_t flags)
{
    struct message m = { .op = FS_MOUNT,
                         .w = { [3] = FAKE_DISK, disk, flags },
                         .position = makedev(3, disk + 1) };
    return fake_call(fs_handlers[op_number(FS_MOUNT)], &m, NULL, 0);
}
static inline int64_t fs_unmount(uint64_t root)
{
    struct message m = { .op = FS_UNMOUNT, .object = root };
    return fake_call(fs_handlers[op_number(FS_UNMOUNT)], &m, NULL, 0).result;
}
/* 0 and *object, and the mode at *mode if wanted. */
static inline int64_t fs_lookup(uint64_t dir, const char *name, uint64_t *object, uint32_t *mode)
{
    struct message m = { .op = FS_LOOKUP, .object = dir };
    struct fake_answer a = fake_call(fs_handlers[op_number(FS_LOOKUP)], &m, (char *)name,
                                     strlen(name));
    *object = a.r1;
    if (mode)
        *mode = (uint32_t)a.r2;
    return a.result;
}
static inline int64_t fs_create(uint64_t dir, const char *name, uint32_t mode, uint64_t *object)
{
    struct message m = { .op = FS_CREATE, .object = dir, .w = { [3] = mode, 1000ull << 32 | 100 } };
    struct fake_answer a = fake_call(fs_handlers[op_number(FS_CREATE)], &m, (char *)name,
                                     strlen(name));
    *object = a.r1;
    return a.result;
}
static inline int64_t fs_two_names(handler_t handler, struct message *m, const char *a,
                                   const char *b)
{
    char both[PATH_MAX + NAME_MAX];
    memcpy(both, a, strlen(a));
    memcpy(both + strlen(a), b, strlen(b));
    m->w[3] = strlen(a);
    return fake_call(handler, m, both, strlen(a) + strlen(b)).result;
}
static inline int64_t fs_symlink(uint64_t dir, const char *name, const char *target)
{
    struct message m = { .op = FS_SYMLINK, .object = dir };
    return fs_two_names(fs_handlers[op_number(FS_SYMLINK)], &m, name, target);
}
static inline int64_t fs_rename(uint64_t dir, const char *name, uint64_t to, const char *new,
                                unsigned flags)
{
    struct message m = { .op = FS_RENAME, .object = dir, .w = { [4] = to, flags } };
    return fs_two_names(fs_handlers[op_number(FS_RENAME)], &m, name, new);
}
static inline int64_t fs_link(uint64_t dir, const char *name, uint64_t object)
{
    struct message m = { .op = FS_LINK, .object = dir, .w = { [3] = object } };
    return fake_call(fs_handlers[op_number(FS_LINK)], &m, (char *)name, strlen(name)).result;
}
static inline int64_t fs_unlink(uint64_t dir, const char *name, bool directory)
{
    struct message m = { .op = FS_UNLINK,
                         .object = dir,
                         .w = { [3] = directory ? AT_REMOVEDIR : 0 } };
    return fake_call(fs_handlers[op_number(FS_UNLINK)], &m, (char *)name, strlen(name)).result;
}
static inline int64_t fs_read(uint64_t object, uint64_t position, void *to, size_t length)
{
    struct message m = { .op = FS_READ, .object = object, .position = position };
    return fake_call(fs_handlers[op_number(FS_READ)], &m, to, length).result;
}
static inline int64_t fs_write(uint64_t object, uint64_t position, const void *from, size_t length,
                               uint64_t flags)
{
    struct message m = { .op = FS_WRITE,
                         .object = object,
                         .position = position,
                         .flags = flags | O_WRONLY | CALL_FOR_ROOT };
    return fake_call(fs_handlers[op_number(FS_WRITE)], &m, (void *)from, length).result;
}
static inline int64_t fs_truncate(uint64_t object, uint64_t size)
{
    struct message m = {
        .op = FS_TRUNCATE, .object = object, .flags = CALL_FOR_ROOT, .w = { [1] = size }
    };
    return fake_call(fs_handlers[op_number(FS_TRUNCATE)], &m, NULL, 0).result;
}
static inline int64_t fs_stat(uint64_t object, struct stat *s)
{
    struct message m = { .op = FS_STAT, .object = object };
    return fake_call(fs_handlers[op_number(FS_STAT)], &m, s, sizeof(*s)).result;
}
static inline int64_t fs_statfs(uint64_t object, struct statfs *s)
{
    struct message m = { .op = FS_STATFS, .object = object };
    return fake_call(fs_handlers[op_number(FS_STATFS)], &m, s, sizeof(*s)).result;
}
static inline int64_t fs_readlink(uint64_t object, char *to, size_t length)
{
    struct message m = { .op = FS_READLINK, .object = object };
    return fake_call(fs_handlers[op_number(FS_READLINK)], &m, to, length).result;
}
static inline int64_t fs_setattr(uint64_t object, struct fs_attr *a)
{
    struct message m = { .op = FS_SETATTR, .object = object };
    fs_attr_words(a, m.w);
    return fake_call(fs_handlers[op_number(FS_SETATTR)], &m, NULL, 0).result;
}
static inline int64_t fs_name_of(uint64_t dir, uint64_t object, char *to, size_t length)
{
    struct message m = { .op = FS_NAME, .object = dir, .w = { [3] = object } };
    return fake_call(fs_handlers[op_number(FS_NAME)], &m, to, length).result;
}
static inline int64_t fs_open(uint64_t object, uint64_t flags)
{
    struct message m = {
        .op = FS_OPEN, .object = object, .flags = CALL_FOR_ROOT, .w = { [1] = flags }
    };
    return fake_call(fs_handlers[op_number(FS_OPEN)], &m, NULL, 0).result;
}
static inline void fs_close(uint64_t object, uint64_t flags)
{
    struct message m = { .op = KERNEL_RELEASE, .object = object, .flags = flags };
    fs_release(&m);
}
static inline int64_t fs_sync(uint64_t object, bool all)
{
    struct message m = { .op = FS_SYNC, .object = object, .w = { [1] = all } };
    return fake_call(fs_handlers[op_number(FS_SYNC)], &m, NULL, 0).result;
}
static inline int64_t fs_hold(uint64_t object, int64_t by, bool deny)
{
    struct message m = { .op = FS_HOLD, .object = object, .w = { [1] = by, deny } };
    return fake_call(fs_handlers[op_number(FS_HOLD)], &m, NULL, 0).result;
}
static inline int64_t fs_pages(uint64_t object, uint64_t position, uint64_t *addresses,
                               unsigned count)
{
    struct message m = { .op = FS_PAGES, .object = object, .position = position };
    return fake_call(fs_handlers[op_number(FS_PAGES)], &m, addresses, count * 8).result;
}
static inline int64_t fs_unpin(uint64_t object, uint64_t *addresses, unsigned count, bool dirty)
{
    struct message m = { .op = FS_UNPIN, .object = object, .w = { [3] = dirty } };
    return fake_call(fs_handlers[op_number(FS_UNPIN)], &m, addresses, count * 8).result;
}
/* Calls `see` for every entry but "." and "..", reading with a window of `length` bytes. Their
 * number, or an error. */
static inline int64_t fs_list(uint64_t dir, size_t length,
                              void (*see)(void *, const struct dirent64 *), void *argument)
{
    uint8_t *buffer = malloc(length);
    struct message m = { .op = FS_DENTS, .object = dir };
    int64_t count = 0;
    for (;;) {
        struct fake_answer a = fake_call(fs_handlers[op_number(FS_DENTS)], &m, buffer, length);
        if (a.result <= 0) {
            free(buffer);
            return a.result ? a.result : count;
        }
        for (int64_t at = 0; at < a.result;) {
            struct dirent64 *e = (struct dirent64 *)(buffer + at);
            at += e->reclen;
            if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
                continue;
            count++;
            if (see)
                see(argument, e);
        }
        m.position = a.position;
    }
}

#endif
