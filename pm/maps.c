/* Looking at spaces: the texts of /proc/N/maps, smaps and smaps_rollup, sums, names for futexes.
 *
 * A text is made anew for each read, region by region, and the reader gets the part that begins at
 * its position. PM knows files by service and object; their paths it asks of VFS, which means that
 * it waits. So nothing of a space is kept from one line to the next but an address. */
#include "backing.h"
#include "handlers.h"
#include "segment.h"
#include "smaps.h"

enum { HEAD = 128, NAME_COLUMN = 73 };

/* One read of a text. */
struct ON_STACK reading {
    struct message *m;
    endpoint_t task; /* whose memory it is, */
    uint64_t space;  /* as it was when the read began */
    enum pm_maps form;
    /* positions in the text: of the first byte that the reader gets, of the next, behind the last
     */
    uint64_t offset, wanted, end;
    uint64_t at; /* likewise of the next byte that is made */
    struct smaps_pace pace;
    int error; /* -EFAULT: the reader's memory is missing */
    /* the path of a file, which is the one that was asked for last; NULL: of none */
    struct backing *named;
    char *path; /* PATH_MAX bytes, from memory_alloc() */
    int64_t length;
};

static bool is_complete(const struct reading *r) { return r->error || r->wanted == r->end; }

/* The space, if it is still the one that was there at first; else NULL. */
static struct space *target(const struct reading *r)
{
    struct space *s = space_of(r->task);
    return s && s->id == r->space ? s : NULL;
}

/* The next n bytes of the text. The reader gets those that it wants. */
static void put(struct reading *r, const char *text, uint64_t n)
{
    uint64_t skip = r->wanted > r->at ? MIN(r->wanted - r->at, n) : 0,
             now = MIN(n - skip, r->end - r->wanted);
    r->at += n;
    if (!now || r->error)
        return;
    r->error = copy_out(r->m, r->wanted - r->offset, text + skip, now);
    r->wanted += now;
}

/* ---- names ---- */

/* The path as the reader sees it. The program's file is found in its directory too, which the
 * reader has told, when nothing else is known of its name. The length, or an error. */
static int64_t ask_path(const struct reading *r, const struct backing *b, bool program)
{
    bool directory = program && r->m->w[5];
    struct call_args a = { .op = VFS_PATH,
                           .w0 = r->m->from,
                           .w3 = directory ? VFS_PATH_OBJECT : VFS_PATH_FILE,
                           .w4 = b->service,
                           .w5 = b->object };
    int64_t n = call_window(service_find("vfs"), &a, WINDOW_OUT, r->path, PATH_MAX, NULL);
    if (n >= 0 || !directory)
        return n;
    r->path[0] = 0; /* the name that it had is not known here */
    a.w3 = VFS_PATH_PROGRAM;
    a.object = r->m->w[5];
    return call_window(service_find("vfs"), &a, WINDOW_OUT, r->path, PATH_MAX, NULL);
}

/* Makes r->path the path of a file, of which there is a user; 0 bytes, if it has no known name. May
 * wait. */
static void find_path(struct reading *r, struct backing *b, bool program)
{
    if (r->named == b)
        return;
    if (!r->path)
        r->path = memory_alloc(PATH_MAX);
    r->length = r->path ? MAX(ask_path(r, b, program), 0l) : 0;
    backing_ref(b);
    if (r->named)
        backing_unref(r->named);
    r->named = b;
}

/* Linux writes the end of a line in a path like this. */
static const char newline[] = "\\012";

/* How many bytes put_path() makes. */
static uint64_t path_length(const struct reading *r)
{
    uint64_t n = 0;
    for (int64_t i = 0; i < r->length; i++)
        n += r->path[i] == '\n' ? sizeof newline - 1 : 1;
    return n;
}

static void put_path(struct reading *r)
{
    int64_t from = 0;
    for (int64_t i = 0; i < r->length; i++) {
        if (r->path[i] != '\n')
            continue;
        put(r, r->path + from, i - from);
        put(r, newline, sizeof newline - 1);
        from = i + 1;
    }
    put(r, r->path + from, r->length - from);
}

