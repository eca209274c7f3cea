/* Manifests of services: every key, every mistake with its line; the order of calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <minnow/errno.h>

#include "../../pm/rs/manifest.h"

static const char *const names[] = { "", "rs", "pm", "vfs", "ext2" };

static unsigned slot_of(const char *name, size_t length)
{
    for (unsigned i = 1; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return i;
    return 0;
}

static struct service_rights rights;
static struct manifest_error error;
static struct manifest_more more;

static int parse(const char *text)
{
    return manifest_parse(text, strlen(text), 8192, slot_of, &rights, &more, &error);
}

static void devices_are_all_of_the_table(void **state)
{
    (void)state;
    assert_int_equal(parse("calls: devices ext2\nmemory: 1M\n"), 0);
    assert_int_equal(rights.may_call, 1 << 1 | 1 << 4); /* /dev/service is rs's */
}

static void every_key_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("# a comment\n"
                           "calls: vfs ext2 nobody   # and another\n"
                           "notifies: pm\n"
                           "forwards: vfs\n"
                           "rights: caller dma\n"
                           "ports: 0x60 0x3f8-0x3ff\n"
                           "irqs: 1 4\n"
                           "device-memory: 0xb8000-0xbffff\n"
                           "memory: 1M + 1/8\n"
                           "priority: 2\n"
                           "patience: 5000\n"
                           "loss: fatal\n"
                           "stop: refused\n"),
                     0);
    assert_int_equal(rights.may_call, 1 << 3 | 1 << 4);
    assert_int_equal(rights.may_notify, 1 << 2 | 1 << 3);
    assert_int_equal(rights.rights, RIGHT_CALLER | RIGHT_DMA);
    assert_int_equal(rights.ports[0].first, 0x60);
    assert_int_equal(rights.ports[0].last, 0x60);
    assert_int_equal(rights.ports[1].last, 0x3ff);
    assert_true(rights.ports[2].first > rights.ports[2].last);
    assert_int_equal(rights.irqs, 1 << 1 | 1 << 4);
    assert_int_equal(rights.memory[0].last, 0xbffff);
    assert_int_equal(rights.budget, 256 + (8192 - SMALL_MACHINE) / 8);
    assert_int_equal(rights.priority, 2);
    assert_int_equal(more.patience_ms, 5000);
    assert_true(more.loss_is_fatal);
    assert_true(more.stop_refused);
    assert_int_equal(parse("memory: 1M\npatience: -\n"), 0);
    assert_int_equal(more.patience_ms, UINT32_MAX);
}

static void a_call_may_be_bound_to_an_object(void **state)
{
    (void)state;
    assert_int_equal(parse("calls: vfs ext2:3 pm:0x41 nobody:1\nmemory: 1M\n"), 0);
    assert_int_equal(rights.may_call, 1 << 3);
    assert_int_equal(rights.objects[0].slot, 4);
    assert_int_equal(rights.objects[0].object, 3);
    assert_int_equal(rights.objects[1].slot, 2);
    assert_int_equal(rights.objects[1].object, 0x41);
    assert_int_equal(rights.objects[2].slot, 0);
    assert_int_equal(manifest_calls(&rights), 1 << 2 | 1 << 3 | 1 << 4);
}

static void a_call_may_be_bound_to_what_was_lent(void **state)
{
    (void)state;
    assert_int_equal(parse("calls: vfs ext2:lent pm:3 nobody:lent\nmemory: 1M\n"), 0);
    assert_int_equal(rights.may_call, 1 << 3);
    assert_int_equal(rights.may_borrow, 1 << 4);
    assert_int_equal(rights.objects[0].slot, 2);
    assert_int_equal(rights.objects[1].slot, 0);
    assert_int_equal(manifest_calls(&rights), 1 << 2 | 1 << 3 | 1 << 4);
    assert_int_equal(parse("calls: ext2:lend\nmemory: 1M\n"), -EINVAL);
}

static void nothing_is_granted_by_default(void **state)
{
    (void)state;
    assert_int_equal(parse("memory: 4096"), 0);
    assert_int_equal(rights.may_call | rights.may_notify | rights.rights | rights.irqs, 0);
    assert_true(rights.ports[0].first > rights.ports[0].last);
    assert_true(rights.memory[0].first > rights.memory[0].last);
    assert_int_equal(rights.budget, 1);
}

static void mistakes_are_told_with_their_line(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
    } wrong[] = {
        { "memory: 1M\nrihgts: dma\n", 2 },
        { "memory: 1M\nrights: root\n", 2 },
        { "memory: lots\n", 1 },
        { "memory: 1/0\n", 1 },
        { "ports: 0x3ff-0x3f8\nmemory: 1M\n", 1 },
        { "\n\nports: 70000\nmemory: 1M\n", 3 },
        { "irqs: 16\nmemory: 1M\n", 1 },
        { "priority: 8\nmemory: 1M\n", 1 },
        { "priority:\nmemory: 1M\n", 1 },
        { "priority: 1 2\nmemory: 1M\n", 1 },
        { "patience: long\nmemory: 1M\n", 1 },
        { "patience:\nmemory: 1M\n", 1 },
        { "ports: 1 2 3 4 5 6 7 8 9\nmemory: 1M\n", 1 },
        { "memory 1M\n", 1 },
        { "calls: vfs:\nmemory: 1M\n", 1 },
        { "calls: vfs:x\nmemory: 1M\n", 1 },
        { "calls: vfs:1:2\nmemory: 1M\n", 1 },
        { "memory: 1M\ncalls: vfs:1 vfs:2 vfs:3 vfs:4 vfs:5\n", 2 },
        { "device-memory: 0x10-\nmemory: 1M\n", 1 },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(parse(wrong[i].text), -EINVAL);
        assert_non_null(error.reason);
        assert_int_equal(error.line, wrong[i].line);
    }
    assert_int_equal(parse("calls: vfs\n"), -EINVAL); /* no memory */
}

static void an_order_of_calls_has_no_cycle(void **state)
{
    uint64_t calls[MAX_SERVICE] = { 0 };
    unsigned cycle[MAX_SERVICE + 1];
    (void)state;
    for (unsigned i = 2; i < MAX_SERVICE; i++)
        calls[i] = (1ul << i) - 2; /* everybody calls all below him */
    assert_false(manifest_cycle(calls, cycle));
}

static void a_cycle_is_found_and_named(void **state)
{
    uint64_t calls[MAX_SERVICE] = {
        [1] = 1 << 2, [2] = 1 << 5 | 1 << 3, [3] = 1 << 4, [4] = 1 << 2
    };
    unsigned cycle[MAX_SERVICE + 1];
    (void)state;
    assert_true(manifest_cycle(calls, cycle));
    assert_int_equal(cycle[0] + cycle[1] + cycle[2], 2 + 3 + 4);
    assert_int_equal(cycle[3], 0);
    calls[4] = 1 << 4; /* whoever calls himself */
    assert_true(manifest_cycle(calls, cycle));
    assert_int_equal(cycle[0], 4);
    assert_int_equal(cycle[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(devices_are_all_of_the_table),
        cmocka_unit_test(a_call_may_be_bound_to_an_object),
        cmocka_unit_test(a_call_may_be_bound_to_what_was_lent),
        cmocka_unit_test(nothing_is_granted_by_default),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(an_order_of_calls_has_no_cycle),
        cmocka_unit_test(a_cycle_is_found_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
