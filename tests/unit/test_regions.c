/* Regions of a space: single cases, then random operations against a model that knows each page by
 * itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../pm/regions.h"
#include <minnow/errno.h>
#include <minnow/syscall.h>

enum { PAGES = 64, BACKINGS = 3, STEPS = 20000, SEEDS = 20 };
#define ADDRESS(page) ((vaddr_t)((page) + 16) * PAGE_SIZE)

struct backing {
    int references;
};
static struct backing backings[BACKINGS];

int regions_charge(struct regions *rs, unsigned places)
{
    rs->charged = places;
    return 0;
}
void backing_ref(struct backing *b) { b->references++; }
void backing_unref(struct backing *b) { b->references--; }
void *memory_alloc(size_t bytes) { return malloc(bytes); }
void memory_free(void *p) { free(p); }
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    abort();
}

static void add(struct regions *rs, unsigned first, unsigned end, uint8_t protection,
                struct backing *b, uint64_t offset)
{
    assert_int_equal(regions_reserve(rs, 1), 0);
    if (b)
        backing_ref(b);
    regions_insert(rs, &(struct region){ .start = ADDRESS(first),
                                         .end = ADDRESS(end),
                                         .protection = protection,
                                         .allowed = 7,
                                         .backing = b,
                                         .offset = offset });
}

static void neighbours_that_agree_become_one(void **state)
{
    (void)state;
    struct regions rs = { 0 };
    add(&rs, 0, 2, PAGE_READ, NULL, 0);
    add(&rs, 4, 6, PAGE_READ, NULL, 0);
    assert_int_equal(rs.count, 2);
    add(&rs, 2, 4, PAGE_READ, NULL, 0);
    assert_int_equal(rs.count, 1);
    assert_int_equal(regions_first(&rs)->end, ADDRESS(6));
    regions_clear(&rs);
}

/* At the limit of regions a removal works that leaves no more of them than there are, and so does a
 * protection that splits none. */
static void memory_can_be_given_back_at_the_limit(void **state)
{
    (void)state;
    struct regions rs = { 0 };
    for (unsigned i = 0; i < REGIONS_MAX; i++)
        add(&rs, 4 * i, 4 * i + 3, PAGE_READ, NULL, 0);
    assert_int_equal(rs.count, REGIONS_MAX);
    assert_int_equal(regions_reserve(&rs, 1), -ENOMEM);
    assert_int_equal(regions_reserve_removal(&rs, ADDRESS(1), ADDRESS(2)), -ENOMEM);
    assert_int_equal(regions_reserve_protection(&rs, ADDRESS(1), ADDRESS(3)), -ENOMEM);
    assert_int_equal(regions_reserve_protection(&rs, ADDRESS(0), ADDRESS(3)), 0);
    regions_protect(&rs, ADDRESS(0), ADDRESS(3), PAGE_READ | PAGE_WRITE);
    assert_int_equal(regions_reserve_removal(&rs, ADDRESS(1), ADDRESS(6)), 0);
    regions_remove(&rs, ADDRESS(1), ADDRESS(6));
    assert_int_equal(rs.count, REGIONS_MAX);
    assert_int_equal(regions_reserve_removal(&rs, ADDRESS(0), ADDRESS(4 * REGIONS_MAX)), 0);
    regions_remove(&rs, ADDRESS(0), ADDRESS(4 * REGIONS_MAX));
    assert_int_equal(rs.count, 0);
    regions_clear(&rs);
}

static void files_join_only_where_their_offsets_go_on(void **state)
{
    (void)state;
    struct regions rs = { 0 };
    add(&rs, 0, 2, PAGE_READ, &backings[0], 0);
    add(&rs, 2, 4, PAGE_READ, &backings[0], 2 * PAGE_SIZE);
    add(&rs, 4, 6, PAGE_READ, &backings[0], 5 * PAGE_SIZE);
    assert_int_equal(rs.count, 2);
    assert_int_equal(backings[0].references, 2);
    regions_clear(&rs);
    assert_int_equal(backings[0].references, 0);
}

