/* The bytes on their way. They lie in pages, which are never given back (memory_pages()) but used
 * again, and are charged to the user who made the sending socket.
 *
 * A page that was freed is filled again only when the service has committed that its bytes are
 * read: what is copied in is not in the undo log. See answer order in transfer.c. */
#include "local.h"

enum { MEMORY_PART = 128 };

static struct block *free_blocks;
static struct share block_share; /* in pages */

/* The manifest grants one page in MEMORY_PART for blocks. */
static void share_begin(void)
{
    uint32_t pages = machine_pages() / MEMORY_PART;
    block_share = (struct share)SHARE(pages, pages / 8, pages / 2);
}

/* An empty block, charged to the user. NULL: no memory, or the user has its share. */
static struct block *block_take(uint32_t user)
{
    if (!block_share.capacity)
        share_begin();
    if (share_take(&block_share, user, 1, -ENOBUFS))
        return NULL;
    struct block *b = free_blocks;
    if (b) {
        free_blocks = b->next;
    } else if ((b = memory_alloc(sizeof *b)) && !(b->base = memory_pages(1))) {
        memory_free(b);
        b = NULL;
    }
    if (!b) {
        share_give(&block_share, user, 1);
        return NULL;
    }
    b->next = NULL;
    b->begin = b->end = 0;
    return b;
}

/* Gives a chain of blocks back. */
static void blocks_give(struct block *b, uint32_t user)
{
    while (b) {
        struct block *next = b->next;
        b->next = free_blocks;
        free_blocks = b;
        share_give(&block_share, user, 1);
        b = next;
    }
}

/* ---- putting bytes in ---- */

/* Bytes that are copied in, and in no packet yet: the first ones into the rest of `tail`, the
 * others into a chain of new blocks. */
struct load {
    struct block *tail, *first, *last;
    uint32_t in_tail, in_chain;
};

/* Copies `bytes` from the window into the load, as many as find memory. 0 or -EFAULT, and then the
 * load is empty. */
static int load_fill(struct load *l, uint32_t user, call_t call, uint64_t offset, uint32_t bytes)
{
    if (l->tail)
        l->in_tail = MIN(bytes, PAGE_SIZE - l->tail->end);
    int error = 0;
    if (l->in_tail)
        error = copy_in_call(call, offset, l->tail->base + l->tail->end, l->in_tail);
    for (uint32_t done = l->in_tail; !error && done < bytes;) {
        struct block *b = block_take(user);
        if (!b)
            break;
        *(l->first ? &l->last->next : &l->first) = b;
        l->last = b;
        b->end = MIN(bytes - done, (uint32_t)PAGE_SIZE);
        error = copy_in_call(call, offset + done, b->base, b->end);
        done += b->end;
        l->in_chain += b->end;
    }
    if (error) {
        blocks_give(l->first, user);
        *l = (struct load){ 0 };
    }
    return error;
}

/* Makes the load the end of a packet. */
static void load_into(struct packet *p, const struct load *l)
{
    if (l->in_tail)
        l->tail->end += l->in_tail;
    if (l->first) {
        *(p->first ? &p->last->next : &p->first) = l->first;
        p->last = l->last;
    }
    p->length += l->in_tail + l->in_chain;
}

