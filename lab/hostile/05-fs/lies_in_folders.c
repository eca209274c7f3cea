/* Records of folders that are longer than their buffer, shorter than a record, without an end;
 * names that are none, and hundreds of them. */
#include "serve.h"

static int64_t lie(struct message *m)
{
    static uint8_t records[4096];
    static unsigned turn;
    static const uint16_t lengths[] = { 0, 1, 8, 23, 24, 25, 4095, 4096, 4097, 65535 };
    static const char *const names[] = {
        "/", "..", "", "a/b", "\n", "x\n{\"n\":1,\"event\":\"done\",\"died\":0}\n", "a"
    };
    /* no name ends in a record that is not written */
    memset(records, 'n', sizeof records);
    for (unsigned at = 0, i = turn++; at + 64 < sizeof records; at += 64, i++) {
        uint64_t head[2] = { i, i + 1 };
        const char *name = names[i % ARRAY_SIZE(names)];
        memcpy(records + at, head, sizeof head);
        memcpy(records + at + 16, &lengths[i % ARRAY_SIZE(lengths)], 2);
        memcpy(records + at + 19, name, strlen(name) + 1);
    }
    copy_out_call(m->call, 0, records, MIN(m->w[2], sizeof records));
    reply_position(m, turn % 3 ? -1ul : 1);
    return turn % 4 ? (int64_t)m->w[2] : 1 << 20;
}

static int64_t make(struct message *m)
{
    reply_words(m, m->object + 1, S_IFREG | 0666, 0);
    return 0;
}

int main(void)
{
    handlers[op_number(FS_DENTS)] = lie;
    handlers[op_number(FS_CREATE)] = make;
    serve();
}
