/* ELF headers, sound and spoilt, and the first stack of a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../pm/elf.h"
#include "../../pm/stack.h"
#include <minnow/syscall.h>

enum { ENOEXEC_RESULT = -8, ENTRIES = 4, MUTATIONS = 200000 };

struct header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, table, sections;
    uint32_t flags;
    uint16_t size, entry_size, count, rest[3];
};
struct entry {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};
struct file {
    struct header h;
    struct entry e[ENTRIES];
};

static struct file sound(void)
{
    return (struct file){
        .h = { .ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
               .type = 2,
               .machine = 62,
               .version = 1,
               .entry = 0x401000,
               .table = 64,
               .size = 64,
               .entry_size = 56,
               .count = ENTRIES },
        .e = { { 1, 4, 0, 0x400000, 0, 0x200, 0x200, 0x1000 },
               { 1, 5, 0x1000, 0x401000, 0, 0x5000, 0x5000, 0x1000 },
               { 1, 6, 0x6e10, 0x407e10, 0, 0x300, 0x2300, 0x1000 },
               { 0x6474e551, 6, 0, 0, 0, 0, 0, 16 } },
    };
}

static struct elf_segment places[ENTRIES];

static int parse(const struct file *f, struct elf_image *image)
{
    int error = elf_header(&f->h, image);
    if (error || image->table_count > ENTRIES)
        return error ? error : ENOEXEC_RESULT;
    image->segment = places;
    return elf_table(f->e, image);
}

static void a_sound_file_is_understood(void **state)
{
    (void)state;
    struct file f = sound();
    struct elf_image image;
    assert_int_equal(parse(&f, &image), 0);
    assert_true(image.fixed);
    assert_int_equal(image.segment_count, 3);
    assert_int_equal(image.low, 0x400000);
    assert_int_equal(image.high, 0x40b000);
    assert_int_equal(image.table_address, 0x400040);
    assert_int_equal(image.segment[2].protection, PAGE_READ | PAGE_WRITE);
    assert_int_equal(image.interp_size, 0);
}

#define SPOIL(change, result)                        \
    do {                                             \
        struct file f = sound();                     \
        change;                                      \
        assert_int_equal(parse(&f, &image), result); \
    } while (0)

static void what_is_no_program_is_refused(void **state)
{
    (void)state;
    struct elf_image image;
    SPOIL(f.h.ident[0] = 0, ENOEXEC_RESULT);
    SPOIL(f.h.ident[4] = 1, ENOEXEC_RESULT);
    SPOIL(f.h.machine = 3, ENOEXEC_RESULT);
    SPOIL(f.h.type = 1, ENOEXEC_RESULT);
    SPOIL(f.h.count = 0, ENOEXEC_RESULT);
    SPOIL(f.h.count = 65535, ENOEXEC_RESULT);
    SPOIL(f.h.entry_size = 32, ENOEXEC_RESULT);
    SPOIL(f.h.table = ~0ul - 8, ENOEXEC_RESULT);
    /* an interpreter without a name */
    SPOIL((f.e[3].type = 3, f.e[3].file_size = 1), ENOEXEC_RESULT);
    SPOIL((f.e[3].type = 3, f.e[3].file_size = 1 << 20), ENOEXEC_RESULT);
}

/* As Linux takes them: in any order, over each other, writable and executable at once. */
static void what_is_unusual_is_mapped(void **state)
{
    (void)state;
    struct elf_image image;
#define TAKE(change)                              \
    do {                                          \
        SPOIL(change, 0);                         \
        assert_false(image.broken);               \
        assert_int_equal(image.segment_count, 3); \
    } while (0)
    TAKE((f.e[1].address = 0x3ff000));
    assert_int_equal(image.low, 0x3ff000);
    assert_int_equal(image.high, 0x40b000);
    TAKE((f.e[0].address = 0x50c000));
    assert_int_equal(image.low, 0x401000);
    assert_int_equal(image.high, 0x50d000);
    TAKE(f.e[1].address = 0x400000);
    TAKE(f.e[1].flags = 7);
    assert_int_equal(image.segment[1].protection, PAGE_READ | PAGE_WRITE | PAGE_EXEC);
    TAKE((f.e[3].type = 3, f.e[3].file_size = ELF_INTERP_MAX));
    assert_int_equal(image.interp_size, ELF_INTERP_MAX);
}

static void what_cannot_be_mapped_is_broken(void **state)
{
    (void)state;
    struct elf_image image;
#define BREAK(change)              \
    do {                           \
        SPOIL(change, 0);          \
        assert_true(image.broken); \
    } while (0)
    BREAK(f.h.entry = 1ul << 63);
    BREAK(f.e[1].file_size = 0x6000); /* more than in memory */
    /* not where the file has it in its page */
    BREAK(f.e[1].address = 0x401008);
    BREAK(f.e[1].address = ~0xffful);
    BREAK(f.e[2].memory_size = ~0ul - 0x407e10);
    BREAK(f.e[2].memory_size = 1ul << 46);
    BREAK(f.e[1].offset = ~0xffful);
    BREAK(f.e[0].address = 0);                            /* the first page */
    BREAK((f.e[0].type = f.e[1].type = f.e[2].type = 0)); /* nothing to load */
}

