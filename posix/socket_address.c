/* Addresses of sockets, as programs have them and as services know them. */
#include "socket_address.h"

#include "user_memory.h"
#include <minnow/file.h>

enum { W_OK = 2, SOCKADDR_MAX = 128 };

int64_t address_resolve(struct thread *t, struct socket_address *b, bool make)
{
    struct call_result r;
    const struct process *p = t->process;
    char path[SOCKET_PATH + 1] = { 0 };
    memcpy(path, b->path, b->length);
    int64_t error = call_window(service_find("vfs"),
                                &(struct call_args){ .op = make ? VFS_BIND : VFS_RESOLVE,
                                                     .w0 = p->i.task,
                                                     .w3 = make ? 0777 : W_OK,
                                                     .w5 = (uint64_t)AT_FDCWD },
                                WINDOW_IN, path, b->length + 1, &r);
    if (t->dead)
        return LATER;
    if (error)
        return make && error == -EEXIST ? -EADDRINUSE : error;
    b->service = make ? r.r1 : resolved_service(r.r1);
    b->object = r.r2;
    return make || (resolved_mode(r.r1) & S_IFMT) == S_IFSOCK ? 0 : -ECONNREFUSED;
}

int64_t address_read(struct thread *t, caller_t at, int32_t length, struct socket_address *b)
{
    struct sockaddr_un a = { 0 };
    *b = (struct socket_address){ 0 };
    if (length < 0 || length > SOCKADDR_MAX)
        return -EINVAL;
    int64_t error = user_read(t, at, &a, MIN((size_t)length, sizeof a));
    if (error)
        return error;
    if (length < FAMILY_BYTES || (size_t)length > sizeof a || a.family != AF_UNIX)
        return a.family == AF_UNSPEC && length >= FAMILY_BYTES ? -EAFNOSUPPORT : -EINVAL;
    b->length = length - FAMILY_BYTES;
    b->kind = b->length && a.path[0] ? NAME_FILE : NAME_ABSTRACT;
    if (b->kind == NAME_FILE)
        b->length = strnlen(a.path, b->length);
    memcpy(b->path, a.path, b->length);
    return 0;
}

int64_t address_of_other(struct thread *t, caller_t at, int32_t length, struct socket_address *b)
{
    int64_t error = address_read(t, at, length, b);
    if (!error && !b->length)
        error = -EINVAL;
    return error || b->kind != NAME_FILE ? error : address_resolve(t, b, false);
}

int32_t address_shown(const struct socket_address *b, struct sockaddr_un *a)
{
    *a = (struct sockaddr_un){ .family = AF_UNIX };
    memcpy(a->path, b->path, b->length);
    return FAMILY_BYTES + b->length + (b->kind == NAME_FILE);
}

int64_t address_poke(struct thread *t, caller_t to, caller_t room, const struct socket_address *b)
{
    struct sockaddr_un a;
    int32_t have, length = address_shown(b, &a);
    if (user_peek(t, room, &have, sizeof have))
        return -EFAULT;
    if (have < 0)
        return -EINVAL;
    if (user_poke(t, to, &a, MIN(have, length)))
        return -EFAULT;
    return user_poke(t, room, &length, sizeof length);
}

int64_t address_probe(struct thread *t, caller_t to, caller_t room)
{
    int32_t have;
    if (!to)
        return 0;
    int64_t error = user_read(t, room, &have, sizeof have);
    if (!error && have < 0)
        error = -EINVAL;
    if (!error)
        error = user_probe(t, room, sizeof have);
    return error || !have ? error
                          : user_probe(t, to, MIN((size_t)have, sizeof(struct sockaddr_un)));
}