static bool cred_same(const struct socket_cred *a, const struct socket_cred *b)
{
    return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* Whether both tell the same of who has sent them. */
static bool senders_same(const struct packet *a, const struct packet *b)
{
    return a->known == b->known && (!a->known || cred_same(&a->cred, &b->cred));
}

/* A packet for the bytes that the call m of `from` sends to `to`, without them. */
static struct packet packet_of(const struct socket *from, const struct socket *to,
                               struct message *m)
{
    struct packet p = { .sender = from->number,
                        .sender_serial = from->generation,
                        .user = from->user,
                        .rights = carried(m),
                        .name = from->name };
    p.known = m->op == SOCKET_SEND && (m->w[3] & SEND_CRED || tells_senders(from, to));
    if (p.known)
        p.cred = (struct socket_cred){ m->w[4], m->w[5] >> 32, m->w[5] };
    return p;
}

/* Whether the next bytes of a stream, which would be packet p, may be put behind those of
 * `last`. */
static bool continues(const struct packet *last, const struct packet *p)
{
    return last && last->sender == p->sender && last->sender_serial == p->sender_serial &&
           !last->rights && !p->rights && senders_same(last, p);
}

/* Puts p, and what m carries, at the end of what `to` has received. NULL: no memory. */
static struct packet *packet_add(struct socket *to, const struct packet *what, struct message *m)
{
    struct packet *p = memory_alloc(sizeof *p);
    if (!p)
        return NULL;
    *p = *what;
    if (p->rights)
        *carried_at(m) = NULL;
    if (p->name)
        p->name->refs++;
    *(to->last ? &to->last->next : &to->first) = p;
    to->last = p;
    to->packets++;
    return p;
}

int64_t packet_append(struct socket *from, struct socket *to, struct message *m, uint64_t offset,
                      uint32_t bytes)
{
    struct packet new = packet_of(from, to, m);
    struct packet *p = continues(to->last, &new) ? to->last : NULL;
    struct load l = { .tail = p ? p->last : NULL };
    int error = load_fill(&l, from->user, m->call, offset, bytes);
    if (error)
        return error;
    uint32_t n = l.in_tail + l.in_chain;
    if (!n || (!p && !(p = packet_add(to, &new, m)))) {
        blocks_give(l.first, from->user);
        return -ENOBUFS;
    }
    load_into(p, &l);
    to->received += n;
    from->sent += n;
    return n;
}

int64_t packet_put(struct socket *from, struct socket *to, struct message *m, uint32_t length)
{
    struct packet new = packet_of(from, to, m), *p;
    struct load l = { 0 };
    int error = length ? load_fill(&l, from->user, m->call, 0, length) : 0;
    if (error)
        return error;
    if (l.in_chain < length || !(p = packet_add(to, &new, m))) {
        blocks_give(l.first, from->user);
        return -ENOBUFS;
    }
    load_into(p, &l);
    to->received += length;
    from->sent += length;
    return 0;
}

/* ---- taking them out ---- */

uint32_t packets_together(const struct socket *s, uint32_t most, bool *stops)
{
    uint32_t n = 0;
    *stops = false;
    for (const struct packet *p = s->first; p && n < most && !*stops; p = p->next) {
        *stops = p->rights || (s->pass_cred && !senders_same(s->first, p));
        if (p == s->first || !s->pass_cred || senders_same(s->first, p))
            n += p->length;
    }
    return MIN(n, most);
}

int packets_copy(const struct socket *s, call_t call, uint64_t offset, uint32_t bytes)
{
    for (const struct packet *p = s->first; p && bytes; p = p->next)
        for (const struct block *b = p->first; b && bytes; b = b->next) {
            uint32_t n = MIN(bytes, b->end - b->begin);
            int error = copy_out_call(call, offset, b->base + b->begin, n);
            if (error)
                return error;
            offset += n;
            bytes -= n;
        }
    return 0;
}

/* The first `bytes` of p are not in it any more, and its sender may send as many again. */
static void packet_cut(struct packet *p, uint32_t bytes)
{
    struct socket *sender = sender_of(p);
    struct flight *rights = p->rights;
    p->rights = NULL;
    rights_drop(rights);
    p->length -= bytes;
    if (sender)
        sender->sent -= bytes;
    while (bytes) {
        struct block *b = p->first;
        uint32_t n = MIN(bytes, b->end - b->begin);
        b->begin += n;
        bytes -= n;
        if (b->begin != b->end)
            break;
        p->first = b->next;
        b->next = NULL;
        blocks_give(b, p->user);
    }
}

static void packet_remove(struct socket *s)
{
    struct packet *p = s->first;
    s->first = p->next;
    if (!s->first)
        s->last = NULL;
    s->packets--;
    blocks_give(p->first, p->user);
    address_drop(p->name);
    memory_free(p);
}

void packets_take(struct socket *s, uint32_t bytes)
{
    s->received -= bytes;
    while (bytes) {
        struct packet *p = s->first;
        uint32_t n = MIN(bytes, p->length);
        packet_cut(p, n);
        bytes -= n;
        if (!p->length)
            packet_remove(s);
    }
}

void packet_take(struct socket *s)
{
    uint32_t length = s->first->length;
    packet_cut(s->first, length);
    s->received -= length;
    packet_remove(s);
}

void packets_drop(struct socket *s)
{
    while (s->first)
        packet_take(s);
}