/* A header with changed bytes is refused, or gives an image whose numbers are consistent. */
static void check_image(const struct elf_image *image)
{
    assert_in_range(image->segment_count, 1, ENTRIES);
    assert_true(image->interp_size <= ELF_INTERP_MAX);
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct elf_segment *s = &image->segment[i];
        assert_true(s->memory_size > 0 && s->file_size <= s->memory_size);
        uint64_t end = s->address + s->memory_size;
        assert_true(end > s->address && end < 1ul << 46);
        assert_int_equal((s->address - s->offset) % PAGE_SIZE, 0);
        assert_true((int64_t)(s->offset + s->file_size) >= 0);
        assert_true(image->low <= s->address && end <= image->high);
    }
}

static void mutated_headers_never_break_it(void **state)
{
    (void)state;
    srand(1);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        struct file f = sound();
        struct elf_image image;
        for (unsigned k = 1 + rand() % 4; k; k--)
            ((uint8_t *)&f)[16 + rand() % (sizeof f - 16)] = rand() % 3 ? rand()
                                                                        : 0xff * (rand() % 2);
        if (parse(&f, &image) == 0 && !image.broken)
            check_image(&image);
    }
}

/* ---- stack ---- */

enum { STACK_BYTES = 64 * 1024 };
static _Alignas(16) char memory[STACK_BYTES];
#define TOP 0x7fff00000000ul

static int64_t put(void *argument, vaddr_t to, const void *from, size_t length)
{
    (void)argument;
    assert_true(to >= TOP - STACK_BYTES && to + length <= TOP);
    memcpy(memory + (to - (TOP - STACK_BYTES)), from, length);
    return 0;
}
static const char *at(vaddr_t address) { return memory + (address - (TOP - STACK_BYTES)); }
static uint64_t word(vaddr_t address)
{
    uint64_t w;
    memcpy(&w, at(address), 8);
    return w;
}

static vaddr_t next(void *argument, vaddr_t string)
{
    (void)argument;
    return string + strlen(at(string)) + 1;
}
static const struct stack_memory stack_memory = { .put = put, .next = next };

/* The strings stand where the process manager puts them, with the name behind. */
static struct stack with_strings(const char *strings, size_t bytes, const char *name)
{
    struct stack s = { .name_at = TOP - 8 - (strlen(name) + 1) };
    s.strings_at = s.name_at - bytes;
    put(NULL, s.name_at, name, strlen(name) + 1);
    put(NULL, s.strings_at, strings, bytes);
    return s;
}

static void the_stack_is_as_the_standard_says(void **state)
{
    (void)state;
    static const char strings[] = "echo\0hello\0\0PATH=/bin\0X=";
    struct stack s = with_strings(strings, sizeof strings, "/bin/echo");
    s.argc = 3, s.envc = 2, s.random[0] = 1, s.aux_count = 2;
    s.aux[0] = (struct aux){ AT_PAGESZ, 4096 }, s.aux[1] = (struct aux){ AT_ENTRY, 0x401000 };
    assert_true(stack_strings(strings, sizeof strings, 5));
    stack_lay(&s);
    assert_int_equal(stack_write(&s, &stack_memory), 0);
    assert_int_equal(s.pointer % 16, 0);
    vaddr_t p = s.pointer;
    assert_int_equal(word(p), 3);
    assert_string_equal(at(word(p + 8)), "echo");
    assert_string_equal(at(word(p + 16)), "hello");
    assert_string_equal(at(word(p + 24)), "");
    assert_int_equal(word(p + 32), 0);
    assert_string_equal(at(word(p + 40)), "PATH=/bin");
    assert_string_equal(at(word(p + 48)), "X=");
    assert_int_equal(word(p + 56), 0);
    uint64_t found[40] = { 0 };
    for (p += 64; word(p) != AT_NULL; p += 16)
        found[word(p)] = word(p + 8);
    assert_int_equal(found[AT_PAGESZ], 4096);
    assert_int_equal(found[AT_ENTRY], 0x401000);
    assert_string_equal(at(found[AT_EXECFN]), "/bin/echo");
    assert_string_equal(at(found[AT_PLATFORM]), "x86_64");
    assert_int_equal(word(found[AT_RANDOM]), 1);
}

static void many_arguments_cross_the_pieces(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static char strings[2 * MANY];
    for (unsigned i = 0; i < MANY; i++)
        strings[2 * i] = 'a' + i % 26;
    struct stack s = with_strings(strings, sizeof strings, "x");
    s.argc = MANY;
    assert_true(stack_strings(strings, sizeof strings, MANY));
    stack_lay(&s);
    assert_int_equal(stack_write(&s, &stack_memory), 0);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(*at(word(s.pointer + 8 + 8 * i)), 'a' + i % 26);
    assert_int_equal(word(s.pointer + 8 + 8 * MANY), 0);
}

static void strings_that_do_not_end_are_refused(void **state)
{
    (void)state;
    assert_false(stack_strings("a\0b", 3, 1));
    assert_false(stack_strings("a\0b", 4, 3));
    assert_false(stack_strings("a\0b", 4, 1));
    assert_true(stack_strings("", 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_file_is_understood),
        cmocka_unit_test(what_is_no_program_is_refused),
        cmocka_unit_test(what_is_unusual_is_mapped),
        cmocka_unit_test(what_cannot_be_mapped_is_broken),
        cmocka_unit_test(mutated_headers_never_break_it),
        cmocka_unit_test(the_stack_is_as_the_standard_says),
        cmocka_unit_test(many_arguments_cross_the_pieces),
        cmocka_unit_test(strings_that_do_not_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