static void a_hole_splits_a_region_and_keeps_its_offsets(void **state)
{
    (void)state;
    struct regions rs = { 0 };
    add(&rs, 0, 10, PAGE_READ, &backings[0], PAGE_SIZE);
    assert_int_equal(regions_reserve(&rs, 2), 0);
    regions_remove(&rs, ADDRESS(4), ADDRESS(6));
    assert_int_equal(rs.count, 2);
    assert_int_equal(regions_next(&rs, regions_first(&rs))->offset, 7 * PAGE_SIZE);
    assert_false(regions_covered(&rs, ADDRESS(3), ADDRESS(5)));
    assert_true(regions_covered(&rs, ADDRESS(6), ADDRESS(10)));
    assert_null(regions_at(&rs, ADDRESS(5)));
    regions_clear(&rs);
}

static void the_highest_gap_is_found(void **state)
{
    (void)state;
    struct regions rs = { 0 };
    add(&rs, 10, 20, PAGE_READ, NULL, 0);
    add(&rs, 24, 30, PAGE_READ, NULL, 0);
    assert_int_equal(regions_gap(&rs, 2 * PAGE_SIZE, ADDRESS(0), ADDRESS(64)), ADDRESS(62));
    assert_int_equal(regions_gap(&rs, 4 * PAGE_SIZE, ADDRESS(0), ADDRESS(30)), ADDRESS(20));
    assert_int_equal(regions_gap(&rs, 5 * PAGE_SIZE, ADDRESS(0), ADDRESS(30)), ADDRESS(5));
    assert_int_equal(regions_gap(&rs, 11 * PAGE_SIZE, ADDRESS(0), ADDRESS(30)), 0);
    assert_int_equal(regions_gap(&rs, 4 * PAGE_SIZE, ADDRESS(12), ADDRESS(24)), ADDRESS(20));
    assert_int_equal(regions_gap(&rs, 1 * PAGE_SIZE, ADDRESS(12), ADDRESS(18)), 0);
    regions_clear(&rs);
}

/* Copies `count` regions, every third of which is not for a child; then the copy gets more. */
static void copy_without_some(unsigned count)
{
    struct regions rs = { 0 }, copy = { 0 };
    vaddr_t at = 0, bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        add(&rs, 2 * i, 2 * i + 1, PAGE_READ, &backings[0], 0);
        if (i % 3)
            bytes += PAGE_SIZE;
        else
            regions_flag(&rs, ADDRESS(2 * i), ADDRESS(2 * i + 1), 0, REGION_NOT_FORKED);
    }
    while (at < USER_TOP)
        assert_int_equal(regions_copy(&copy, &rs, &at), 0);
    assert_int_equal(copy.bytes, bytes);
    assert_int_equal(backings[0].references, count + copy.count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(regions_at(&copy, ADDRESS(2 * i)) != NULL, i % 3 != 0);
    for (unsigned i = 0; i < count; i++)
        add(&copy, 2 * i + 1, 2 * i + 2, PAGE_WRITE, NULL, 0);
    assert_true(copy.count >= count);
    regions_clear(&copy);
    regions_clear(&rs);
    assert_int_equal(backings[0].references, 0);
}

static void a_copy_has_no_region_that_is_not_for_children(void **state)
{
    (void)state;
    copy_without_some(1);
    copy_without_some(REGIONS_AT_ONCE);
    copy_without_some(3 * REGIONS_AT_ONCE);
}

/* ---- against a model ---- */

struct model {
    bool there;
    uint8_t protection;
    struct backing *backing;
    uint64_t offset;
};

/* Whether a tree is in order and balanced. Returns its height. */
static unsigned check_tree(const struct regions *rs, uint32_t n)
{
    if (!n)
        return 0;
    const struct region *t = region_of(rs, n), *left = &rs->place[t->left],
                        *right = &rs->place[t->right];
    unsigned left_height = check_tree(rs, t->left), right_height = check_tree(rs, t->right);
    uint64_t widest = t->start - rs->place[t->prev].end;
    assert_true(left_height <= right_height + 1 && right_height <= left_height + 1);
    assert_int_equal(t->height, (left_height > right_height ? left_height : right_height) + 1);
    assert_true(!t->left || left->start < t->start);
    assert_true(!t->right || right->start > t->start);
    widest = left->widest > widest ? left->widest : widest;
    assert_int_equal(t->widest, right->widest > widest ? right->widest : widest);
    return t->height;
}

