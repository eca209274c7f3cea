/* The kernel's small objects (kernel/memory.c), in frames that are pieces of an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../kernel/arch.h"
#include "../../kernel/panic.h"

enum { FRAMES = 600, CLASSES = 8 };
static char frames[FRAMES * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* Frame 0 is none, as in the kernel. */
#define phys_to_virt(p) ((void *)(frames + (p)))
#define virt_to_phys(v) ((paddr_t)((const char *)(v)-frames))
#define memcpy          kernel_memcpy
#define memset          kernel_memset
#define strlen          kernel_strlen
#define strncmp         kernel_strncmp
#include "../../kernel/memory.c"
#undef memset
#undef strlen

void panic(const struct regs *r, const char *form, ...)
{
    (void)r;
    fail_msg("panic: %s", form);
    abort();
}

static int begin(void **state)
{
    (void)state;
    memory_ranges[0] = (struct range){ PAGE_SIZE, sizeof frames };
    memory_range_count = 1;
    memory_init();
    return 0;
}

/* How many frames the caches may have when no object is left. */
enum { KEPT = CLASSES * (1 + RECENT_MOST) };

static void objects_are_zeroed_and_apart(void **state)
{
    (void)state;
    enum { OBJECTS = 300, ROUNDS = 20000 };
    static struct {
        uint8_t *at;
        size_t size;
        uint8_t mark;
    } all[OBJECTS], *o;
    uint64_t before = frames_free;
    srand(1);
    for (unsigned round = 0; round < ROUNDS + OBJECTS; round++) {
        o = &all[round < ROUNDS ? (unsigned)rand() % OBJECTS : round - ROUNDS];
        for (size_t i = 0; o->at && i < o->size; i++)
            assert_int_equal(o->at[i], o->mark);
        kfree(o->at, o->size);
        o->at = NULL;
        if (round >= ROUNDS)
            continue;
        o->size = 1 + rand() % (rand() % 8 ? 500 : PAGE_SIZE);
        o->mark = rand();
        o->at = kmalloc(o->size);
        assert_non_null(o->at);
        for (size_t i = 0; i < o->size; i++)
            assert_int_equal(o->at[i], 0);
        memset(o->at, o->mark, o->size);
    }
    assert_true(frames_free + KEPT >= before);
}

/* Takes objects of one size until there is no memory, into a list. How many there were. */
static unsigned all_of(size_t size, void ***list)
{
    unsigned n = 0;
    for (void **o; (o = kmalloc(size)); n++) {
        *o = *list;
        *list = o;
    }
    return n;
}

/* What one size has taken is there for another, as often as one likes. */
static void all_memory_goes_from_size_to_size(void **state)
{
    (void)state;
    static const size_t sizes[] = { 32, 4096, 200, 64, 4096, 32, 2048, 500 };
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    for (unsigned round = 0; round < 3 * SIZES; round++) {
        size_t size = sizes[round % SIZES];
        void **list = NULL;
        uint64_t before = frames_free;
        unsigned n = all_of(size, &list);
        assert_true(n >= (before - 4) * PAGE_SIZE / (1ul << class_of(size)));
        while (list) {
            void **next = *list;
            kfree(list, size);
            list = next;
        }
        assert_true(frames_free + KEPT >= frames_all);
    }
}

/* PM cannot have a frame with the kernel's objects, whatever it says. */
static void frames_of_objects_are_nobodys(void **state)
{
    (void)state;
    char *o = kmalloc(64);
    paddr_t frame = PAGE_DOWN(virt_to_phys(o));
    assert_false(frame_lent(frame));
    assert_false(frame_return(frame));
    assert_false(frame_alone(frame));
    assert_int_equal(frame_pages(frame), 0);
    frame_mapped(frame);
    frame_unmapped(frame);
    kfree(o, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_zeroed_and_apart),
        cmocka_unit_test(all_memory_goes_from_size_to_size),
        cmocka_unit_test(frames_of_objects_are_nobodys),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
