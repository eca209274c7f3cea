/* Shares: see share.h. Few users hold something at once, so they are kept in an array that is
 * searched. */
#include "share.h"

#include "service.h"

/* The count of what a user holds; NULL: nothing, or the user is root, which has no place in the
 * array. */
static uint32_t *held_by(struct share *s, uint32_t user)
{
    for (uint32_t i = 0; user && i < s->users; i++)
        if (s->user[i].user == user && s->user[i].held)
            return &s->user[i].held;
    return NULL;
}

static uint32_t root_holds(const struct share *s)
{
    uint32_t others = 0;
    for (uint32_t i = 0; i < s->users; i++)
        others += s->user[i].held;
    return s->taken - others;
}

/* A free place, which is `user`'s from now on; NULL: all are taken. */
static uint32_t *held_new(struct share *s, uint32_t user)
{
    uint32_t i = 0;
    while (i < s->users && s->user[i].held)
        i++;
    if (i == SHARE_USERS)
        return NULL;
    if (i == s->users)
        s->users++;
    s->user[i].user = user;
    return &s->user[i].held;
}

uint32_t share_user(const struct share *s, call_t call)
{
    return s->taken < s->capacity / 4 ? 0 : call_user(call);
}

uint32_t share_held(const struct share *s, uint32_t user)
{
    const uint32_t *held = held_by((struct share *)s, user);
    return held ? *held : user ? 0 : root_holds(s);
}

int share_take_limited(struct share *s, uint32_t user, uint32_t n, uint64_t limit, int error)
{
    uint32_t room = s->capacity - MIN(s->capacity, s->taken);
    if (user)
        room -= MIN(room, s->reserve);
    if (n > room)
        return error;
    if (!n)
        return 0;
    uint32_t *held = held_by(s, user);
    uint64_t most = user ? MIN(limit, s->each) : limit, has = held   ? *held
                                                              : user ? 0
                                                                     : root_holds(s);
    if (has > most || n > most - has)
        return error;
    if (user && !held && !(held = held_new(s, user)))
        return error;
    if (held)
        *held += n;
    s->taken += n;
    return 0;
}

int share_take(struct share *s, uint32_t user, uint32_t n, int error)
{
    if (user)
        return share_take_limited(s, user, n, UINT64_MAX, error);
    if (s->taken > s->capacity || n > s->capacity - s->taken)
        return error;
    s->taken += n;
    return 0;
}

void share_give(struct share *s, uint32_t user, uint32_t n)
{
    uint32_t *held = held_by(s, user);
    if (!n)
        return;
    ASSERT((held ? n <= *held : !user) && n <= s->taken);
    if (held)
        *held -= n;
    s->taken -= n;
}