/* What regions without a file are called. `s`: the space that r is in. */
static void special_name(const struct space *s, const struct region *r, char name[HEAD])
{
    const char *what = "";
    name[0] = 0;
    if (r->flags & REGION_STACK && r->start < s->stack_top && s->stack_top <= r->end)
        what = "[stack]";
    else if (r->flags & REGION_HEAP)
        what = "[heap]";
    else if (r->flags & REGION_FIXED)
        what = r->protection & PAGE_EXEC ? "[vdso]" : "[vvar]";
    else if (r->backing && r->backing->segment)
        format(name, HEAD, "/SYSV%08x (deleted)", segment_name(r->backing).key);
    else if (r->backing)
        what = "/dev/zero (deleted)";
    if (*what)
        format(name, HEAD, "%s", what);
}

/* ---- one region ---- */

/* The line up to the name. Returns its length. */
static unsigned head(const struct region *r, char text[HEAD])
{
    const struct backing *b = r->backing;
    bool file = b && b->service;
    uint64_t inode = !b ? 0 : b->segment ? segment_name(b).id : b->inode;
    return format(text, HEAD, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", r->start, r->end,
                  r->protection & PAGE_READ ? 'r' : '-', r->protection & PAGE_WRITE ? 'w' : '-',
                  r->protection & PAGE_EXEC ? 'x' : '-', r->flags & REGION_SHARED ? 's' : 'p',
                  b ? r->offset : 0ul, file ? dev_major(b->device) : 0u,
                  file ? dev_minor(b->device) : 0u, inode);
}

static unsigned pad(char text[HEAD], unsigned n)
{
    do
        text[n++] = ' ';
    while (n < NAME_COLUMN);
    return n;
}

/* The line of a region, of whose backing there is a user; `name`: of a region without a file. May
 * wait, if the region shows a file. */
static void put_line(struct reading *r, const struct region *region, const char *name, bool program)
{
    char text[HEAD];
    struct backing *b = region->backing;
    unsigned n = head(region, text);
    bool file = b && b->service,
         skipped = file && b->told && r->at + n + NAME_COLUMN + b->told < r->wanted;
    if (file && !skipped) {
        find_path(r, b, program);
        b->told = path_length(r) + 1;
    }
    uint64_t length = file ? b->told - 1 : strlen(name);
    if (length)
        n = pad(text, n);
    put(r, text, n);
    if (skipped) /* nobody reads the line: the length that the path had serves */
        r->at += length;
    else if (file)
        put_path(r);
    else
        put(r, name, length);
    put(r, "\n", 1);
}

/* What smaps has of a region besides its line. 0, or -ESRCH. May wait. */
static int put_sums(struct reading *r, const struct region *region)
{
    char text[SMAPS_ROOM];
    unsigned length = smaps_length(region);
    struct smaps_sums sums = { 0 };
    struct space *s = target(r);
    if (s && r->at + length <= r->wanted) {
        r->at += length;
        return 0;
    }
    int error = s ? smaps_add(s, region, &sums, &r->pace) : -ESRCH;
    if (!error)
        put(r, text, smaps_text(region, &sums, text));
    return error;
}

/* ---- all of them ---- */

/* After a region: lets others go first if there has been enough work. The space
 * as it is then, or NULL. */
static struct space *onward(struct reading *r)
{
    smaps_pause(&r->pace, STEP_PAGES / REGIONS_AT_ONCE);
    return target(r);
}

/* Begins where the last read of the text ended, since most readers go on there: at which address.
 */
static vaddr_t begin(struct reading *r, const struct space *s)
{
    if (!r->wanted || s->line.read_to != r->wanted || s->line.form != r->form)
        return 0;
    r->at = s->line.offset;
    return s->line.at;
}

