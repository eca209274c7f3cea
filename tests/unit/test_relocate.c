/* Relocating programs of services (minnow/elf.h): a real one, and spoiled ones, which must be
 * refused or moved but never lead outside the file. */
#include <minnow/elf.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLIDE = 0x1234000, ROUNDS = 20000 };

static char *original;
static size_t size;

static int load(void **state)
{
    const char *build = getenv("BUILD");
    char path[4096];
    (void)state;
    snprintf(path, sizeof path, "%s/boot/services/rtc", build ? build : "build");
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    original = malloc(1 << 20);
    size = fread(original, 1, 1 << 20, f);
    return fclose(f) || !size;
}

static char *copy(void) { return memcpy(malloc(size), original, size); }

static void moved_once_and_everything_with_it(void **state)
{
    (void)state;
    char *file = copy();
    const struct elf_header *a = (void *)original, *b = (void *)file;
    const struct elf_relocation *table;
    uint64_t count;
    assert_int_equal(elf_relocations(original, size, &table, &count), 0);
    assert_true(count > 0);
    assert_int_equal(elf_relocate(file, size, SLIDE), 0);
    assert_int_equal(b->entry, a->entry + SLIDE);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t *word = elf_bytes(file, size, table[i].at + SLIDE, 8);
        assert_non_null(word);
        assert_int_equal(*word, table[i].addend + SLIDE);
    }
    assert_int_equal(elf_relocate(file, size, SLIDE), -ENOEXEC);
    free(file);
}

static void a_part_of_a_file_is_refused(void **state)
{
    (void)state;
    for (size_t length = 0; length < size; length += length < 600 ? 1 : 997) {
        char *file = memcpy(malloc(length + 1), original, length);
        (void)elf_relocate(file, length, SLIDE);
        free(file);
    }
    char *file = copy();
    assert_int_equal(elf_relocate(file, sizeof(struct elf_header) - 1, SLIDE), -ENOEXEC);
    free(file);
}

static void spoiled_files_lead_nowhere(void **state)
{
    (void)state;
    srand(1);
    const struct elf_header *h = (void *)original;
    size_t heads = h->segments_at + h->segment_count * sizeof(struct elf_segment);
    const struct elf_segment *s = (void *)(original + h->segments_at);
    size_t dynamic = 0;
    for (unsigned i = 0; i < h->segment_count; i++)
        if (s[i].type == ELF_DYNAMIC)
            dynamic = s[i].offset;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char *file = copy();
        for (int n = rand() % 4; n >= 0; n--) {
            size_t at = rand() % 3 ? rand() % heads : dynamic + rand() % 256;
            uint64_t odd[] = { 0, 1, -1ul, 1ul << 63, size, size - 1, rand(), -4096ul };
            if (rand() % 2)
                file[at] = rand();
            else
                memcpy(file + at / 8 * 8, &odd[rand() % 8], 8);
        }
        (void)elf_relocate(file, size, (uint64_t)rand() << 20);
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moved_once_and_everything_with_it),
        cmocka_unit_test(a_part_of_a_file_is_refused),
        cmocka_unit_test(spoiled_files_lead_nowhere),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
