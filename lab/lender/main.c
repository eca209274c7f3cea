/* lender: one file, few frames. See README.md; the protocol is FS, as far as PM needs it. */
#include "lender.h"

#include <minnow/file.h>
#include "service.h"
#include "syscalls.h"

enum { FILE_OBJECT = 1, WORDS = PAGE_SIZE / sizeof(uint64_t), AT_ONCE = 16 };
static const uint64_t scrubbed = 0xdeaddeaddeaddeadul;

/* What the file holds: the first word of each page. */
static uint64_t words[LENDER_PAGES];
static uint64_t (*frames)[WORDS];
/* the page that each frame is lent for, + 1; 0: it is free */
static uint64_t lent_for[LENDER_FRAMES];
static uint64_t usable, changes;
static struct lender_counts counts;

static int64_t frame_of(uint64_t page)
{
    for (uint64_t i = 0; i < usable; i++)
        if (lent_for[i] == page + 1)
            return i;
    return -1;
}

/* Lends a page: the place of its frame, -EEXIST if it is lent already, -ENOMEM if all are. */
static int64_t lend(uint64_t page)
{
    if (frame_of(page) >= 0)
        return -EEXIST;
    uint64_t i = 0;
    while (i < usable && lent_for[i])
        i++;
    if (i == usable) {
        counts.refused++;
        return -ENOMEM;
    }
    lent_for[i] = page + 1;
    frames[i][0] = words[page];
    frames[i][WORDS - 1] = ~words[page];
    counts.fetched++;
    counts.lent++;
    return i;
}

/* FS_PAGES: of all that may be lent, only the page that is wanted. */
static int64_t do_pages(struct message *m)
{
    uint64_t addresses[AT_ONCE] = { 0 }, wanted = m->w[3], page = m->position / PAGE_SIZE + wanted;
    if (wanted >= AT_ONCE || (wanted + 1) * sizeof addresses[0] > m->w[2])
        return -EINVAL;
    if (page >= LENDER_PAGES)
        return 0;
    int64_t i = lend(page);
    if (i < 0)
        return i;
    addresses[wanted] = (uint64_t)frames[i];
    if (copy_out(m, 0, addresses, (wanted + 1) * sizeof addresses[0])) {
        lent_for[i] = 0;
        counts.fetched--, counts.lent--;
        return -EFAULT;
    }
    return wanted + 1;
}

static void take_back(uint64_t address, bool written)
{
    uint64_t i = (address - (uint64_t)frames) / PAGE_SIZE;
    if (i >= usable || address % PAGE_SIZE || !lent_for[i]) {
        counts.nonsense++;
        return;
    }
    if (written)
        words[lent_for[i] - 1] = frames[i][0];
    counts.written += written;
    frames[i][0] = frames[i][WORDS - 1] = scrubbed;
    lent_for[i] = 0;
    counts.lent--;
}

static int64_t do_unpin(struct message *m)
{
    uint64_t addresses[AT_ONCE], count = m->w[2] / sizeof addresses[0];
    if (count > AT_ONCE)
        return -EINVAL;
    if (copy_in(m, 0, addresses, count * sizeof addresses[0]))
        return -EFAULT;
    for (uint64_t i = 0; i < count; i++)
        take_back(addresses[i], m->w[3]);
    return 0;
}

/* Pages are not to be kept by who lets the file go. */
static int64_t do_hold(struct message *m) { return (int64_t)m->w[1] > 0 ? 0 : FS_HOLD_BACK; }
/* Each page has its place. */
static int64_t do_reserve(struct message *m)
{
    (void)m;
    return (1 << AT_ONCE) - 1;
}

static int64_t do_stat(struct message *m)
{
    struct stat s = { .ino = FILE_OBJECT,
                      .nlink = 1,
                      .mode = S_IFREG | 0600,
                      .size = LENDER_PAGES * PAGE_SIZE,
                      .mtime = { .sec = changes },
                      .blksize = PAGE_SIZE };
    return copy_out(m, 0, &s, sizeof s);
}

static int64_t do_open(struct message *m)
{
    return connect(m, FILE_OBJECT, O_RDWR | CONN_READY | CONN_OFFSETS);
}

static int64_t reset(struct message *m)
{
    struct lender_reset r;
    if (copy_in(m, 0, &r, sizeof r))
        return -EFAULT;
    if (counts.lent)
        return -EBUSY;
    if (!r.frames || r.frames > LENDER_FRAMES)
        return -EINVAL;
    usable = r.frames;
    for (uint64_t i = 0; i < LENDER_PAGES; i++)
        words[i] = lender_word(r.seed, i);
    memset(&counts, 0, sizeof counts);
    changes++;
    return 0;
}

static int64_t do_ioctl(struct message *m)
{
    switch (m->w[1]) {
    case LENDER_RESET: return reset(m);
    case LENDER_COUNTS: return copy_out(m, 0, &counts, sizeof counts);
    default: return -ENOTTY;
    }
}

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(FS_OPEN)] = do_open,       [op_number(FS_STAT)] = do_stat,
        [op_number(FS_IOCTL)] = do_ioctl,     [op_number(FS_PAGES)] = do_pages,
        [op_number(FS_UNPIN)] = do_unpin,     [op_number(FS_HOLD)] = do_hold,
        [op_number(FS_RESERVE)] = do_reserve,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    frames = memory_pages(LENDER_FRAMES);
    if (!frames)
        die("no memory for frames");
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
