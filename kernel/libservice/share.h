/* Shares: how many of something each user holds. Every table that programs can fill has a share. Of
 * its `capacity`, one user other than root may hold `each`; the last `reserve` are left for root
 * alone. So a user that takes all it gets hinders neither root nor, unless several do so together,
 * the other users.
 *
 *     static struct share pipe_share = SHARE(PIPES, PIPES / 8, PIPES / 2);
 *     p->user = call_user(m->call);
 *     error = share_take(&pipe_share, p->user, 1, -ENFILE);
 *     ...
 *     share_give(&pipe_share, p->user, 1);
 *
 * A share is ordinary memory of the service, and rolled back like all of it. What is taken must be
 * given back for the same user, so the object that was made remembers the user. */
#ifndef SHARE_H
#define SHARE_H

#include <minnow/message.h>

/* users that hold something at the same time; a further one is refused */
enum { SHARE_USERS = 64 };

struct share {
    uint32_t capacity, reserve, each; /* units; reserve <= capacity */
    uint32_t taken;                   /* of all users together */
    /* places of user[] that were ever used */
    uint32_t users;
    /* all but root, which holds the rest of `taken`. held 0: the place is free */
    struct {
        uint32_t user, held;
    } user[SHARE_USERS];
};

#define SHARE(units, kept, most)                               \
    {                                                          \
        .capacity = (units), .reserve = (kept), .each = (most) \
    }

/* `user` takes n more. 0; or `error` when that exceeds its part: then nothing has changed. Does not
 * wait. */
int share_take(struct share *s, uint32_t user, uint32_t n, int error);
/* The same, and `user`, even root, holds no more than `limit` in all (a resource limit). */
int share_take_limited(struct share *s, uint32_t user, uint32_t n, uint64_t limit, int error);
/* The user to charge for what a call takes. While less than a quarter of the capacity is taken,
 * that is root, which saves a kernel call; so a user may come to hold a quarter more than its
 * part. */
uint32_t share_user(const struct share *s, call_t call);
/* Gives back what share_take has given to the same user. */
void share_give(struct share *s, uint32_t user, uint32_t n);
/* How many `user` holds; of root: what no other user holds. */
uint32_t share_held(const struct share *s, uint32_t user);

#endif