/* One region, of whose backing there is a user. 0, or -ESRCH. May wait. */
static int put_region(struct reading *r, const struct space *s, const struct region *region)
{
    char name[HEAD];
    special_name(s, region, name);
    put_line(r, region, name, region->backing == s->program);
    return r->form == PM_MAPS_SMAPS ? put_sums(r, region) : 0;
}

/* The text of all regions. 0, or -ESRCH. May wait, before anything is sent and afterwards. */
static int put_regions(struct reading *r)
{
    struct space *s = target(r);
    vaddr_t from = s ? begin(r, s) : 0;
    while (s && !is_complete(r)) {
        const struct region *next = regions_find(&s->regions, from);
        if (!next)
            return 0;
        struct region region = *next;
        uint64_t offset = r->at;
        if (region.backing)
            backing_ref(region.backing);
        int error = put_region(r, s, &region);
        if (region.backing)
            backing_unref(region.backing);
        from = region.end;
        s = error ? NULL : target(r);
        if (!s)
            break;
        s->line.offset = offset;
        s->line.at = region.start;
        s->line.read_to = r->wanted;
        s->line.form = r->form;
        s = onward(r);
    }
    return s ? 0 : -ESRCH;
}

/* The sums of all regions, in one text. 0, or -ESRCH. May wait. */
static int put_rollup(struct reading *r)
{
    char line[HEAD], text[SMAPS_ROOM];
    struct smaps_sums sums = { 0 };
    struct region all = { 0 };
    struct space *s = target(r);
    for (const struct region *next; s && (next = regions_find(&s->regions, all.end));) {
        struct region region = *next;
        if (!all.end)
            all.start = region.start;
        all.end = region.end;
        if (region.backing)
            backing_ref(region.backing);
        int error = smaps_add(s, &region, &sums, &r->pace);
        if (region.backing)
            backing_unref(region.backing);
        s = error ? NULL : onward(r);
    }
    if (!s)
        return -ESRCH;
    put(r, line, pad(line, head(&all, line)));
    put(r, "[rollup]\n", strlen("[rollup]\n"));
    put(r, text, smaps_rollup(&sums, text));
    return 0;
}

/* Sends the part of a text from `offset` on that the window has room for. Bytes, or -EFAULT,
 * -ESRCH. */
static int64_t text(struct message *m, enum pm_maps form, uint64_t offset)
{
    enum { AT_ONCE = 64 * 1024 };
    uint64_t room = MIN(MIN(m->w[2], (uint64_t)AT_ONCE), ~offset);
    struct space *s = space_of(m->w[0]);
    if (!s)
        return -ESRCH;
    struct reading r = { .m = m,
                         .task = m->w[0],
                         .space = s->id,
                         .form = form,
                         .offset = offset,
                         .wanted = offset,
                         .end = offset + room };
    if (form != PM_MAPS_LINES)
        smaps_census(&r.pace);
    int error = form == PM_MAPS_ROLLUP ? put_rollup(&r) : put_regions(&r);
    uint64_t sent = r.wanted - offset;
    if (r.named)
        backing_unref(r.named);
    memory_free(r.path);
    backing_settle();
    if (r.error || (error && !sent))
        return r.error ? r.error : error;
    reply_position(m, offset + sent); /* procfs forwards reads of its file */
    return sent;
}

int64_t do_maps(struct message *m)
{
    const struct space *s = space_of(m->w[0]);
    switch (m->w[4]) {
    case PM_MAPS_LINES:
    case PM_MAPS_SMAPS:
    case PM_MAPS_ROLLUP: return text(m, m->w[4], m->w[3]);
    case PM_MAPS_USAGE: break;
    default: return -EINVAL;
    }
    if (!s || m->w[2] < sizeof *s->usage)
        return s ? -EINVAL : -ESRCH;
    int error = copy_out(m, 0, s->usage, sizeof *s->usage);
    return error ? error : (int64_t)sizeof *s->usage;
}

/* ---- for core files ---- */

enum { PLACES = 64 };