static void check(const struct regions *rs, const struct model *model)
{
    int references[BACKINGS] = { 0 };
    unsigned n = 0;
    uint64_t bytes = 0;
    for (const struct region *r = regions_first(rs), *b = NULL; r;
         b = r, r = regions_next(rs, r), n++) {
        assert_true(r->start < r->end);
        assert_ptr_equal(regions_prev(rs, r), b);
        bytes += r->end - r->start;
        if (b) {
            assert_true(b->end <= r->start);
            assert_false(b->end == r->start && b->protection == r->protection &&
                         b->backing == r->backing &&
                         (!r->backing || b->offset + (b->end - b->start) == r->offset));
        }
        if (r->backing)
            references[r->backing - backings]++;
    }
    assert_int_equal(n, rs->count);
    assert_int_equal(bytes, rs->bytes);
    check_tree(rs, rs->root);
    for (unsigned i = 0; i < BACKINGS; i++)
        assert_int_equal(backings[i].references, references[i]);
    for (unsigned p = 0; p < PAGES; p++) {
        const struct region *r = regions_at(rs, ADDRESS(p));
        assert_int_equal(r != NULL, model[p].there);
        if (!r)
            continue;
        assert_int_equal(r->protection, model[p].protection);
        assert_ptr_equal(r->backing, model[p].backing);
        if (r->backing)
            assert_int_equal(r->offset + (ADDRESS(p) - r->start), model[p].offset);
    }
}

static void check_gap(const struct regions *rs, const struct model *model, unsigned length)
{
    unsigned best = PAGES;
    for (unsigned p = 0; p + length <= PAGES; p++) {
        bool empty = true;
        for (unsigned i = 0; i < length; i++)
            empty &= !model[p + i].there;
        if (empty)
            best = p;
    }
    assert_int_equal(regions_gap(rs, length * PAGE_SIZE, ADDRESS(0), ADDRESS(PAGES)),
                     best == PAGES ? 0 : ADDRESS(best));
}

static void step(struct regions *rs, struct model *model)
{
    unsigned first = rand() % PAGES,
             end = first + 1 + rand() % (PAGES - first < 9 ? PAGES - first : 9), kind = rand() % 4;
    uint8_t protection = rand() % 3;
    struct backing *b = rand() % 2 ? &backings[rand() % BACKINGS] : NULL;
    assert_int_equal(regions_reserve(rs, 3), 0);
    if (kind < 2) {
        regions_remove(rs, ADDRESS(first), ADDRESS(end));
        assert_true(regions_free(rs, ADDRESS(first), ADDRESS(end)));
        if (kind == 0)
            add(rs, first, end, protection, b, ADDRESS(first));
    } else if (kind == 2) {
        regions_protect(rs, ADDRESS(first), ADDRESS(end), protection);
    }
    uint64_t pages = 0;
    for (unsigned p = first; p < end; p++) {
        if (kind == 0)
            model[p] = (struct model){ true, protection, b, b ? ADDRESS(p) : 0 };
        else if (kind == 1)
            model[p].there = false;
        else if (kind == 2 && model[p].there)
            model[p].protection = protection;
        pages += model[p].there;
    }
    assert_int_equal(regions_pages(rs, ADDRESS(first), ADDRESS(end)), pages);
    assert_int_equal(regions_covered(rs, ADDRESS(first), ADDRESS(end)), pages == end - first);
    check_gap(rs, model, 1 + rand() % 12);
}

static void random_operations_do_what_the_model_does(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct regions rs = { 0 }, copy = { 0 };
        struct model model[PAGES] = { 0 };
        srand(seed);
        for (unsigned i = 0; i < STEPS / SEEDS; i++) {
            step(&rs, model);
            check(&rs, model);
        }
        vaddr_t at = 0;
        assert_int_equal(regions_copy(&copy, &rs, &at), 0);
        assert_int_equal(at, USER_TOP);
        regions_clear(&rs);
        check(&copy, model);
        regions_clear(&copy);
        for (unsigned i = 0; i < BACKINGS; i++)
            assert_int_equal(backings[i].references, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_that_agree_become_one),
        cmocka_unit_test(memory_can_be_given_back_at_the_limit),
        cmocka_unit_test(files_join_only_where_their_offsets_go_on),
        cmocka_unit_test(a_hole_splits_a_region_and_keeps_its_offsets),
        cmocka_unit_test(the_highest_gap_is_found),
        cmocka_unit_test(a_copy_has_no_region_that_is_not_for_children),
        cmocka_unit_test(random_operations_do_what_the_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
