/* Forwards the calls of its callers: what a test writes is handed on to the disk's driver, for
 * another partition. */
#include "serve.h"

static int64_t hand_on(struct message *m)
{
    for (uint64_t object = 0; object < 3; object++) {
        struct message other = *m;
        other.op = m->op;
        other.object = object;
        other.position = 0;
        if (forward(&other, service_find("virtio_blk")) == 0 ||
            forward(&other, service_find("ata")) == 0)
            return LATER;
    }
    return m->w[2];
}

static int64_t open_disk(struct message *m)
{
    struct message other = *m;
    other.object = 1;
    return forward(&other, service_find("virtio_blk")) == 0 ? LATER
                                                            : connect(m, m->object, CONN_SEEKABLE);
}

static int64_t say_file(struct message *m)
{
    reply_words(m, m->object + 1, S_IFREG | 0666, 0);
    return 0;
}

int main(void)
{
    handlers[op_number(FS_LOOKUP)] = say_file;
    handlers[op_number(FS_CREATE)] = say_file;
    handlers[op_number(FS_OPEN)] = open_disk;
    handlers[op_number(FS_WRITE)] = hand_on;
    handlers[op_number(FS_READ)] = hand_on;
    serve();
}