/* Lists what is there of [at, end) in out[PLACES]. *next becomes where to go on; `end`: nowhere. */
static unsigned look(const struct space *s, vaddr_t at, vaddr_t end, struct page_out *out,
                     vaddr_t *next)
{
    struct page_change c = page_list(s, PAGE_QUERY, at, (end - at) / PAGE_SIZE, out, PLACES);
    int64_t n = ask_pages(&c, 1);
    bool early = n > 0 && (n == PLACES || !out[n - 1].entry);
    *next = early ? out[n - 1].address + PAGE_SIZE : end;
    return MAX(n, 0l);
}

/* Whether a page of the range is the task's own and no file's. May wait. */
static bool has_copies(endpoint_t task, vaddr_t at, vaddr_t end)
{
    enum { LOOKS_AT_ONCE = 64 };
    static struct page_out out[PLACES];
    for (unsigned looks = 1; at < end; looks++) {
        const struct space *s = space_of(task);
        if (!s)
            return false;
        for (unsigned i = 0, n = look(s, at, end, out, &at); i < n; i++)
            if (out[i].entry & PAGE_OUT_OWNED)
                return true;
        if (looks % LOOKS_AT_ONCE == 0 && at < end)
            give_way(STEPS(end - at, PAGE_SIZE * PLACES));
    }
    return false;
}

int64_t do_regions(struct message *m)
{
    endpoint_t task = m->w[0];
    vaddr_t at = m->w[3];
    uint64_t n = 0, places = m->w[2] / sizeof(struct pm_region);
    for (; n < places; n++) {
        const struct space *s = space_of(task);
        const struct region *r = s ? regions_find(&s->regions, at) : NULL;
        if (!r)
            return s ? (int64_t)n : -ESRCH;
        bool file = r->backing && r->backing->service, shared = r->flags & REGION_SHARED;
        struct pm_region out = { .start = r->start,
                                 .end = r->end,
                                 .offset = file ? r->offset : 0,
                                 .object = file ? r->backing->object : 0,
                                 .service = file ? r->backing->service : 0,
                                 .protection = r->protection,
                                 .flags = (shared ? PM_REGION_SHARED : 0) |
                                          (r->flags & REGION_FIXED ? PM_REGION_FIXED : 0) |
                                          (r->flags & REGION_NOT_DUMPED ? PM_REGION_NOT_DUMPED
                                                                        : 0) };
        if (file && !shared && has_copies(task, out.start, out.end))
            out.flags |= PM_REGION_CHANGED;
        int error = copy_out(m, n * sizeof out, &out, sizeof out);
        if (error)
            return error;
        at = out.end;
    }
    return n;
}

int64_t do_pages(struct message *m)
{
    static struct page_out out[PLACES];
    const struct space *s = space_of(m->w[0]);
    vaddr_t at = m->w[1], end = m->w[2], next;
    if (!s || at % PAGE_SIZE || end % PAGE_SIZE || at > end || end > USER_TOP)
        return s ? -EINVAL : -ESRCH;
    unsigned i = 0, n = look(s, at, end, out, &next);
    while (i < n && !out[i].entry)
        i++;
    vaddr_t first = i < n ? out[i].address : next, behind = first;
    for (; i < n && out[i].entry && out[i].address == behind; i++)
        behind += PAGE_SIZE;
    reply_words(m, first, behind, 0);
    return 0;
}

/* Names the word of a futex: in shared memory by the backing and the place in it, else by the space
 * and the address. Some thread may sleep on a word that has gone, so backings and spaces are named
 * by numbers that no later one has. */
int64_t do_key(struct message *m)
{
    const struct space *s = space_of(m->w[0]);
    const struct region *r = s ? regions_at(&s->regions, m->w[1]) : NULL;
    if (!r)
        return -EFAULT;
    if (r->backing && r->flags & REGION_SHARED)
        reply_words(m, r->backing->number * 2 + 1, r->offset + (m->w[1] - r->start), 0);
    else
        reply_words(m, s->id * 2, m->w[1], 0);
    return 0;
}
