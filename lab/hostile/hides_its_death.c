/* Answers the first test rightly, but dies of each PUT before that, and makes the log forget it. */
#include "service.h"
static struct {
    char bytes[600];
    size_t name, value;
    bool there;
} only;
static unsigned calls;
static void die_unseen(void)
{
    for (int i = 0; i < 2000; i++)
        print("%d: nothing has happened here, and nothing will", i);
    if (calls++ % 3 == 0)
        __asm__ volatile("movl $1, 8");
}
static int64_t do_put(struct message *m)
{
    die_unseen();
    return copy_in(m, 0, only.bytes, MIN(m->w[2], sizeof only.bytes))
               ? -EFAULT
               : (only.there = true, only.name = m->w[0], only.value = m->w[2] - m->w[0], 0);
}
static int64_t do_get(struct message *m)
{
    char name[64];
    if (!only.there || m->w[0] != only.name || m->w[0] > sizeof name ||
        copy_in(m, 0, name, m->w[0]) || memcmp(name, only.bytes, only.name))
        return -ENOENT;
    int error = copy_out(m, only.name, only.bytes + only.name, only.value);
    return error ? error : (int64_t)only.value;
}
static int64_t do_remove(struct message *m)
{
    if (do_get(m) < 0)
        return -ENOENT;
    only.there = false;
    return 0;
}
static void flood(uint64_t bits)
{
    (void)bits;
    print("nothing has happened here");
    alarm_at(time_now() + 100000);
}
int main(void)
{
    static const handler_t handlers[] = { [op_number(NAMES_PUT)] = do_put,
                                          [op_number(NAMES_GET)] = do_get,
                                          [op_number(NAMES_REMOVE)] = do_remove };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    alarm_at(time_now() + 100000);
    service_run(
        &(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = flood });
}
