/* Queues of signals that wait for delivery. A set says which signals wait; entries carry what
 * siginfo tells of them. Below SIGRTMIN one of a kind waits; from there on all do, in order. */
#include "sigqueue.h"

#include "service.h"

static struct share *queued_share;

void sigqueue_start(struct share *share)
{
    enum { FEW = 4096, PAGES_EACH = 4 };
    uint32_t most = MAX(machine_pages() / PAGES_EACH, (uint64_t)FEW);
    *share = (struct share)SHARE(most, most / 8, most / 2);
    queued_share = share;
}

uint64_t sigqueue_limit(void) { return queued_share->capacity / 16; }

static void set_signals(struct sigqueue *q, uint64_t set)
{
    q->set = set;
    if (q->shown)
        *q->shown = set;
}

/* Makes an entry, accounted to `user`. NULL: the user holds as many as `limit` or the share allows,
 * or there is no memory. Signals below SIGRTMIN that the kernel or kill() sends are not held back
 * by the limit, since one of a kind waits (Linux, sigqueue_alloc). */
static struct queued *queued_new(uint32_t user, uint64_t limit, const struct siginfo *info)
{
    if (info->signo < SIGRTMIN && info->code >= 0)
        limit = ~0ul;
    if (share_take_limited(queued_share, user, 1, limit, -EAGAIN))
        return NULL;
    struct queued *n = memory_alloc(sizeof *n);
    if (n)
        *n = (struct queued){ NULL, user, *info };
    else
        share_give(queued_share, user, 1);
    return n;
}

static void queued_free(struct queued *n)
{
    share_give(queued_share, n->user, 1);
    memory_free(n);
}

int sigqueue_add(struct sigqueue *q, uint32_t user, uint64_t limit, const struct siginfo *info)
{
    uint64_t bit = BIT(info->signo);
    if (info->signo < SIGRTMIN && (q->set & bit))
        return 0;
    struct queued *n = queued_new(user, limit, info);
    if (!n && info->signo >= SIGRTMIN && info->code != SI_USER && info->code != SI_KERNEL)
        return -EAGAIN;
    set_signals(q, q->set | bit);
    if (n) {
        struct queued **at = &q->first;
        while (*at)
            at = &(*at)->next;
        *at = n;
    }
    return 0;
}

void sigqueue_take(struct sigqueue *q, int sig, struct siginfo *info)
{
    *info = (struct siginfo){ .signo = sig };
    bool found = false, more = false;
    for (struct queued **at = &q->first; *at;) {
        struct queued *n = *at;
        if (n->info.signo != sig) {
            at = &n->next;
        } else if (found) {
            more = true;
            break;
        } else {
            *info = n->info;
            found = true;
            *at = n->next;
            queued_free(n);
        }
    }
    if (!more)
        set_signals(q, q->set & ~BIT(sig));
}

void sigqueue_drop(struct sigqueue *q, uint64_t set)
{
    if (!(q->set & set))
        return;
    set_signals(q, q->set & ~set);
    for (struct queued **at = &q->first; *at;) {
        struct queued *n = *at;
        if (BIT(n->info.signo) & set) {
            *at = n->next;
            queued_free(n);
        } else {
            at = &n->next;
        }
    }
}

void sigqueue_return(struct sigqueue *q, uint32_t user, uint64_t limit, const struct siginfo *info)
{
    struct queued *n = queued_new(user, limit, info);
    set_signals(q, q->set | BIT(info->signo));
    if (n) {
        n->next = q->first;
        q->first = n;
    }
}
