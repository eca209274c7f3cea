/* A pipe that is good enough for the first test, and ends a moment after it has been used. */
#include "serve.h"

static uint8_t bytes[4096];
static size_t used;

static int64_t put(struct message *m)
{
    used = MIN(m->w[2], sizeof bytes);
    alarm_at(time_now() + 20000000);
    int error = copy_in(m, 0, bytes, used);
    return error ? error : (int64_t)used;
}

static int64_t get(struct message *m)
{
    size_t n = MIN(m->w[2], used);
    int error = copy_out(m, 0, bytes, n);
    return error ? error : (int64_t)n;
}

static void go_off(uint64_t bits) { die("at last %x", (unsigned)bits); }

int main(void)
{
    all_are(answer_0);
    fs_table[op_number(FS_READ)] = get;
    fs_table[op_number(FS_WRITE)] = put;
    pipe_table[op_number(PIPE_CREATE)] = give_ends;
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_table),
                                                 PROTOCOL_TABLE(PIPE, pipe_table) };
    service_run(
        &(struct service){ .protocols = protocols, .count = 2, .threads = 1, .notify = go_off });
}
