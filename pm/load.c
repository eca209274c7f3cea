/* Reading ELF files and making regions of their segments: see load.h. */
#include "load.h"

#include "fault.h"
/* between two steps */
enum { SEGMENTS_AT_ONCE = 32 };

static int64_t read_at(struct backing *b, uint64_t position, void *to, size_t length)
{
    struct call_args a = { .op = FS_READ, .object = b->object, .position = position };
    return call_window(b->service, &a, WINDOW_OUT, to, length, NULL);
}

/* Reads exactly `length` bytes. 0; -ENOEXEC: the file is too short, so it is no program; or an
 * error. May wait. */
static int read_all(struct backing *b, uint64_t position, void *to, size_t length)
{
    int64_t n = read_at(b, position, to, length);
    return n == (int64_t)length ? 0 : n < 0 ? (int)n : -ENOEXEC;
}

/* Reads and checks the headers, which mostly stand together at the start of the file: one message.
 * May wait. */
static int read_headers(struct backing *b, struct elf_image *image)
{
    enum { HEAD = 1024 };
    char head[HEAD];
    int64_t n = read_at(b, 0, head, sizeof head);
    if (n < ELF_HEADER_SIZE)
        return n < 0 ? (int)n : -ENOEXEC;
    int error = elf_header(head, image);
    if (error)
        return error;
    uint64_t size = image->table_count * (uint64_t)ELF_ENTRY_SIZE;
    image->segment = memory_alloc(image->table_count * sizeof *image->segment);
    if (!image->segment)
        return -ENOMEM;
    if (image->table_offset + size <= (uint64_t)n)
        return elf_table(head + image->table_offset, image);
    char *table = memory_alloc(size);
    if (!table)
        return -ENOMEM;
    error = read_all(b, image->table_offset, table, size);
    if (!error)
        error = elf_table(table, image);
    memory_free(table);
    return error;
}

/* Remembers the headers for the next exec of the file, unless there are many segments. */
static void keep(struct backing *b, const struct elf_image *image)
{
    enum { SEGMENTS_KEPT = 16 };
    size_t segments = image->segment_count * sizeof *image->segment;
    if (image->segment_count > SEGMENTS_KEPT || !(b->elf = memory_alloc(sizeof *b->elf + segments)))
        return;
    *b->elf = *image;
    b->elf->segment = (struct elf_segment *)(b->elf + 1);
    memcpy(b->elf->segment, image->segment, segments);
}

static int take(struct elf_image *image, const struct elf_image *kept)
{
    size_t segments = kept->segment_count * sizeof *kept->segment;
    *image = *kept;
    image->segment = memory_alloc(segments);
    if (!image->segment)
        return -ENOMEM;
    memcpy(image->segment, kept->segment, segments);
    return 0;
}

int image_open(struct image *i, endpoint_t task, endpoint_t service, uint64_t object, bool runs)
{
    bool zero;
    int error = runs ? backing_get_program(task, service, object, &i->backing, &zero)
                     : backing_get(task, service, object, &i->backing, &zero);
    if (error)
        return error == -ENODEV ? -EACCES : error;
    struct backing *b = i->backing;
    i->runs = runs;
    if (b->elf)
        return take(&i->elf, b->elf);
    unsigned epoch = b->epoch;
    error = read_headers(b, &i->elf);
    if (!error && !b->elf && epoch == b->epoch)
        keep(b, &i->elf);
    return error;
}

void image_close(struct image *i)
{
    if (i->backing)
        (i->runs ? backing_unref_program : backing_unref)(i->backing);
    i->backing = NULL;
    memory_free(i->elf.segment);
    i->elf.segment = NULL;
}

int image_interpreter(const struct image *i, char path[ELF_INTERP_MAX + 1])
{
    int error = read_all(i->backing, i->elf.interp_offset, path, i->elf.interp_size);
    path[i->elf.interp_size] = 0;
    if (error == -ENOEXEC)
        return -EIO;
    if (!error && path[i->elf.interp_size - 1])
        return -ENOEXEC;
    return error;
}

static int add(struct space *s, vaddr_t start, vaddr_t end, uint8_t protection, struct backing *b,
               uint64_t offset)
{
    if (start >= end)
        return 0;
    if (regions_reserve(&s->regions, 3) < 0)
        return -ENOMEM;
    /* of two segments that share a page the later one has it */
    regions_remove(&s->regions, start, end);
    if (b)
        backing_ref(b);
    regions_insert(&s->regions, &(struct region){ .start = start,
                                                  .end = end,
                                                  .offset = offset,
                                                  .backing = b,
                                                  .protection = protection,
                                                  .allowed = PAGE_ALL });
    return 0;
}

int image_place(const struct image *i, struct space *s)
{
    for (unsigned k = 0; k < i->elf.segment_count; k++) {
        const struct elf_segment *g = &i->elf.segment[k];
        vaddr_t start = g->address + i->bias, in_file = PAGE_UP(start + g->file_size),
                end = PAGE_UP(start + g->memory_size);
        if (!g->file_size)
            in_file = PAGE_DOWN(start);
        int error = add(s, PAGE_DOWN(start), in_file, g->protection, i->backing,
                        PAGE_DOWN(g->offset));
        if (!error)
            error = add(s, in_file, end, g->protection, NULL, 0);
        if (error)
            return error;
        GIVE_WAY_EVERY(SEGMENTS_AT_ONCE, 1, i->elf.segment_count - k - 1);
    }
    return 0;
}

void image_extent(const struct image *i, struct pm_layout *at)
{
    at->code = ~0ul;
    for (unsigned k = 0; k < i->elf.segment_count; k++) {
        const struct elf_segment *g = &i->elf.segment[k];
        vaddr_t start = g->address + i->bias, end = start + g->file_size;
        if (g->protection & PAGE_EXEC) {
            at->code = MIN(at->code, start);
            at->code_end = MAX(at->code_end, end);
        }
        at->data = MAX(at->data, start);
        at->data_end = MAX(at->data_end, end);
    }
}

/* Whether the page that ends at `end` is also one of a segment behind segment k. */
static bool shared(const struct image *i, unsigned k, vaddr_t end)
{
    for (k++; k < i->elf.segment_count; k++) {
        const struct elf_segment *g = &i->elf.segment[k];
        if (PAGE_DOWN(g->address + i->bias) < end &&
            g->address + i->bias + g->memory_size > end - PAGE_SIZE)
            return true;
    }
    return false;
}

int64_t image_clear(const struct image *i, endpoint_t task)
{
    static const char zeroes[PAGE_SIZE];
    for (unsigned k = 0; k < i->elf.segment_count; k++) {
        const struct elf_segment *g = &i->elf.segment[k];
        vaddr_t from = g->address + i->bias + g->file_size, to = PAGE_UP(from);
        GIVE_WAY_EVERY(SEGMENTS_AT_ONCE, 1, i->elf.segment_count - k - 1);
        if (g->file_size == g->memory_size || !g->file_size || from == to ||
            !(g->protection & PAGE_WRITE) || shared(i, k, to))
            continue;
        int64_t error = fault_range(task, from, to, PM_FAULT_WRITE);
        if (error)
            return error;
        error = ask_poke(task, from, zeroes, to - from);
        if (error < 0)
            return error;
    }
    return 0;
}
