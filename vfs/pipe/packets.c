/* Packets (O_DIRECT). What is written through such an end is a packet, or several of PIPE_ATOMIC
 * bytes and a last one that may be shorter. A read ends behind the first packet of which it gets a
 * byte, and what it has no room for of that packet is lost. Bytes written through other ends stand
 * between packets, and a read goes over from them into the next packet. (pipe2(2); Linux,
 * fs/pipe.c, where a packet that fits on the page of such bytes joins them)
 *
 * The ring holds the bytes; beside it stands where each packet begins and ends, counted from the
 * pipe's first byte on, modulo 2^32. A pipe holds one packet for each page of its capacity. */
#include "pipe.h"

struct packets {
    uint32_t passed; /* bytes that have left the pipe */
    uint32_t first, count, size;
    struct packet {
        uint32_t begin, end;
    } packet[];
};

static struct packet *nth(struct packets *k, uint32_t n)
{
    return &k->packet[(k->first + n) % k->size];
}

bool packets_room(struct pipe *p, uint32_t capacity)
{
    struct packets *old = p->packets;
    uint32_t size = capacity / PAGE_SIZE;
    if (old && (old->size == size || old->count > size))
        return true;
    struct packets *now = memory_alloc(sizeof *now + size * sizeof now->packet[0]);
    if (!now)
        return false;
    *now = (struct packets){ .size = size };
    if (old) {
        now->passed = old->passed;
        now->count = old->count;
        for (uint32_t n = 0; n < old->count; n++)
            now->packet[n] = *nth(old, n);
        memory_free(old);
    }
    p->packets = now;
    return true;
}

uint32_t packets_count(const struct packets *k) { return k->count; }

uint32_t packets_free(const struct packets *k) { return k->size - k->count; }

uint32_t packet_begin(const struct packets *k, uint32_t used)
{
    return k->count ? k->packet[k->first].begin - k->passed : used;
}

uint32_t packet_end(const struct packets *k, uint32_t used)
{
    return k->count ? k->packet[k->first].end - k->passed : used;
}

void packets_pass(struct packets *k, uint32_t bytes)
{
    for (k->passed += bytes; k->count; k->first = (k->first + 1) % k->size, k->count--) {
        struct packet *next = &k->packet[k->first];
        if ((int32_t)(next->end - k->passed) > 0) {
            if ((int32_t)(next->begin - k->passed) < 0)
                next->begin = k->passed;
            return;
        }
    }
}

void packets_add(struct pipe *p, uint32_t bytes)
{
    struct packets *k = p->packets;
    uint32_t end = k->passed + p->used, at = end - bytes;
    for (uint32_t n; at != end; at += n) {
        n = MIN(end - at, (uint32_t)PIPE_ATOMIC);
        *nth(k, k->count++) = (struct packet){ at, at + n };
    }
}
