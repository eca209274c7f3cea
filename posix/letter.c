/* The bytes of messages that wait in queues. There are blocks of two sizes only, so that memory
 * which was used for messages of one length serves for those of any other one; of each size no more
 * is used than the share allows. A message takes a small block, in which its first bytes stand, and
 * as many large ones as it needs. */
#include "letter.h"

#include "share.h"
#include "user_memory.h"

/* A large block is 2 KiB, with the head that memory_alloc() gives it. */
enum { PIECE = 2048 - 16 - sizeof(void *) };
/* The share counts units of 128 bytes. */
enum { LETTER_UNITS = 1, PIECE_UNITS = 16, UNIT = 128, MEMORY_PART = 128 };
_Static_assert(sizeof(struct letter) + 16 <= UNIT, "a letter is one unit");

struct piece {
    struct piece *next;
    char bytes[PIECE];
};

static struct share letter_share;

static unsigned units(uint32_t length)
{
    uint32_t rest = length > LETTER_INLINE ? length - LETTER_INLINE : 0;
    return LETTER_UNITS + (rest + PIECE - 1) / PIECE * PIECE_UNITS;
}

/* The manifest grants one page in MEMORY_PART for each of the two sizes. */
static int take(uint32_t user, uint32_t length)
{
    if (!letter_share.capacity) {
        uint32_t all = machine_pages() / MEMORY_PART * (PAGE_SIZE / UNIT);
        letter_share = (struct share)SHARE(all, all / 8, all / 2);
    }
    return share_take(&letter_share, user, units(length), -ENOMEM);
}

void letter_free(struct letter *l)
{
    while (l->rest) {
        struct piece *p = l->rest;
        l->rest = p->next;
        memory_free(p);
    }
    share_give(&letter_share, l->user, units(l->length));
    memory_free(l);
}

/* A letter with room for its bytes; NULL: no memory. */
static struct letter *letter_make(uint32_t user, uint32_t length)
{
    if (take(user, length))
        return NULL;
    struct letter *l = memory_alloc(sizeof *l);
    if (!l) {
        share_give(&letter_share, user, units(length));
        return NULL;
    }
    *l = (struct letter){ .user = user, .length = length };
    for (uint32_t done = LETTER_INLINE; done < length; done += PIECE) {
        struct piece *p = memory_alloc(sizeof *p);
        if (!p) {
            letter_free(l);
            return NULL;
        }
        p->next = l->rest;
        l->rest = p;
    }
    return l;
}

struct letter *letter_read(struct thread *t, caller_t from, uint32_t length, int64_t *error)
{
    *error = -ENOMEM;
    struct letter *l = letter_make(t->process->i.uid, length);
    if (!l)
        return NULL;
    uint32_t done = MIN(length, (uint32_t)LETTER_INLINE);
    int failed = done ? user_peek(t, from, l->first, done) : 0;
    for (struct piece *p = l->rest; p && !failed; p = p->next) {
        uint32_t n = MIN(length - done, (uint32_t)PIECE);
        failed = user_peek(t, from + done, p->bytes, n);
        done += n;
    }
    if (!failed)
        return l;
    letter_free(l);
    *error = user_throw(t, from, length, WINDOW_IN);
    return NULL;
}

int64_t letter_write(struct thread *t, caller_t to, const struct letter *l, uint32_t length)
{
    uint32_t done = MIN(length, (uint32_t)LETTER_INLINE);
    int failed = done ? user_poke(t, to, l->first, done) : 0;
    for (const struct piece *p = l->rest; done < length && !failed; p = p->next) {
        uint32_t n = MIN(length - done, (uint32_t)PIECE);
        failed = user_poke(t, to + done, p->bytes, n);
        done += n;
    }
    return failed ? user_throw(t, to, length, WINDOW_OUT) : 0;
}
